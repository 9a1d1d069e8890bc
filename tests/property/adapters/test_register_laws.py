"""Laws of register maps: plans reach every point within limits; what is written is what is read."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.registers import BLOCK_MOST, NUMBERS, ORDERS, Block, Point, plan, raw_of, read_point, same

SIZES = {name: {"16": 1, "32": 2, "64": 4}[name[-2:]] for name in NUMBERS}
RANGES = {
    name: (0, 2 ** (16 * size) - 1) if name.startswith("u") else (-(2 ** (16 * size - 1)), 2 ** (16 * size - 1) - 1)
    for name, size in SIZES.items()
    if "int" in name
}


ADDRESSES = st.integers(0, 9) | st.integers(0, 600)
"""Points that lie over each other, and points far apart."""


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    places = draw(st.lists(st.tuples(st.sampled_from(("holding", "input", "coil")), ADDRESSES), min_size=1))
    found = []
    for number, (table, address) in enumerate(places):
        size = 1 if table == "coil" else draw(st.sampled_from((1, 2, 4)))
        found.append(Point(f"p{number}", table, address, size, "uint16"))  # type: ignore[arg-type]
    return found


@given(points(), st.integers(-1, 120), st.integers(4, 2000))
def test_a_plan_reaches_every_point_and_keeps_to_its_limits(found: list[Point], gap: int, most: int) -> None:
    blocks = plan(found, gap, most)
    for point in found:
        assert any(block.holds(point) for block in blocks)
    for block in blocks:
        assert 0 < block.count <= min(most, BLOCK_MOST[block.table])
        assert holes(block, found) <= max(gap, 0), "nothing is read that lies further from any point"
    assert len(blocks) <= len(found)
    assert list(blocks) == sorted(blocks, key=lambda block: (block.table, block.start))


def holes(block: Block, found: list[Point]) -> int:
    """The longest run of registers in a block that no point has."""
    taken = {
        address
        for point in found
        if block.table == point.table
        for address in range(point.address, point.address + point.size)
    }
    longest = run = 0
    for address in range(block.start, block.start + block.count):
        run = 0 if address in taken else run + 1
        longest = max(longest, run)
    return longest


SCALES = (Fraction(1), Fraction(1, 10), Fraction(1, 1000), Fraction(10), Fraction(5, 2), Fraction(-1, 100))


@given(st.data())
def test_what_is_written_is_what_is_read(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(RANGES)))
    scale, plus = data.draw(st.sampled_from(SCALES)), data.draw(st.sampled_from((Fraction(0), Fraction(-40))))
    point = Point("p", "holding", 0, SIZES[kind], kind, data.draw(st.sampled_from(ORDERS)), scale, plus)
    raw = data.draw(st.integers(*RANGES[kind]).filter(lambda number: abs(number) < 2**50))
    value: Any = float(raw * scale + plus)
    registers = raw_of(point, value)
    assert len(registers) == point.size
    assert all(0 <= register < 65_536 for register in registers)
    wire = b"".join(register.to_bytes(2, "big") for register in registers)
    read = read_point(point, wire)
    assert read.quality == "good"
    assert same(point, value, read.value)


@given(st.sampled_from(("float32", "float64")), st.sampled_from(ORDERS), st.floats(-(2.0**100), 2.0**100, width=32))
def test_floats_come_back_in_every_order(kind: str, order: str, value: float) -> None:
    point = Point("p", "holding", 0, SIZES[kind], kind, order)
    wire = b"".join(register.to_bytes(2, "big") for register in raw_of(point, value))
    assert same(point, value, read_point(point, wire).value) or abs(value) < 1e-30


@given(st.sampled_from(sorted(RANGES)), st.integers(1, 2**70))
def test_what_does_not_fit_is_refused_and_never_cut(kind: str, over: int) -> None:
    point = Point("p", "holding", 0, SIZES[kind], kind)
    for value in (RANGES[kind][1] + over, RANGES[kind][0] - over):
        try:
            registers = raw_of(point, value)
        except ValueError as refusal:
            assert "does not fit" in str(refusal)  # noqa: PT017  most values, none of them cut
        else:
            raise AssertionError(registers)
