"""Who has the file of the audit and not the hub's key can change nothing in it unseen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

from broker.audit.chain import link
from broker.audit.checking import check
from broker.audit.days import SECOND_US
from broker.audit.entries import seal
from broker.audit.log import AuditLog
from broker.audit.merkle import follows, includes
from broker.audit.opening import open_audit
from broker.audit.roots import ROOT, Roots
from broker.errors import ResourceNotFound, ServiceUnavailable
from broker.keeping import KeptFile
from broker.ports.audit import Entry, Told
from broker.signing import Signer
from tests.fakes.clock import FakeClock

TYPE, PULSE = "https://x.example/Person", "https://x.example/pulse"
HANA, TARO = "urn:misono:subject:hana", "urn:misono:subject:taro"
DAY = 86_400 * SECOND_US


class City:
    """A directory with an audit, opened again after each attack on its file."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.clock = directory, FakeClock()
        self.log = self._opened()

    def _opened(self) -> AuditLog:
        self.file = KeptFile(self.directory / "audit.sqlite", "the audit")
        signer = Signer.opened(self.directory / "keys")
        return AuditLog(self.file, signer, self.clock, anchor=self.directory / "keys" / "audit.head")

    def tell(self, *subjects: str, recipient: str = "urn:org:a") -> int:
        told = tuple(Told(one, {TYPE: frozenset({PULSE})}, frozenset({"urn:r:1"}), 2, 5, 9) for one in subjects)
        entry = Entry(
            "disclosure",
            "",
            "client",
            self.clock.now(),
            recipient,
            frozenset({"urn:purpose"}),
            "query_entities",
            3,
            told,
        )
        return self.log.record(entry).result()

    def attack(self, *statements: str) -> None:
        self.file.close()
        db = apsw.Connection(str(self.directory / "audit.sqlite"))
        for statement in statements:
            db.execute(statement)
        db.close()
        self.log = self._opened()

    def faults(self, *kept: str) -> list[str]:
        return check(self.log, kept).faults


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    for number in range(6):
        made.tell(HANA, TARO, recipient=f"urn:org:{number}")
        made.clock.advance(10)
    Roots(made.log).sign()
    assert made.faults() == []
    yield made
    made.file.close()


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE link SET told = replace(told, 'org:2', 'org:9') WHERE number = 3",),
        ("UPDATE link SET at = at - 1 WHERE number = 3",),
        ("UPDATE link SET kind = 'consent' WHERE number = 3",),
        ("UPDATE part SET told = replace(told, '\"values\":2', '\"values\":1') WHERE link = 3",),
        ("UPDATE part SET subject = 'urn:misono:subject:ken' WHERE link = 3 AND place = 0",),
        ("UPDATE part SET told = NULL, salt = NULL, subject = '' WHERE link = 3 AND place = 0",),
        ("UPDATE part SET told = NULL, salt = NULL, subject = '', erased = 5 WHERE link = 3 AND place = 0",),
        ("DELETE FROM part WHERE link = 3 AND place = 1",),
        ("DELETE FROM link WHERE number = 3",),
        ("DELETE FROM link WHERE number = 6", "DELETE FROM part WHERE link = 6"),
        ("DELETE FROM link WHERE number = 1", "DELETE FROM part WHERE link = 1"),
        (
            "UPDATE link SET number = 100 WHERE number = 2",
            "UPDATE link SET number = 2 WHERE number = 3",
            "UPDATE link SET number = 3 WHERE number = 100",
        ),
        ("DELETE FROM head",),
        ("UPDATE head SET token = (SELECT token FROM root)",),
        ("UPDATE root SET token = (SELECT token FROM head)",),
    ],
)
def test_a_row_that_is_changed_removed_or_swapped_is_found(city: City, statements: tuple[str, ...]) -> None:
    city.attack(*statements)
    assert city.faults() != []


def test_a_link_that_somebody_else_appends_is_found(city: City) -> None:
    entry = Entry("disclosure", "", "nobody", city.clock.now(), "urn:org:z")
    sealed, tail = seal(entry, lambda: b"0" * 16), city.log.tail()
    hash_ = link(tail.hash, tail.number + 1, entry.at, sealed.digest)
    city.attack(
        f"INSERT INTO link VALUES ({tail.number + 1}, {entry.at}, 'disclosure', '', x'{sealed.digest.hex()}',"  # noqa: S608
        f" x'{hash_.hex()}', x'{sealed.salt.hex()}', '{sealed.text}')"
    )
    assert any("signed head" in fault for fault in city.faults())


def test_a_chain_that_is_made_anew_from_one_link_on_is_found(city: City) -> None:
    """Whoever has no key cannot sign its head; whoever has it meets the roots that others kept."""
    kept = Roots(city.log).sign().token
    city.file.close()
    for path in city.directory.glob("audit.sqlite*"):
        path.unlink()
    (city.directory / "keys" / "audit.head").unlink()
    city.log = city._opened()
    for number in range(8):
        city.tell(HANA, recipient=f"urn:other:{number}")
    assert city.faults() == []
    assert any("signed root (given)" in fault for fault in city.faults(kept))


def test_a_file_that_is_copied_back_is_found_and_said_in_the_chain(city: City, tmp_path: Path) -> None:
    def copied(source: Path, target: Path) -> None:
        city.file.close()
        target.mkdir(exist_ok=True)
        for path in source.glob("audit.sqlite*"):
            shutil.copy(path, target / path.name)

    copied(city.directory, tmp_path / "old")
    city.log = city._opened()
    city.tell(HANA)
    city.file.close()
    for path in city.directory.glob("audit.sqlite*"):
        path.unlink()
    for path in (tmp_path / "old").iterdir():
        shutil.copy(path, city.directory / path.name)
    city.log = city._opened()
    assert any("anchor" in fault for fault in city.faults())
    city.log.begin()
    city.tell(TARO)
    assert any("put back before" in fault for fault in city.faults())


def test_erasing_a_person_keeps_the_chain_whole_and_the_others(city: City) -> None:
    before = Roots(city.log).sign()
    assert city.log.erase("", HANA, "asked for it") == 6
    assert city.log.disclosures("", HANA) == []
    assert len(city.log.disclosures("", TARO)) == 6
    found = check(city.log, [before.token])
    assert (found.faults, found.erased, found.parts) == ([], 6, 6)
    assert HANA.encode() not in b"".join(path.read_bytes() for path in city.directory.glob("audit.sqlite*"))
    assert city.log.erase("", HANA, "again") == 0
    assert city.log.entries("", kind="erasure")[0].entry.more["parts"] == 6


def test_an_erasure_covers_what_it_took_and_nothing_else(city: City) -> None:
    city.log.erase("", HANA, "asked for it")
    city.attack("UPDATE part SET told = NULL, salt = NULL, subject = '', erased = 7 WHERE link = 3 AND place = 1")
    assert any("no erasure names" in fault for fault in city.faults())


def test_disclosures_are_bundled_by_day_recipient_and_purpose(city: City) -> None:
    for _ in range(3):
        city.tell(HANA, recipient="urn:org:0")
    city.clock.set(city.clock.now() + DAY)
    city.tell(HANA, recipient="urn:org:0")
    later, *_, first = [one for one in city.log.disclosures("", HANA) if one.recipient == "urn:org:0"]
    assert (later.day, first.day, later.times, first.times, first.values) == ("2026-01-02", "2026-01-01", 1, 4, 8)
    assert first.entries == (1, 7, 8, 9)
    assert city.log.disclosures("", HANA, city.clock.now()) == [later]
    assert city.log.disclosures("other", HANA) == []


def test_every_day_with_entries_has_one_signed_root(city: City) -> None:
    roots, start = Roots(city.log), city.clock.now()
    assert roots.sign_days() == 0
    for day in (1, 2, 5):
        city.clock.set(start + day * DAY)
        city.tell(HANA)
    city.clock.set(start + 9 * DAY)
    assert (roots.sign_days(), roots.sign_days()) == (4, 0)
    days = [root for root in roots.all() if root.day]
    assert [(one.day, one.size) for one in days] == [
        ("2026-01-01", 6), ("2026-01-02", 7), ("2026-01-03", 8), ("2026-01-06", 9),
    ]  # fmt: skip
    assert city.faults() == []


def test_proofs_convince_whoever_has_the_public_key(city: City) -> None:
    for _ in range(700):
        city.log.record(Entry("decision", "", "client", city.clock.now()))
    city.tell(HANA)
    roots = Roots(city.log)
    with pytest.raises(ResourceNotFound):
        roots.proof(707)
    roots.sign()
    proof: Any = roots.proof(3)
    said = city.log.signer.verify(proof["root"], ROOT)
    of = proof["link"]
    hash_ = link(bytes.fromhex(of["before"]), 3, of["at"], bytes.fromhex(of["digest"]))
    assert hash_.hex() == of["hash"]
    path = [bytes.fromhex(one) for one in proof["path"]]
    assert includes(hash_, 2, said["size"], path, bytes.fromhex(said["root"]))
    older: Any = roots.consistency(6, 707)
    old, new = (city.log.signer.verify(older[name], ROOT) for name in ("old", "new"))
    path = [bytes.fromhex(one) for one in older["path"]]
    assert follows(6, 707, path, bytes.fromhex(old["root"]), bytes.fromhex(new["root"]))
    assert city.faults() == []


def test_what_waits_together_is_written_together_in_several_processes(tmp_path: Path) -> None:
    first, second = City(tmp_path), City(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        told: Callable[[int], int] = lambda number: (first, second)[number % 2].tell(HANA)  # noqa: E731  short
        numbers = [*pool.map(told, range(80))]
    assert sorted(numbers) == [*range(1, 81)]
    assert first.faults() == []
    first.file.close()
    second.file.close()


def test_half_a_character_is_no_reason_to_lose_others_and_a_closed_file_refuses(city: City) -> None:
    city.log.record(Entry("decision", "", "\ud800", city.clock.now())).result()
    assert city.faults() == []
    city.file.close()
    with pytest.raises(ServiceUnavailable):
        city.tell(HANA)


def test_an_audit_in_memory_ends_with_its_process(tmp_path: Path) -> None:
    from contextlib import ExitStack  # noqa: PLC0415  of this test alone

    with ExitStack() as closing:
        log = open_audit(None, FakeClock(), {}, closing)
        directory = log.file.path.parent
        assert log.record(Entry("decision", "", "x", 1)).result() == 1
    assert not directory.exists()


def test_two_processes_sign_a_day_once(city: City) -> None:
    first, second = Roots(city.log), Roots(city.log)
    day = city.log.days.of(city.clock.now())
    assert first._sign(6, day).number == second._sign(6, day).number
    assert [root.day for root in first.all() if root.day] == [day]
