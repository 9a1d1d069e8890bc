"""What the pipeline takes, what it takes once, and what it keeps apart; and that nothing it said it has is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from apsw import Connection

from adapters.frame import Frame
from adapters.intake import PAYLOAD_MAX
from adapters.provisioning.book import Row
from adapters.provisioning.keys import digest_of
from adapters.quarantine import Chosen
from adapters.store import AdapterStore, NotKept
from broker.model.values import to_text
from tests.fakes.clock import FakeClock
from tests.fakes.hubs import HeldHub
from tests.fakes.piped import HandLink, Pipe, piped, until

YEAR_S = 365 * 86_400
CITY = {
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json, items: all, device: who, at: ts, sequence: seq}
mapping: rooms
devices:
  - {id: s1, rate_per_s: 1000}
  - {id: s2, key: opensesame}
  - {id: slow, rate_per_s: 1}
  - {id: other, mapping: nowhere}
""",
    "rooms.yaml": """
mapping: rooms
version: 1
entities:
  - id: "urn:ngsi-ld:Room:misono:{device}"
    type: Room
    attributes:
      warmth: {from: t, unit: CEL}
      note: {from: note}
""",
}
ROOM = "urn:ngsi-ld:Room:misono:s1"


def frame(pipe: Pipe, *messages: dict[str, Any], key: str = "", **more: Any) -> Frame:
    said = [{"who": "s1", **one} for one in messages]
    return Frame(json.dumps({"all": said}).encode(), pipe.now(), key=key, **more)


def test_readings_carry_the_device_s_own_time(tmp_path: Path) -> None:
    with piped(tmp_path, CITY, clock=FakeClock()) as pipe:
        at = pipe.now() - 5_000_000
        pipe.give("sensors", frame(pipe, {"ts": to_text(at), "t": 20}))
        assert pipe.entity(ROOM)["warmth"]["observedAt"] == to_text(at)


def test_a_repetition_is_acknowledged_and_written_once(tmp_path: Path) -> None:
    hub = HeldHub()
    with piped(tmp_path, CITY, hub=hub) as pipe:
        numbered = frame(pipe, {"seq": "17", "t": 20})
        timed = frame(pipe, {"ts": to_text(pipe.now()), "t": 21})
        pipe.give("sensors", numbered, timed, numbered)
        pipe.give("sensors", numbered, timed)
        pipe.settle()
        assert pipe.counts("sensors").repeated == 3
        assert sum(len(batch) for _, batch in hub.batches) == 2
        assert pipe.reasons() == []


def test_a_repetition_is_known_after_a_restart(tmp_path: Path) -> None:
    hub = HeldHub()
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give("sensors", again := frame(pipe, {"seq": "17", "t": 20}))
        pipe.settle()
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give("sensors", again)
        assert pipe.counts("sensors").repeated == 1
    assert len(hub.batches) == 1


def test_what_has_neither_number_nor_time_is_news_each_time(tmp_path: Path) -> None:
    hub = HeldHub()
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give("sensors", frame(pipe, {"t": 20}), frame(pipe, {"t": 20}))
        pipe.settle()
        assert sum(len(batch) for _, batch in hub.batches) == 2


def test_the_same_number_with_other_content_is_an_attack(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give("sensors", frame(pipe, {"seq": "17", "t": 20}), frame(pipe, {"seq": "17", "t": 99}))
        assert pipe.entity(ROOM)["warmth"]["value"] == 20
        assert pipe.reasons() == ["replayed"]


@pytest.mark.parametrize(
    ("off_s", "taken"), [(299, True), (301, False), (YEAR_S, False), (-604_000, True), (-YEAR_S, False)]
)
def test_a_clock_that_is_off_is_not_believed(tmp_path: Path, off_s: int, *, taken: bool) -> None:
    with piped(tmp_path, CITY, clock=FakeClock()) as pipe:
        pipe.give("sensors", frame(pipe, {"ts": to_text(pipe.now() + off_s * 1_000_000), "t": 20}))
        assert pipe.reasons() == ([] if taken else ["clock"])
        pipe.settle()
        assert (pipe.hub.entity("", ROOM) is not None) == taken


def test_an_older_reading_is_counted_as_late(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        now = pipe.now()
        for ago_s in (10, 5, 7, 0):
            pipe.give("sensors", frame(pipe, {"ts": to_text(now - ago_s * 1_000_000), "t": ago_s}))
        assert pipe.counts("sensors").late == 1


def test_a_device_that_speaks_too_fast_is_kept_apart_beyond_a_burst(tmp_path: Path) -> None:
    with piped(tmp_path, CITY, clock=(clock := FakeClock())) as pipe:
        pipe.give("sensors", *(frame(pipe, {"who": "slow", "t": number}) for number in range(15)))
        assert pipe.reasons() == ["rate"] * 5
        clock.advance(3)
        pipe.give("sensors", *(frame(pipe, {"who": "slow", "t": number}) for number in range(5)))
        assert pipe.reasons() == ["rate"] * 7


def test_bad_input_is_kept_with_its_reason_and_the_rest_of_a_frame_is_taken(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give(
            "sensors",
            frame(pipe, {"who": "nobody", "t": 1}, {"t": 20}),
            frame(pipe, {"x": 1}),
            frame(pipe, {"who": "s2", "t": 1}, key="sesame"),
            frame(pipe, {"who": "other", "t": 1}),
            frame(pipe, {"note": "x" * 20_000}),
            frame(pipe, *({"t": number} for number in range(1001))),
            Frame(b"x" * (PAYLOAD_MAX + 1), pipe.now(), device="s1"),
            Frame(b'{"all": [{"who": "s1", "t"', pipe.now()),
            frame(pipe, {"who": "a\nb", "t": 1}),
        )
        assert pipe.entity(ROOM)["warmth"]["value"] == 20
        assert pipe.reasons() == [
            "unknown_device", "unmapped", "wrong_key", "no_mapping", "oversized", "oversized", "oversized",
            "truncated", "unknown_device",
        ]  # fmt: skip
        assert sum(pipe.counts("sensors").quarantined.values()) == 9
        kept = pipe.quarantined(reason="oversized")[-1].refused.kept
        assert len(kept.payload) == 1000


def test_keys_are_never_kept(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        secret = "a-key-nobody-may-read"  # noqa: S105  no real one
        pipe.give(
            "sensors",
            frame(
                pipe, {"t": 1}, key=secret, channel=f"/json/{secret}/s1/attrs", about={"url": f"/iot?k={secret}&i=s1"}
            ),
            frame(pipe, {"who": "s2", "t": 1}, key=secret, channel=f"/json/{secret}/s2/attrs"),
        )
        pipe.settle()
        [kept] = pipe.quarantined()
        assert kept.shown()["channel"] == "/json/****read/s2/attrs"
        store = pipe.assembled.running.parts.store
        files = [path.read_bytes() for path in store.path.parent.glob(f"{store.path.name}*")]
    assert not any(secret.encode() in text or b"opensesame" in text for text in files)


def test_a_fault_of_a_codec_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(tmp_path, CITY) as pipe:
        codec = pipe.assembled.running.adapters["sensors"].intake._adapter.codec
        decode = codec.decode

        def faulty(given: Frame) -> Any:
            if b"fault" in given.payload:
                raise ZeroDivisionError
            return decode(given)

        monkeypatch.setattr(codec, "decode", faulty, raising=False)
        pipe.give("sensors", frame(pipe, {"note": "fault"}), frame(pipe, {"t": 20}))
        assert pipe.entity(ROOM)["warmth"]["value"] == 20
        assert pipe.reasons() == ["failed"]


def test_a_replay_takes_frames_as_things_are_now(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give("sensors", frame(pipe, {"who": "new", "t": 20}), frame(pipe, {"who": "never", "t": 20}))
        assert pipe.reasons() == ["unknown_device", "unknown_device"]
        pipe.assembled.book.add([Row("device", "sensors", "", "new", {"id": "new"})])
        until(pipe.assembled.devices.refresh)
        first = [one.number for one in pipe.quarantined()]
        assert pipe.assembled.running.quarantine.ask_replay(Chosen()) == 2
        until(lambda: len(pipe.quarantined()) == 1)
        [left] = pipe.quarantined()
        assert left.refused.kept.payload == frame(pipe, {"who": "never", "t": 20}).payload
        assert left.number not in first
        assert pipe.entity("urn:ngsi-ld:Room:misono:new")["warmth"]["value"] == 20


TENANTS = {
    **CITY,
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json, items: all, device: who, at: ts, sequence: seq}
mapping: rooms
devices:
  - {id: s1}
  - {id: s2, key: opensesame}
  - {id: twin, tenant: a, key: key-of-a}
""",
}


def replayed(pipe: Pipe, number: int) -> None:
    """Have all that is in quarantine taken again, so many frames."""
    last = max(one.number for one in pipe.quarantined())
    assert pipe.assembled.running.quarantine.ask_replay(Chosen()) == number
    until(lambda: not [one for one in pipe.quarantined() if one.number <= last])
    pipe.settle()


def test_a_replay_takes_no_frame_whose_key_was_wrong(tmp_path: Path) -> None:
    with piped(tmp_path, TENANTS) as pipe:
        pipe.give("sensors", frame(pipe, {"who": "s2", "t": 99}, key="stolen?"))
        pipe.give("sensors", frame(pipe, {"who": "late", "t": 99}))
        pipe.give("sensors", frame(pipe, {"x": 1}, {"who": "s2", "t": 99}))
        assert pipe.reasons() == ["wrong_key", "unknown_device", "unmapped", "wrong_key"]
        pipe.assembled.book.add([Row("device", "sensors", "", "late", {"id": "late", "key_digest": digest_of("key")})])
        until(lambda: pipe.assembled.devices.refresh() or len(pipe.assembled.devices.of_adapter("sensors")) == 4)
        replayed(pipe, 4)
        assert [one for one in pipe.reasons() if one != "unmapped"] == ["wrong_key"] * 4
        assert all("send it again" in one.refused.message for one in pipe.quarantined(reason="wrong_key"))
        for who in ("s2", "late"):
            assert pipe.hub.entity("", f"urn:ngsi-ld:Room:misono:{who}") is None


def test_a_replay_is_of_the_device_whose_key_came(tmp_path: Path) -> None:
    refuse = {"on": True}
    hub = HeldHub(lambda _fragment: refuse["on"])
    with piped(tmp_path, TENANTS, hub=hub) as pipe:
        twin = Row("device", "sensors", "b", "twin", {"id": "twin", "key_digest": digest_of("key-of-b")})
        pipe.assembled.book.add([twin])
        until(lambda: pipe.assembled.devices.refresh() or len(pipe.assembled.devices.of_adapter("sensors")) == 4)
        pipe.give("sensors", frame(pipe, {"who": "twin", "t": 20}, key="key-of-b"))
        pipe.give("sensors", Frame(b'{"all": [{"t"', pipe.now(), device="twin", key="key-of-b"))
        pipe.settle()
        assert sorted(pipe.reasons()) == ["refused", "truncated"]
        assert [one.refused.kept.opened for one in pipe.quarantined()] == [{"twin": "b"}] * 2
        refuse["on"] = False
        replayed(pipe, 2)
        assert {whose for whose, _ in hub.entities} == {"b"}
        assert [one.refused.kept.opened for one in pipe.quarantined()] == [{"twin": "b"}]


def test_what_the_hub_refuses_is_kept_apart_and_can_be_taken_again(tmp_path: Path) -> None:
    refuse = {"on": True}
    hub = HeldHub(lambda one: refuse["on"] and one["id"] == ROOM, whole=True)
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give(
            "sensors",
            *(frame(pipe, {"who": who, "t": 20, "seq": "1"}, key="opensesame") for who in ("s2", "s1", "slow")),
        )
        pipe.settle()
        [kept] = pipe.quarantined()
        assert (kept.refused.reason, kept.refused.message) == ("refused", "so not (/level)")
        assert pipe.counts("sensors").written == 2
        assert {entity for _, entity in hub.entities} == {f"urn:ngsi-ld:Room:misono:{who}" for who in ("s2", "slow")}
        refuse["on"] = False
        pipe.assembled.running.quarantine.ask_replay(Chosen(reason="refused"))
        until(lambda: ("", ROOM) in hub.entities)
        assert pipe.reasons() == []


def test_while_the_hub_is_away_everything_waits_in_order(tmp_path: Path) -> None:
    hub = HeldHub()
    hub.away = True
    with piped(tmp_path, CITY, hub=hub) as pipe:
        for number in range(20):
            pipe.give("sensors", frame(pipe, {"t": number, "seq": str(number)}))
        assert pipe.assembled.running.queue.depth == 20
        until(lambda: pipe.assembled.running.sender.away)
        hub.away = False
        pipe.settle()
    written = [one for _, batch in hub.batches for one in batch]
    values = [next(value["value"] for name, value in one.items() if name.endswith("/warmth")) for one in written]  # type: ignore[index,call-overload]
    assert values == [*range(20)]


def test_what_waits_is_sent_after_a_restart(tmp_path: Path) -> None:
    hub = HeldHub()
    hub.away = True
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.give("sensors", frame(pipe, {"t": 20}))
    hub.away = False
    with piped(tmp_path, CITY, hub=hub) as pipe:
        pipe.settle()
        assert ("", ROOM) in hub.entities


class Stubborn(AdapterStore):
    """A store whose disk is full for a while."""

    full = 0

    def write(self, work: Any, then: Any = None) -> Any:
        if self.full:
            self.full -= 1

            def fails(_db: Connection) -> None:
                raise NotKept("disk full")

            return super().write(fails)
        return super().write(work, then)


def test_while_the_disk_is_full_nothing_is_acknowledged(tmp_path: Path) -> None:
    made: list[Stubborn] = []

    def make(directory: Path) -> AdapterStore:
        made.append(Stubborn(directory))
        return made[0]

    with piped(tmp_path, CITY, make_store=make) as pipe:
        link: HandLink = pipe.links["sensors"]
        until(lambda: link.receive is not None)
        made[0].full = 10_000
        assert link.receive is not None
        pending = pipe.assembled.running.call(link.receive([given := frame(pipe, {"seq": "1", "t": 20})]))  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            pending.result(0.4)
        pending.cancel()  # the connection went, and the device sends again: it must not pass for a repetition
        until(pending.done)
        made[0].full = 0
        pipe.give("sensors", given)
        assert pipe.entity(ROOM)["warmth"]["value"] == 20
        assert pipe.counts("sensors").repeated == 0


def test_metrics_tell_what_passed(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        pipe.give("sensors", frame(pipe, {"seq": "1", "t": 1, "note": "a"}), frame(pipe, {"x": 1}))
        pipe.settle()
        lines = pipe.assembled.running.metrics().splitlines()
    assert 'misono_adapter_frames_total{adapter="sensors"} 2' in lines
    assert 'misono_adapter_written_total{adapter="sensors"} 1' in lines
    assert 'misono_adapter_quarantined_total{adapter="sensors",reason="unmapped"} 1' in lines
    assert "misono_adapter_queue_depth 0" in lines
