"""Cells of municipal tables: codes, dates, times, weekdays, flags, numbers and addresses as real files write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datamodels.opendata import addresses, characters, codes, coordinates, dates
from datamodels.opendata.repairs import Read, Unreadable


@pytest.mark.parametrize(
    ("text", "code", "rule"),
    [
        ("111007", "111007", ""),
        ("111091", "111091", ""),
        ("１１１１０４", "111104", "full-width"),
        ("111007.0", "111007", "full-width"),
        ("11100", "111007", "check-digit-added"),
        ("72028", "072028", "zero-added"),
        ("7202", "072028", "check-digit-added"),
    ],
)
def test_a_municipality_has_six_digits_the_last_of_which_checks_the_others(text: str, code: str, rule: str) -> None:
    assert codes.read_municipality(text, "" if text != "11100" else "11") == (code, rule)


@pytest.mark.parametrize("text", ["111008", "1.11E+05", "さいたま市", "990000", "11", "11100"])
def test_a_code_that_may_be_two_or_whose_check_digit_is_wrong_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        codes.read_municipality(text)


def test_check_digits_are_those_that_the_ministries_publish() -> None:
    assert [codes.check_digit(first) for first in ("13101", "11100", "11109", "11110")] == ["6", "7", "1", "4"]
    assert codes.read_corporate("7000012050002") == ("7000012050002", "")
    assert codes.read_corporate("８００００１２０１００３８")[0] == "8000012010038"
    for wrong in ("1000012050002", "700001205000", "7.00001E+12"):
        with pytest.raises(Unreadable):
            codes.read_corporate(wrong)


def test_an_id_that_a_spreadsheet_rounded_is_not_taken_for_one() -> None:
    with pytest.raises(Unreadable, match="spreadsheet"):
        codes.digits("1.7E+11")
    assert codes.digits("1.70001234567E+11") == "170001234567"


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (codes.read_phone, "（０４８）８２９－１１１１", "048-829-1111"),
        (codes.read_phone, "488291111", "0488291111"),
        (codes.read_phone, "048-829-1111", "048-829-1111"),
        (codes.read_postal, "〒３３００８０１", "330-0801"),
        (codes.read_postal, "600811", "060-0811"),
        (dates.read_date, "R8.11.23", "2026-11-23"),
        (dates.read_date, "令和８年１１月２３日（月）", "2026-11-23"),
        (dates.read_date, "令和元年5月1日", "2019-05-01"),
        (dates.read_date, "昭和六十年三月三日", "1985-03-03"),
        (dates.read_date, "H31.4.30", "2019-04-30"),
        (dates.read_date, "2026/11/23 0:00:00", "2026-11-23"),
        (dates.read_date, "20261123", "2026-11-23"),
        (dates.read_date, "46349", "2026-11-23"),
        (dates.read_time, "24:00", "00:00"),
        (dates.read_time, "25:30", "01:30"),
        (dates.read_time, "９：００", "09:00"),
        (dates.read_time, "午後5時30分", "17:30"),
        (dates.read_time, "9時半", "09:30"),
        (dates.read_time, "0.375", "09:00"),
        (dates.read_instant, "2026/11/23 9:00", "2026-11-23T00:00:00Z"),
        (dates.read_instant, "2026-11-23T09:00:00+09:00", "2026-11-23T00:00:00Z"),
        (dates.read_instant, "令和8年11月23日24時", "2026-11-23T15:00:00Z"),
        (dates.read_weekdays, "月火水", [1, 2, 3]),
        (dates.read_weekdays, "月～金", [1, 2, 3, 4, 5]),
        (dates.read_weekdays, "土曜日・日曜日", [6, 7]),
        (dates.read_weekdays, "平日", [1, 2, 3, 4, 5]),
        (dates.read_weekdays, "金〜月", [1, 5, 6, 7]),
        (dates.read_number, "１，２３４人", 1234),
        (dates.read_number, "約200名", 200),
    ],
)
def test_a_cell_says_what_was_meant(read: Callable[[str], Read], text: str, value: object) -> None:
    assert read(text)[0] == value


@pytest.mark.parametrize(
    ("text", "rule"),
    [("H31.4.30", "era-date"), ("H31.5.1", "era-outside"), ("R1.4.30", "era-outside"), ("R1.5.1", "era-date")],
)
def test_an_era_ends_where_the_next_one_begins(text: str, rule: str) -> None:
    assert dates.read_date(text)[1] == rule


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (dates.read_date, "2026-02-30"),
        (dates.read_date, "令和8年"),
        (dates.read_date, "未定"),
        (dates.read_time, "99:00"),
        (dates.read_time, "夕方"),
        (dates.read_weekdays, "第2土曜日"),
        (dates.read_weekdays, "月曜日(祝日の場合は翌日)"),
        (dates.read_number, "1,23"),
        (dates.read_number, "多数"),
        (dates.read_flag, "△"),
        (codes.read_phone, "役場"),
        (codes.read_postal, "12"),
        (coordinates.read_degrees, "不明"),
    ],
)
def test_what_cannot_be_sure_is_refused(read: Callable[[str], Read], text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize("text", ["○", "〇", "◯", "有", "1", "１", "あり", "可", "はい", "TRUE"])
def test_many_marks_are_yes(text: str) -> None:
    assert dates.read_flag(text)[0] is True


@pytest.mark.parametrize("text", ["×", "✕", "無", "0", "なし", "不可", "－", "いいえ"])
def test_many_marks_are_no(text: str) -> None:
    assert dates.read_flag(text)[0] is False
    assert dates.read_flag("△", partly=True)[0] is True


def test_a_cell_may_hold_beginning_and_end() -> None:
    assert dates.read_hours("9:00〜17:00") == ("09:00", "17:00")
    assert dates.read_hours("９：００～２４：００") == ("09:00", "00:00")
    assert dates.read_hours("24時間") == ("00:00", "00:00")
    assert dates.read_hours("9:00") is None


def test_the_long_vowel_is_a_hyphen_between_digits_only() -> None:
    assert characters.plain("２－１ー２　スーパーミソノ") == "2-1-2 スーパーミソノ"
    assert characters.katakana("ﾐｿﾉとしょかん") == "ミソノトショカン"
    assert [characters.kanji_number(text) for text in ("十二", "二十", "一〇", "百三")] == [12, 20, 10, 103]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "埼玉県さいたま市緑区大字中尾９７５番地１　浦和ビル３階",
            ("埼玉県", "さいたま市緑区", "中尾", "975-1", "浦和ビル3階"),
        ),
        ("東京都千代田区霞が関２－１－２", ("東京都", "千代田区", "霞が関", "2-1-2", "")),
        ("東京都千代田区霞が関二丁目一番二号", ("東京都", "千代田区", "霞が関", "2-1-2", "")),
        ("東京都八丈町大賀郷2551-2", ("東京都", "八丈町", "大賀郷", "2551-2", "")),
        ("福島県会津若松市東栄町3番46号", ("福島県", "会津若松市", "東栄町", "3-46", "")),
        ("福島県郡山市朝日一丁目23番7号", ("福島県", "郡山市", "朝日", "1-23-7", "")),
        ("千葉県市川市八幡1-1-1", ("千葉県", "市川市", "八幡", "1-1-1", "")),
        ("三重県四日市市諏訪町1-5", ("三重県", "四日市市", "諏訪町", "1-5", "")),
        ("埼玉県北足立郡伊奈町中央四丁目355番地", ("埼玉県", "北足立郡伊奈町", "中央", "4-355", "")),
        ("さいたま市緑区美園4丁目 スーパーミソノ", ("", "さいたま市緑区", "美園", "4", "スーパーミソノ")),
    ],
)
def test_an_address_is_divided_into_its_parts(text: str, parts: tuple[str, ...]) -> None:
    address = addresses.divide(text)
    assert (address.prefecture, address.city, address.town, address.block, address.building) == parts


def test_missing_parts_come_from_the_whole_and_the_whole_from_the_parts() -> None:
    whole, rule = addresses.complete(addresses.Address(full="埼玉県さいたま市緑区中尾975-1"))
    assert (whole.city, whole.block, rule) == ("さいたま市緑区", "975-1", "address-joined")
    misplaced, rule = addresses.complete(addresses.Address(town="埼玉県さいたま市緑区中尾975-1"))
    assert (misplaced.town, misplaced.prefecture, rule) == ("中尾", "埼玉県", "address-in-town")
    parts = addresses.Address(prefecture="埼玉県", city="さいたま市緑区", town="大字中尾", block="９７５番地１")
    assert addresses.complete(parts)[0].full == "埼玉県さいたま市緑区中尾975-1"
    assert addresses.town_id(whole, {"さいたま市緑区中尾": "0012000"}) == "0012000"


def test_coordinates_are_repaired_where_that_is_sure() -> None:
    assert coordinates.place_of("139.7094", "35.9091") == coordinates.Place(139.7094, 35.9091, ("swapped",))
    for north, east in (("35°54'32.8\"", "139度42分33.9秒"), ("355432.8", "1394233.9")):
        assert coordinates.place_of(north, east) == coordinates.Place(139.7094167, 35.9091111, ("dms",))
    assert coordinates.place_of("０", "0.0") is None
    for north, east in (("35.9", "0"), ("48.8", "2.3"), ("35°99'00\"", "139.7")):
        with pytest.raises(Unreadable):
            coordinates.place_of(north, east)


def test_the_old_datum_moves_by_as_much_as_the_survey_says() -> None:
    """The origin of Japan's longitude and latitude, as the law gave it before and gives it now."""
    place = coordinates.place_of("35°39'17.5148\"", "139°44'40.5020\"", tokyo=True)
    assert place is not None
    assert place.latitude == pytest.approx(35 + 39 / 60 + 29.1572 / 3600, abs=3e-5)
    assert place.longitude == pytest.approx(139 + 44 / 60 + 28.8869 / 3600, abs=3e-5)


def test_plane_coordinates_of_zone_9_are_degrees_and_back() -> None:
    origin = coordinates.plane_place("0", "0.01", 9)
    assert origin is not None
    assert (origin.latitude, origin.longitude) == pytest.approx((36, 139 + 50 / 60), abs=1e-6)
    place = coordinates.plane_place("-10,069.3", "-11168.5", 9)
    assert place is not None
    assert coordinates.to_plane(place, 9) == pytest.approx((-10069.3, -11168.5), abs=0.02)
    assert coordinates.mesh_of(coordinates.Place(139.7454, 35.6586)) == "53393599"
    with pytest.raises(Unreadable):
        coordinates.plane_place("1", "1", 20)
