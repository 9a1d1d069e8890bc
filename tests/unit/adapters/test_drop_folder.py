"""A drop folder: files are taken when they are whole, each row a frame, and put aside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from adapters.link import BadSettings
from adapters.order import Order
from adapters.table import make_link
from tests.fakes.linked import device_of, ground, linked

CODEC = {"kind": "csv", "columns": {"局": {"is": "device"}, "気温": {"quantity": "t", "as": "number"}}}
TABLE = "局,気温\n緑1,1\n緑2,2\n"


def take(home: Path, put: Any, number: int, aside: list[str], **settings: Any) -> list[bytes]:
    """The payloads of so many frames, once these files are where they belong."""

    async def work() -> list[bytes]:
        link = {"kind": "folder", "path": "inbox", "every_s": 0.05, "settle_s": 0, **settings}
        async with linked(ground(link, CODEC, home)) as working:
            await asyncio.sleep(0.1)
            put(home / "inbox")
            frames = await working.wait(number)
            for _ in range(200):
                if all((home / "inbox" / name).exists() for name in aside):
                    return [one.payload for one in frames]
                await asyncio.sleep(0.02)
            raise AssertionError([str(path) for path in (home / "inbox").rglob("*")])

    return asyncio.run(asyncio.wait_for(work(), 30))


def test_each_row_comes_with_its_headings_and_the_file_is_put_aside(tmp_path: Path) -> None:
    def put(inbox: Path) -> None:
        (inbox / "a.csv").write_bytes(TABLE.encode("cp932"))

    assert [one.decode() for one in take(tmp_path, put, 2, ["done/a.csv"])] == ["局,気温\n緑1,1\n", "局,気温\n緑2,2\n"]
    assert not (tmp_path / "inbox/a.csv").exists()


def test_a_workbook_below_its_title(tmp_path: Path) -> None:
    def put(inbox: Path) -> None:
        book = openpyxl.Workbook()
        for row in (["観測の表"], [], ["局", "気温"], ["緑1", 1.5]):
            book.active.append(row)
        book.save(inbox / "b.xlsx.part")
        (inbox / "b.xlsx.part").rename(inbox / "b.xlsx")

    [payload] = take(tmp_path, put, 1, ["done/b.xlsx"])
    assert payload.decode().splitlines()[-1] == "緑1,1.5"


def test_what_is_no_table_fails_with_its_reason_and_holds_nothing_up(tmp_path: Path) -> None:
    def put(inbox: Path) -> None:
        (inbox / "a.csv").write_text("x,y\n1,2\n")
        (inbox / "b.xlsx").write_bytes(b"PK no workbook")
        (inbox / "c.csv").write_text(TABLE)

    assert len(take(tmp_path, put, 2, ["failed/a.csv", "failed/b.xlsx", "done/c.csv"])) == 2
    assert "気温" in (tmp_path / "inbox/failed/a.csv.reason.txt").read_text()
    assert "workbook" in (tmp_path / "inbox/failed/b.xlsx.reason.txt").read_text()


def test_what_is_not_whole_or_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(TABLE)

    def put(inbox: Path) -> None:
        for name in ("a.csv.part", ".hidden.csv", "~lock.csv", "notes.md"):
            (inbox / name).write_text(TABLE)
        (inbox / "link.csv").symlink_to(tmp_path / "secret.csv")
        (inbox / "z.csv").write_text(TABLE)

    assert len(take(tmp_path, put, 2, ["done/z.csv"])) == 2
    left = {path.name for path in (tmp_path / "inbox").iterdir()}
    assert left == {"a.csv.part", ".hidden.csv", "~lock.csv", "notes.md", "link.csv", "done"}


def test_a_name_that_was_there_before_is_kept_beside_it(tmp_path: Path) -> None:
    (tmp_path / "inbox/done").mkdir(parents=True)
    (tmp_path / "inbox/done/a.csv").write_text("before")

    def put(inbox: Path) -> None:
        (inbox / "a.csv").write_text(TABLE)

    take(tmp_path, put, 2, ["done/a-20260101T000000.000000Z.csv"])
    assert (tmp_path / "inbox/done/a.csv").read_text() == "before"


def test_a_long_name_that_was_there_before_is_shortened(tmp_path: Path) -> None:
    name, bad = "あ" * 81 + ".csv", "い" * 81 + ".csv"
    for folder in ("done", "failed"):
        (tmp_path / "inbox" / folder).mkdir(parents=True)
    (tmp_path / "inbox/done" / name).write_text("before")

    def put(inbox: Path) -> None:
        (inbox / name).write_text(TABLE)
        (inbox / bad).write_text("x,y\n1,2\n")
        (inbox / "ん.csv").write_text("局,気温\n緑9,9\n")

    stamped = "あ" * 75 + "-20260101T000000.000000Z.csv"
    aside = [f"done/{stamped}", "done/ん.csv", f"failed/{bad}", f"failed/{bad[:82]}.reason.txt"]
    assert len(take(tmp_path, put, 3, aside)) == 3
    assert (tmp_path / "inbox/done" / name).read_text() == "before"


def test_what_cannot_be_moved_is_taken_once_until_it_changes(tmp_path: Path) -> None:
    async def work() -> None:
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (inbox / "done").write_text("no folder")
        (inbox / "a.csv").write_text(TABLE)
        link = {"kind": "folder", "path": "inbox", "every_s": 0.05, "settle_s": 0}
        async with linked(ground(link, CODEC, tmp_path)) as working:
            await working.wait(2)
            await asyncio.sleep(0.3)
            assert len(working.frames) == 2
            (inbox / "a.csv.part").write_text(TABLE + "緑3,3\n緑4,4\n")
            (inbox / "a.csv.part").rename(inbox / "a.csv")
            assert len(await working.wait(6)) == 6
            await asyncio.sleep(0.3)
            assert len(working.frames) == 6
            assert working.task is not None
            assert not working.task.done()

    asyncio.run(asyncio.wait_for(work(), 30))


def test_a_file_that_still_grows_is_waited_for(tmp_path: Path) -> None:
    async def work() -> None:
        link = {"kind": "folder", "path": "inbox", "every_s": 0.05, "settle_s": 0.4}
        async with linked(ground(link, CODEC, tmp_path)) as working:
            await asyncio.sleep(0.1)
            with (tmp_path / "inbox/a.csv").open("w") as file:
                file.write("局,気温\n")
                for number in range(8):
                    file.write(f"緑{number},1\n")
                    file.flush()
                    await asyncio.sleep(0.1)
                    assert working.frames == []
            assert len(await working.wait(8)) == 8

    asyncio.run(asyncio.wait_for(work(), 30))


def test_nobody_is_there_to_command(tmp_path: Path) -> None:
    link = make_link("folder", ground({"kind": "folder", "path": "in"}, CODEC, tmp_path))
    assert asyncio.run(link.send(Order("c", device_of("h1"), "ping", 1))).status == "ERROR"


@pytest.mark.parametrize(
    ("settings", "codec", "member"),
    [({}, CODEC, "link/path"), ({"path": "in", "every_s": 0}, CODEC, "link/every_s"),
     ({"path": "in"}, {"kind": "json"}, "codec/kind")],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, Any], codec: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        make_link("folder", ground(settings, codec, tmp_path))
