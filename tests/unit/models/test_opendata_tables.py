"""Files as municipalities publish them: each quirk is repaired, reported, and nothing goes in by half."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import orjson
import pytest
from openpyxl import Workbook

from broker.errors import BadRequestData, NgsiError
from broker.model.entity import Document
from broker.model.values import Json
from datamodels.library import built_in, read_library
from datamodels.opendata.headings import NoHeadings
from datamodels.opendata.loading import BATCH, Checking, NotLoaded, load, spool, take_back
from datamodels.opendata.mapping import BadMapping
from datamodels.opendata.reporting import Report
from datamodels.opendata.rows import Choices
from datamodels.opendata.sets import DataSet, find_set, sets_of
from datamodels.opendata.tables import BadTable, encoding_of, open_table

TODAY = "2026-11-23"
HEAD = ["全国地方公共団体コード", "ID", "名称", "所在地_連結表記", "緯度", "経度"]
ROW = ["111007", "0000000001", "美園図書館", "埼玉県さいたま市緑区美園4-19-1", "35.9", "139.7"]


@pytest.fixture(scope="module")
def library() -> Any:
    return read_library(built_in())


@pytest.fixture(scope="module")
def facilities(library: Any) -> DataSet:
    return find_set(library, model="gif:PublicFacility")


Imported = tuple[list[Document], Report]


@pytest.fixture
def imported(facilities: DataSet, tmp_path: Path) -> Callable[..., Imported]:
    """Reads rows as a CSV file in an encoding, or a file that is there."""

    def read(
        rows: Sequence[Sequence[str]] | Path, encoding: str = "utf-8", *, data: DataSet = facilities, **choices: Any
    ) -> Imported:
        file = rows if isinstance(rows, Path) else tmp_path / "table.csv"
        if not isinstance(rows, Path):
            text = io.StringIO(newline="")
            csv.writer(text).writerows(rows)
            file.write_bytes(text.getvalue().encode(encoding))
        report = Report()
        checking = Checking(data.mapping, Choices(TODAY, **choices), data.dress, data.hold, report)
        with open_table(file) as table:
            return list(checking.documents(table)), report

    return read


def value(document: Document, name: str) -> Any:
    [found] = [one for iri, one in document.items() if iri.endswith(f"/{name}")]
    assert isinstance(found, dict)
    return found["value"] if "value" in found else found["languageMap"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found_out(imported: Callable[..., Imported], encoding: str) -> None:
    [facility], report = imported([HEAD, ROW], encoding)
    assert value(facility, "name") == {"ja": "美園図書館"}
    assert facility["id"] == "urn:ngsi-ld:PublicFacility:111007:0000000001"
    assert report.counts["encoding"] == (encoding != "utf-8")


def test_a_title_above_misspelt_and_spaced_headings_is_passed_over(imported: Callable[..., Imported]) -> None:
    head = ["全国地方公共団体コード", "ＩＤ", "名　称", "所在地＿連結標記", "緯度 ", "経度", "市長のひとこと"]
    [facility], report = imported([["公共施設一覧"], ["令和8年11月1日現在"], [], head, [*ROW, "ようこそ"]])
    assert value(facility, "address")["streetAddress"] == "美園4-19-1"
    assert (report.counts["title-rows"], report.counts["heading-misspelt"]) == (1, 1)
    assert report.unknown == ["市長のひとこと"]


def test_a_table_of_something_else_is_refused(imported: Callable[..., Imported]) -> None:
    with pytest.raises(NoHeadings):
        imported([["年", "売上"], ["2026", "1"]])
    with pytest.raises(NoHeadings, match="名称"):
        imported([["緯度", "経度", "ID"], ["1", "2", "3"]])


def test_a_workbook_has_merged_cells_two_rows_of_headings_and_times(
    library: Any, imported: Callable[..., Imported], tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["指定緊急避難場所一覧"])
    sheet.append(["名称", "所在地_連結表記", "緯度", "経度", "災害種別", "", "想定収容人数"])
    sheet.append(["", "", "", "", "洪水", "地震", ""])
    sheet.append(["美園小学校", "埼玉県さいたま市緑区美園4-19-1", 35.9, 139.7, "○", "", 1200])
    sheet.append(["美園公園", "", "35.91", 139.71, "", 1, "５００人"])
    sheet.merge_cells("E2:F2")
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("B4:B5")
    book.save(tmp_path / "shelters.xlsx")
    sites, report = imported(tmp_path / "shelters.xlsx", data=find_set(library, model="gif:EvacuationSite"))
    assert [(value(one, "forFlood"), value(one, "forEarthquake")) for one in sites] == [(True, False), (False, True)]
    assert [value(one, "expectedCapacity") for one in sites] == [1200, 500]
    assert value(sites[1], "address")["fullAddress"] == "埼玉県さいたま市緑区美園4-19-1"
    assert {"merged-cells", "two-row-heading", "id-made"} <= report.counts.keys()


def test_a_workbook_that_merges_millions_of_cells_is_refused(imported: Callable[..., Imported], tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEAD)
    sheet.merged_cells.add("A2:XFD1048576")  # openpyxl itself makes no cells of it
    book.save(tmp_path / "merged.xlsx")
    with pytest.raises(BadTable, match="cells are merged"):
        imported(tmp_path / "merged.xlsx")


def test_a_workbook_keeps_the_digits_of_a_number_and_the_minutes_of_a_time(
    imported: Callable[..., Imported], tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*HEAD, "開始時間", "終了時間"])
    sheet.append([111007, 170000000001, *ROW[2:], time(9, 0), "24:00"])
    book.save(tmp_path / "facilities.xlsx")
    [facility], _ = imported(tmp_path / "facilities.xlsx")
    assert facility["id"] == "urn:ngsi-ld:PublicFacility:111007:170000000001"
    assert (value(facility, "startTime"), value(facility, "endTime")) == ("09:00", "00:00")


def test_ids_that_a_spreadsheet_ruined_are_made_anew_and_stay_the_same(imported: Callable[..., Imported]) -> None:
    rows = [HEAD, ["111007", "1.7E+11", *ROW[2:]], ["111007", "1.7E+11", "美園公園", *ROW[3:]]]
    first, report = imported(rows)
    again, _ = imported(rows[:1] + rows[:0:-1])
    assert report.counts["digits-lost"] == 2
    assert len({one["id"] for one in first}) == 2
    assert {one["id"] for one in first} == {one["id"] for one in again}


def test_the_same_row_twice_is_left_out_and_another_row_of_its_id_refused(imported: Callable[..., Imported]) -> None:
    found, report = imported([HEAD, ROW, ROW, [*ROW[:2], "別の施設", *ROW[3:]]])
    assert (len(found), report.counts["duplicate"], report.refused, report.rows) == (1, 1, 1, 3)
    assert "row 2 has it" in report.refusals[0]


@pytest.mark.parametrize(
    ("north", "east", "rule"),
    [
        ("139.7", "35.9", "swapped"),
        ("35°54'00\"", "139°42'00\"", "dms"),
        ("３５．９", "139.7", "full-width"),
        ("0", "0", "zero-coordinates"),
        ("", "139.7", "left-out"),
        ("#N/A", "#N/A", "marked-unknown"),
        ("48.8", "2.3", "left-out"),
    ],
)
def test_coordinates_are_repaired_or_left_out(
    imported: Callable[..., Imported], north: str, east: str, rule: str
) -> None:
    [facility], report = imported([HEAD, [*ROW[:4], north, east]])
    assert report.counts[rule]
    placed = rule in ("swapped", "dms", "full-width")
    assert ("https://uri.etsi.org/ngsi-ld/location" in facility) == placed
    if placed:
        assert value(facility, "location")["coordinates"] == [139.7, 35.9]


def test_an_old_datum_and_plane_coordinates_are_converted(imported: Callable[..., Imported]) -> None:
    [old], report = imported([HEAD, ROW], tokyo=True)
    assert value(old, "location")["coordinates"] == pytest.approx([139.69676, 35.90321], abs=5e-5)
    assert report.counts["tokyo-datum"] == 1
    head = [*HEAD[:4], "X座標", "Y座標", "系番号", "測地系"]
    [plane], report = imported([head, [*ROW[:4], "-12000", "-10000", "9系", "世界測地系"]], tokyo=True)
    assert value(plane, "location")["coordinates"] == pytest.approx([139.722564, 35.891789], abs=1e-5)
    assert (report.counts["plane-rectangular"], report.counts["tokyo-datum"]) == (1, 0)


def test_a_whole_address_in_the_column_of_the_town_is_divided(imported: Callable[..., Imported]) -> None:
    head = ["ID", "名称", "所在地_連結表記", "所在地_都道府県", "所在地_市区町村", "所在地_町字", "所在地_番地以下"]
    [one, other], report = imported(
        [
            head,
            ["1", "図書館", "", "", "", "埼玉県さいたま市緑区美園４丁目１９番地１", ""],
            ["2", "公園", "", "埼玉県", "さいたま市緑区", "大字中尾", "９７５－１"],
        ],
        municipality="111007",
    )
    assert value(one, "address")["streetAddress"] == "美園4-19-1"
    assert value(other, "address")["fullAddress"] == "埼玉県さいたま市緑区中尾975-1"
    assert report.counts["address-in-town"] == 1


def test_weekdays_hours_and_marks_become_what_they_mean(imported: Callable[..., Imported]) -> None:
    head = [*HEAD, "利用可能曜日", "開始時間", "終了時間", "電話番号", "備考"]
    [one], report = imported([head, [*ROW, "月～金", "9:00〜17:00", "", "（０４８）８２９－１１１１", "－"]])
    assert (value(one, "serviceDay"), value(one, "startTime"), value(one, "endTime")) == (
        [1, 2, 3, 4, 5],
        "09:00",
        "17:00",
    )
    assert value(one, "telephone") == "048-829-1111"
    assert report.counts["time-range"] == report.counts["weekday-words"] == report.counts["marked-unknown"] == 1


def test_a_place_that_has_closed_is_left_out_unless_it_is_wanted(
    library: Any, imported: Callable[..., Imported]
) -> None:
    permits = find_set(library, model="gif:FoodBusinessPermit")
    rows = [
        ["施設名称", "営業の種類", "許可番号", "ID", "廃業年月日"],
        ["食堂甲", "飲食店営業", "1", "1", "R7.3.31"],
        ["食堂乙", "飲食店営業", "2", "2", "R9.3.31"],
        ["食堂丙", "飲食店営業", "3", "3", ""],
    ]
    found, report = imported(rows, data=permits)
    assert ([value(one, "permitNumber") for one in found], report.counts["closed"]) == (["2", "3"], 1)
    kept, _ = imported(rows, data=permits, keep_closed=True)
    assert value(kept[0], "closedOn") == {"@type": "Date", "@value": "2025-03-31"}


def test_a_total_that_is_not_the_sum_of_its_parts_is_reported(library: Any, imported: Callable[..., Imported]) -> None:
    people = find_set(library, model="gif:PopulationByAge")
    head = ["全国地方公共団体コード", "地域コード", "地域名", "調査年月日", "総人口", "男", "女性"]
    areas, report = imported(
        [
            head,
            ["111091", "001", "美園一丁目", "R8.1.1", "1,000", "480", "520"],
            ["111091", "002", "美園二丁目", "R8.1.1", "1000", "480", "510"],
        ],
        data=people,
    )
    assert (len(areas), report.counts["sum"]) == (2, 1)
    assert areas[0]["id"] == "urn:ngsi-ld:PopulationByAge:111091:001:2026-01-01"


def test_a_row_without_what_it_needs_is_refused_and_a_broken_value_is_left_out(
    imported: Callable[..., Imported],
) -> None:
    head = [*HEAD, "法人番号"]
    rows = [head, [*ROW[:2], "", *ROW[3:], ""], ["111007", "2", *ROW[2:], "1234567890123"]]
    found, report = imported(rows)
    assert (len(found), report.refused, report.counts["left-out"]) == (1, 1, 1)
    assert not [name for name in found[0] if name.endswith("legalEntityNumber")]
    assert imported(rows, strict=True)[1].refused == 2


def test_what_cannot_be_opened_is_refused_with_the_reason(tmp_path: Path, library: Any) -> None:
    (tmp_path / "broken.xlsx").write_bytes(b"PK no workbook")
    for path in (tmp_path / "broken.xlsx", tmp_path / "nothing.csv"):
        with pytest.raises(BadTable), open_table(path):
            pass
    with pytest.raises(BadMapping):
        find_set(library, model="NoSuchModel")
    (tmp_path / "own.yaml").write_text("dataset: own\ntype: Own\ncolumns: {名称: {to: name, as: nonsense}}\n")
    with pytest.raises(BadMapping, match="nonsense"):
        find_set(library, file=tmp_path / "own.yaml")


def test_a_mapping_file_of_ones_own_needs_no_model(
    imported: Callable[..., Imported], library: Any, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(
        "dataset: benches\ntype: Bench\nid: [番号]\n"
        "columns:\n  番号: {as: identifier}\n  名前: {to: name, lang: ja, required: true}\n"
        "  設置年: {to: since, as: integer}\n"
    )
    [bench], _ = imported(
        [["番号", "名前", "設置年", "緯度", "経度"], ["7", "ベンチ", "２０２０", "35.9", "139.7"]],
        data=find_set(library, file=tmp_path / "own.yaml"),
    )
    assert bench["id"] == "urn:ngsi-ld:Bench:7"
    assert bench["https://misono.example/def/since"] == {"type": "Property", "value": 2020}


def test_every_standard_set_reads_its_own_headings(library: Any) -> None:
    for name, model in sets_of(library):
        mapping = find_set(library, model=name).mapping
        headings = [column.heading for column in mapping.columns]
        assert len(headings) == len(set(headings)), name
        attributes = {column.to for column in mapping.columns if column.to}
        assert attributes <= set(model.attributes), name


def test_zeros_tell_which_utf_16_a_file_without_a_mark_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("ID,名称\n1,図書館\n".encode("utf-16-le"))
    assert encoding_of(tmp_path / "a.csv") == "utf-16-le"


class FakePlace:
    """A hub in memory that refuses one id."""

    def __init__(self, refuses: str = "", fails_at: int = -1) -> None:
        self.entities: dict[str, Json] = {}
        self.refuses = refuses
        self.fails_at = fails_at
        self.puts = 0

    def held(self, documents: Sequence[Document]) -> dict[str, Json]:
        return {str(one["id"]): self.entities[str(one["id"])] for one in documents if one["id"] in self.entities}

    def put(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        self.puts += 1
        if self.puts == self.fails_at:
            raise KeyboardInterrupt
        faults: list[NgsiError | None] = []
        for one in documents:
            refused = one["id"] == self.refuses
            faults.append(BadRequestData("refused", pointer="/name") if refused else None)
            if not refused:
                self.entities[str(one["id"])] = dict(one)
        return faults

    def put_back(self, held: Sequence[Json]) -> list[NgsiError | None]:
        for one in held:
            assert isinstance(one, dict)
            self.entities[str(one["id"])] = one
        return [None for _ in held]

    def remove(self, ids: Sequence[str]) -> list[NgsiError | None]:
        for one in ids:
            self.entities.pop(one, None)
        return [None for _ in ids]


def documents(count: int) -> list[Document]:
    return [{"id": f"urn:a:{number}", "type": "https://a.example/T"} for number in range(count)]


@pytest.mark.parametrize("refused", [0, BATCH + 3, 3 * BATCH - 1])
def test_an_import_goes_in_whole_or_leaves_nothing(tmp_path: Path, refused: int) -> None:
    journal = tmp_path / "journal"
    before: dict[str, Json] = {"urn:a:5": {"id": "urn:a:5", "was": "here"}, "urn:b": {"id": "urn:b"}}
    place = FakePlace(refuses=f"urn:a:{refused}")
    place.entities = dict(before)
    with TemporaryFile() as file:
        spool(iter(documents(3 * BATCH)), file)
        with pytest.raises(NotLoaded) as fault:
            load(file, place, journal, lambda _: None)
        assert fault.value.taken_back
        assert place.entities == before
        place.refuses = ""
        assert load(file, place, journal, lambda _: None) == 3 * BATCH
    assert (len(place.entities), journal.exists()) == (3 * BATCH + 1, False)


def test_an_import_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    place = FakePlace(fails_at=2)
    with TemporaryFile() as file:
        spool(iter(documents(3 * BATCH)), file)
        with pytest.raises(NotLoaded):
            load(file, place, tmp_path / "journal", lambda _: None)
    assert place.entities == {}


def test_what_a_killed_import_wrote_is_taken_back_by_its_journal(tmp_path: Path) -> None:
    place = FakePlace()
    place.entities = {"urn:a:1": {"id": "urn:a:1", "now": 1}, "urn:a:2": {"id": "urn:a:2"}, "urn:c": {"id": "urn:c"}}
    journal = tmp_path / "journal"
    lines = [{"made": ["urn:a:2"], "before": [{"id": "urn:a:1", "was": 0}]}, {"made": ["urn:a:9"], "before": []}]
    journal.write_bytes(b"\n".join(map(orjson.dumps, lines)) + b'\n{"made": ["urn:c"')
    assert take_back(journal, place) == 3
    assert place.entities == {"urn:a:1": {"id": "urn:a:1", "was": 0}, "urn:c": {"id": "urn:c"}}
    assert not journal.exists()


def test_the_report_has_a_line_a_finding_that_no_spreadsheet_takes_for_a_formula(
    imported: Callable[..., Imported], facilities: DataSet, tmp_path: Path
) -> None:
    file, lines = tmp_path / "table.csv", tmp_path / "report.tsv"
    with file.open("w", newline="") as written:
        csv.writer(written).writerows([[*HEAD, "法人番号"], [*ROW, "=1+1"]])
    report = Report()
    checking = Checking(facilities.mapping, Choices(TODAY), facilities.dress, facilities.hold, report)
    with report.written_to(lines), open_table(file) as table:
        assert len(list(checking.documents(table))) == 1
    text = lines.read_text()
    assert "\t'=1+1\t" in text
    assert "1 rows = 1 entities + 0 left out + 0 refused" in list(report.summary())
