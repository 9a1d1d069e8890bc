"""What rooms follow of the hub: each change once and in order, whatever fails meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from broker.keeping import Db, KeptFile
from broker.ports.hub import HubChange, HubForgot
from services.following import Following, Wish

LOCKER, METER = "https://misono.example/def/ParcelLocker", "https://misono.example/def/MeterInterval"


class Log:
    """A hub of which only changes are asked for."""

    def __init__(self) -> None:
        self.rows: list[HubChange] = []
        self.oldest = 1

    def add(self, type_: str) -> None:
        self.rows.append(HubChange(len(self.rows) + 1, f"urn:x:{len(self.rows)}", (type_,), 0, {}, {}))

    def newest(self, _tenant: str) -> int:
        return len(self.rows)

    def changes(self, _tenant: str, after: int, _wait_s: float) -> list[HubChange]:
        if after + 1 < self.oldest:
            raise HubForgot(self.oldest)
        return self.rows[after : after + 3]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[KeptFile]:
    kept = KeptFile(tmp_path / "services.sqlite", "services")
    kept.tables("test", ("CREATE TABLE seen (who TEXT, sequence INTEGER)",))
    yield kept
    kept.close()


def seen(file: KeptFile, who: str) -> list[object]:
    return [row[0] for row in file.read("SELECT sequence FROM seen WHERE who = ? ORDER BY rowid", (who,))]


class Room:
    def __init__(self, name: str, *types: str) -> None:
        self.name, self.types = name, frozenset(types)
        self.fails, self.begun, self.told = False, 0, 0

    def wish(self) -> Wish:
        return Wish(self.name, "misono", self.types, self.take, self.begin, self.then)

    def take(self, db: Db, changes: Sequence[HubChange]) -> None:
        db.executemany("INSERT INTO seen VALUES (?, ?)", [(self.name, one.sequence) for one in changes])
        if self.fails:
            raise RuntimeError("a fault of the room's own")

    def begin(self) -> None:
        self.begun += 1

    def then(self) -> None:
        self.told += 1


def test_each_change_is_taken_once_and_by_whom_it_concerns(file: KeptFile) -> None:
    hub, lockers, both = Log(), Room("lockers", LOCKER), Room("both", LOCKER, METER)
    hub.add(LOCKER)
    for _ in range(2):  # the second one begins where the first one stopped
        following = Following(hub, file)  # type: ignore[arg-type]  # no more of it is asked
        following.register(lockers.wish())
        following.register(both.wish())
        following.once("misono")
        for type_ in (LOCKER, METER, METER, METER, LOCKER):
            hub.add(type_)
        while following.once("misono"):
            pass
    assert seen(file, "lockers") == [2, 6, 7, 11]
    assert seen(file, "both") == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert (lockers.begun, both.begun) == (1, 1)
    assert lockers.told == 4


def test_what_fails_is_not_taken_and_comes_again(file: KeptFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.following.PAUSE_S", 0.0)
    hub, weak, strong = Log(), Room("weak", LOCKER), Room("strong", LOCKER)
    following = Following(hub, file)  # type: ignore[arg-type]  # no more of it is asked
    following.register(weak.wish())
    following.register(strong.wish())
    following.once("misono")
    weak.fails = True
    hub.add(LOCKER)
    following.once("misono")
    assert (seen(file, "weak"), seen(file, "strong")) == ([], [1])
    assert following.state() == "changes wait for weak"
    weak.fails = False
    hub.add(LOCKER)
    while following.once("misono") and seen(file, "weak") != [1, 2]:
        pass
    assert (seen(file, "weak"), seen(file, "strong")) == ([1, 2], [1, 2])
    assert following.state() == "ok"


def test_two_processes_take_a_change_once(file: KeptFile) -> None:
    hub, one, other = Log(), Room("lockers", LOCKER), Room("lockers", LOCKER)
    first, second = Following(hub, file), Following(hub, file)  # type: ignore[arg-type]  # no more is asked
    first.register(one.wish())
    second.register(other.wish())
    first.once("misono")
    for _ in range(7):
        hub.add(LOCKER)
    for following in (first, second, first, second):
        following.once("misono")
    assert seen(file, "lockers") == [1, 2, 3, 4, 5, 6, 7]


def test_where_changes_were_missed_everything_is_read_again(file: KeptFile) -> None:
    hub, room = Log(), Room("lockers", LOCKER)
    following = Following(hub, file)  # type: ignore[arg-type]  # no more of it is asked
    following.register(room.wish())
    following.once("misono")
    for _ in range(9):
        hub.add(LOCKER)
    hub.oldest = 6
    assert following.once("misono")
    assert room.begun == 2
    hub.add(LOCKER)
    following.once("misono")
    assert seen(file, "lockers") == [10]
    with pytest.raises(ValueError, match="followed already"):
        following.register(room.wish())


def test_what_concerns_nobody_costs_no_write(file: KeptFile) -> None:
    hub, room = Log(), Room("lockers", LOCKER)
    following = Following(hub, file)  # type: ignore[arg-type]  # no more of it is asked
    following.register(room.wish())
    following.once("misono")
    for _ in range(30):
        hub.add(METER)
    before = file.generation()
    while following.once("misono"):
        pass
    assert file.generation() == before
    hub.add(LOCKER)
    following.once("misono")
    assert seen(file, "lockers") == [31]
    for _ in range(2_000):
        hub.add(METER)
    while following.once("misono"):
        pass
    (kept,) = file.read("SELECT position FROM followed")[0]
    assert isinstance(kept, int)
    assert 1_031 <= kept <= 2_031
