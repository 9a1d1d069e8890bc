"""However a date, a code, a time or a place is written, it is read as the same; no text breaks a reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodels.opendata import addresses, codes, coordinates, dates
from datamodels.opendata.cells import READ
from datamodels.opendata.mapping import Column
from datamodels.opendata.repairs import Unreadable

WIDE = str.maketrans("0123456789-:.", "０１２３４５６７８９－：．")
DAYS = st.dates(date(1989, 1, 8), date(2099, 12, 31))
SPELLINGS: list[Callable[[date], str]] = [
    lambda day: f"{day:%Y/%m/%d}",
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f"{day:%Y%m%d}",
    lambda day: f"平成{day.year - 1988}年{day.month}月{day.day}日",
    lambda day: f"R{day.year - 2018}.{day.month}.{day.day}" if day.year > 2018 else f"H{day.year - 1988}.{day:%m.%d}",
    lambda day: f"{day} 0:00:00",
    lambda day: str((day - date(1899, 12, 30)).days),
]


@given(DAYS, st.sampled_from(SPELLINGS), st.booleans())
def test_a_day_is_the_same_in_every_spelling(day: date, spelt: Callable[[date], str], wide: bool) -> None:
    text = spelt(day)
    if "平成" in text and not 1 <= day.year - 1988 <= 99:
        return
    assert dates.read_date(text.translate(WIDE) if wide else text)[0] == str(day)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 1))
def test_a_time_is_the_same_past_midnight(hour: int, minute: int, days: int) -> None:
    told = f"{hour:02}:{minute:02}"
    if hour + 24 * days <= 30:
        assert dates.read_time(f"{hour + 24 * days}時{minute}分")[0] == told


@given(st.integers(1, 47), st.integers(0, 999))
def test_a_municipality_is_the_same_without_its_check_digit_and_zero(prefecture: int, number: int) -> None:
    first = f"{prefecture:02}{number:03}"
    code = first + codes.check_digit(first)
    for text in (code, first, code.lstrip("0"), first.lstrip("0"), code.translate(WIDE)):
        if len(text) > 3:
            assert codes.read_municipality(text, f"{prefecture:02}")[0] == code
    wrong = code[:5] + str((int(code[5]) + 1) % 10)
    with pytest.raises(Unreadable):
        codes.read_municipality(wrong)


@given(st.floats(24, 45.5), st.floats(123, 146), st.integers(1, 19))
def test_a_place_is_the_same_in_degrees_minutes_and_in_the_other_order(north: float, east: float, zone: int) -> None:
    def dms(degrees: float) -> str:
        seconds = round(degrees * 3600, 3)
        return f"{int(seconds // 3600)}度{int(seconds // 60 % 60)}分{seconds % 60:.3f}秒"

    plain = coordinates.place_of(f"{north:.7f}", f"{east:.7f}")
    assert plain is not None
    try:
        spelt = coordinates.place_of(dms(east), dms(north))
    except Unreadable:  # 59.9996 seconds are written as 60
        return
    assert spelt is not None
    assert {"swapped", "dms"} <= set(spelt.rules)
    assert (spelt.longitude, spelt.latitude) == pytest.approx((plain.longitude, plain.latitude), abs=1e-6)
    if abs(east - 139.8) < 3 and abs(north - 36) < 5 and zone == 9:  # as far as a zone reaches
        metres = coordinates.to_plane(plain, zone)
        back = coordinates.plane_place(f"{metres[0]}", f"{metres[1]}", zone)
        assert back is not None
        assert (back.longitude, back.latitude) == pytest.approx((plain.longitude, plain.latitude), abs=2e-7)


@given(st.sampled_from(sorted(READ)), st.text(max_size=40))
def test_no_text_breaks_a_reader(reads: str, text: str) -> None:
    try:
        value, rule = READ[reads](Column("a"), text, "")
    except Unreadable:
        return
    assert value is not None
    assert isinstance(rule, str)


@given(
    st.sampled_from(["", "さいたま市緑区", "埼玉県さいたま市緑区"]),
    st.text(alphabet="埼玉県さいたま市緑区美園町村字大一二十0123４５-－ー号番地丁目の　 ビル", max_size=40),
)
def test_an_address_keeps_its_text_and_is_divided_the_same_again(city: str, rest: str) -> None:
    text = city + rest
    address = addresses.divide(text)
    assert address.full == " ".join(text.split())
    if address.city:  # where none was found, parts that are put together may look like one
        assert addresses.divide(address.joined()).city == address.city
