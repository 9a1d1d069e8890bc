"""The Registry's promise, kept by `Devices` over files and over the book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device, Registry
from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.provisioning.book import Book, Row
from adapters.provisioning.keys import digest_of
from adapters.provisioning.provision import Provisions
from adapters.provisioning.reading import read_provisions
from adapters.provisioning.registry import Devices
from adapters.store import AdapterStore
from broker.ldcontext.core import core_context
from tests.fakes.clock import FakeClock

KEY = "a-long-key-of-the-sensors"


def of_file(document: dict[str, Any]) -> Provisions:
    return read_provisions({"adapter": "meters", **document}, core_context())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdapterStore]:
    made = AdapterStore(tmp_path)
    yield made
    made.close()


@pytest.fixture
def book(store: AdapterStore) -> Book:
    return Book(store, FakeClock())


@pytest.fixture(params=["file", "book"])
def devices(request: pytest.FixtureRequest, book: Book) -> Devices:
    """One group with a key, one device in it, one device with a key of its own, one without any."""
    group: dict[str, Any] = {
        "name": "sensors",
        "key_digest": digest_of(KEY),
        "new": True,
        "new_max": 2,
        "mapping": "rooms",
    }
    ones: list[dict[str, Any]] = [
        {"id": "in-group", "group": "sensors", "rate_per_s": 3},
        {"id": "own-key", "key_digest": digest_of("its own"), "entity_id": "urn:x:own"},
        {"id": "open", "address": "192.0.2.7", "options": {"unit": 3}},
    ]
    made = Devices(book)
    if request.param == "file":
        made.of_file("meters", of_file({"devices": ones, "groups": [group]}))
    else:
        rows = [Row("device", "meters", "", one["id"], one) for one in ones]
        book.add([Row("group", "meters", "", "sensors", group), *rows])
        made.refresh()
    return made


def reason(devices: Registry, device_id: str, key: str = "", adapter: str = "meters") -> str:
    with pytest.raises(BadFrame) as refused:
        devices.find(adapter, device_id, key)
    assert key not in str(refused.value) or not key
    return refused.value.reason


def test_a_device_has_what_its_group_says_and_what_it_says_itself(devices: Devices) -> None:
    found = devices.find("meters", "in-group", KEY)
    assert (found.group, found.mapping, found.rate_per_s) == ("sensors", "rooms", 3)
    assert devices.find("meters", "open").options == {"unit": 3}
    assert devices.find("meters", "open").address == "192.0.2.7"


def test_a_wrong_key_and_a_missing_one_are_told_in_the_same_words(devices: Devices) -> None:
    told = set()
    for key in ("", "wrong", KEY[:-1], digest_of("its own")):
        with pytest.raises(BadFrame) as refused:
            devices.find("meters", "own-key", key)
        told.add((refused.value.reason, str(refused.value)))
    assert [reason for reason, _ in told] == ["wrong_key"]
    assert devices.find("meters", "own-key", "its own").id == "own-key"


def test_nobody_is_found_under_another_adapter_or_name(devices: Devices) -> None:
    assert reason(devices, "open", adapter="others") == "unknown_device"
    assert reason(devices, "nobody") == "unknown_device"
    assert reason(devices, "nobody", "no key of ours") == "unknown_device"
    assert reason(devices, "nobody", "its own") == "unknown_device"


def test_a_groups_key_brings_new_devices_until_there_are_enough(devices: Devices) -> None:
    made = devices.find("meters", "new-1", KEY)
    assert (made.id, made.group, made.mapping) == ("new-1", "sensors", "rooms")
    assert devices.find("meters", "new-1", KEY) == made
    assert reason(devices, "new-1") == "wrong_key"
    devices.find("meters", "new-2", KEY)
    assert reason(devices, "new-3", KEY) == "unknown_device"
    for name in ("a/b", "a#", "+", "", " a", "a\n", "\x00", "x" * 257):
        assert reason(devices, name, KEY) == "unknown_device"


def test_devices_are_listed_by_adapter_and_found_by_entity(devices: Devices) -> None:
    assert [one.id for one in devices.of_adapter("meters")] == ["in-group", "open", "own-key"]
    assert devices.of_adapter("others") == ()
    behind = devices.of_entity("", "urn:x:own")
    assert behind is not None
    assert behind.id == "own-key"
    assert devices.of_entity("other", "urn:x:own") is None
    assert devices.of_entity("", "urn:x:none") is None


def test_the_device_that_first_wrote_an_entity_gets_its_commands_also_after_a_restart(
    devices: Devices, book: Book
) -> None:
    first, second = devices.find("meters", "open"), devices.find("meters", "own-key", "its own")
    devices.learn(first, ["urn:x:1", "urn:x:2"])
    devices.learn(second, ["urn:x:2", "urn:x:own"])
    devices.refresh()
    again = Devices(book)
    again.of_file("meters", of_file({"devices": [{"id": "open"}, {"id": "own-key"}]}))
    again.refresh()
    for registry in (devices, again):
        assert [whose(registry.of_entity("", f"urn:x:{name}")) for name in ("1", "2")] == ["open", "open"]
    assert whose(devices.of_entity("", "urn:x:own")) == "own-key"


def test_of_two_adapters_that_know_a_device_that_one_gets_commands_which_heard_it(book: Book) -> None:
    for adapter in ("a", "b"):
        book.add([Row("device", adapter, "", "lamp", {"id": "lamp", "entity_id": "urn:x:lamp"})])
    book.add([Row("device", "a", "", "sensor", {"id": "sensor"})])
    devices = Devices(book)
    devices.refresh()
    devices.learn(devices.find("a", "sensor"), ["urn:x:lamp"])
    first = devices.of_entity("", "urn:x:lamp")
    assert first is not None
    assert first.id == "lamp", "who only writes it does not get its commands"
    devices.learn(devices.find("b", "lamp"), ["urn:x:lamp"])
    heard = devices.of_entity("", "urn:x:lamp")
    assert heard is not None
    assert (heard.adapter, heard.id) == ("b", "lamp")


def test_whose_an_erased_entity_was_is_forgotten_until_it_is_written_again(devices: Devices, book: Book) -> None:
    device = devices.find("meters", "open")
    devices.learn(device, ["urn:x:person"])
    devices.forget("", "urn:x:person")
    devices.refresh()
    assert devices.of_entity("", "urn:x:person") is None
    assert [row.name for row in book.since(0) if row.kind == "entity"] == []
    devices.learn(device, ["urn:x:person"])
    assert whose(devices.of_entity("", "urn:x:person")) == "open"


def whose(device: Device | None) -> str:
    return "" if device is None else device.id


def test_what_one_process_writes_the_others_see_and_what_is_gone_too(book: Book, store: AdapterStore) -> None:
    here, there = Devices(book), Devices(Book(store, FakeClock()))
    book.add([Row("device", "meters", "city", "m1", {"id": "m1"}), Row("device", "meters", "", "m2", {"id": "m2"})])
    assert there.refresh()
    assert not there.refresh()
    assert there.find("meters", "m1").tenant == "city"
    book.remove([("device", "meters", "city", "m1")])
    assert there.refresh()
    assert reason(there, "m1") == "unknown_device"
    assert there.find("meters", "m2").tenant == ""
    assert here.refresh()


def test_new_devices_are_still_there_after_a_restart(book: Book) -> None:
    group: dict[str, Any] = {"name": "sensors", "key_digest": digest_of(KEY), "new": True}
    book.add([Row("group", "meters", "", "sensors", group)])
    before = Devices(book)
    before.refresh()
    before.find("meters", "made", KEY)
    before.refresh()
    after = Devices(book)
    after.refresh()
    assert [(one.device.id, one.source) for one in after.provisions("meters")] == [("made", "group")]


def test_devices_of_a_group_that_is_gone_are_not_open_to_everybody(book: Book) -> None:
    group: dict[str, Any] = {"name": "sensors", "key_digest": digest_of(KEY)}
    book.add(
        [
            Row("group", "meters", "", "sensors", group),
            Row("device", "meters", "", "m1", {"id": "m1", "group": "sensors"}),
        ]
    )
    devices = Devices(book)
    devices.refresh()
    assert devices.find("meters", "m1", KEY).group == "sensors"
    book.remove([("group", "meters", "", "sensors")])
    devices.refresh()
    assert reason(devices, "m1") == "wrong_key"
    assert reason(devices, "m1", KEY) == "wrong_key"
    assert [one.device.id for one in devices.provisions("meters")] == ["m1"]


def test_two_tenants_may_give_one_name_and_the_key_tells_whose_message_it_is(book: Book) -> None:
    rows = [
        Row("device", "meters", tenant, "m1", {"id": "m1", "key_digest": digest_of(f"key of {tenant}")})
        for tenant in ("a", "b")
    ]
    book.add([*rows, Row("device", "meters", "c", "m1", {"id": "m1"})])
    devices = Devices(book)
    devices.refresh()
    assert [devices.find("meters", "m1", key).tenant for key in ("key of a", "key of b", "")] == ["a", "b", "c"]


def test_a_file_wins_over_what_people_added_under_the_same_name(book: Book) -> None:
    book.add([Row("device", "meters", "", "m1", {"id": "m1", "address": "book"})])
    devices = Devices(book)
    devices.refresh()
    devices.of_file("meters", of_file({"devices": [{"id": "m1", "address": "file"}]}))
    assert devices.find("meters", "m1").address == "file"
    devices.of_file("meters", Provisions())
    assert devices.find("meters", "m1").address == "book"


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"devices": {}}, "devices: a list"),
        ({"devices": ["m1"]}, "devices[0]: a mapping"),
        ({"devices": [{}]}, "devices[0].id"),
        ({"devices": [{"id": "a/b"}]}, "devices[0].id"),
        ({"devices": [{"id": 7}]}, "devices[0].id"),
        ({"devices": [{"id": "a"}, {"id": "a"}]}, "devices[1].id: 'a' is there twice"),
        ({"devices": [{"id": "a", "unit": 1}]}, "devices[0].unit: not known"),
        ({"devices": [{"id": "a", "group": "g"}]}, "devices[0].group: no group 'g'"),
        ({"devices": [{"id": "a", "rate_per_s": 0}]}, "devices[0].rate_per_s"),
        ({"devices": [{"id": "a", "rate_per_s": True}]}, "devices[0].rate_per_s"),
        ({"devices": [{"id": "a", "offline_after_s": float("inf")}]}, "devices[0].offline_after_s"),
        ({"devices": [{"id": "a", "entity_id": "no uri"}]}, "devices[0].entity_id"),
        ({"devices": [{"id": "a", "key": ""}]}, "devices[0].key"),
        ({"devices": [{"id": "a", "key": "k", "key_digest": "0" * 64}]}, "devices[0]: key or key_digest"),
        ({"devices": [{"id": "a", "key_digest": "0" * 63}]}, "devices[0].key_digest"),
        ({"devices": [{"id": "a", "fixed": {"id": "urn:x:1"}}]}, "devices[0].fixed"),
        ({"devices": [{"id": "a", "fixed": {"name": {"type": "Property"}}}]}, "devices[0].fixed"),
        ({"devices": [{"id": "a", "options": []}]}, "devices[0].options"),
        ({"devices": [{"id": "a", "tenant": "a b"}]}, "devices[0].tenant"),
        ({"groups": [{"name": "g", "new": True}]}, "groups[0].key"),
        ({"groups": [{"name": "g", "new": "yes", "key": "k"}]}, "groups[0].new"),
        ({"groups": [{"name": "g", "key": "k"}, {"name": "h", "key": "k"}]}, "groups[1].key"),
        ({"tenant": "a/b"}, "tenant"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_its_member(document: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSettings) as refused:
        of_file(document)
    assert named in str(refused.value)


def test_keys_stand_nowhere_but_as_digests() -> None:
    provisions = of_file({"devices": [{"id": "a", "key": KEY}], "groups": [{"name": "g", "key": "short-key"}]})
    assert KEY not in repr(provisions)
    assert "short-key" not in repr(provisions)
    assert (provisions.devices[0].hint, provisions.groups[0].hint) == ("…sors", "")


def test_names_in_fixed_become_iris() -> None:
    made = of_file({"devices": [{"id": "a", "entity_type": "Room", "fixed": {"floor": 2}}]}).devices[0].device
    assert made.entity_type == "https://uri.etsi.org/ngsi-ld/default-context/Room"
    assert made.fixed == {"https://uri.etsi.org/ngsi-ld/default-context/floor": {"type": "Property", "value": 2}}
