"""SunSpec's models read as pysunspec2 wrote them: random values of every point of every model that is measured."""

from __future__ import annotations

import random
import struct
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sunspec2.device import Model, get_model_def

from adapters.codecs.sunspec import DIRECTED, make_codec
from adapters.codecs.sunspec_models import MEASURING, UNITS, model
from adapters.frame import Frame
from adapters.readings import Reading

HELD = (*MEASURING, 703, 705, 706, 707, 708, 709, 710, 711, 712)
RANGES = {
    "int16": (-32767, 32767), "int32": (-(2**31) + 1, 2**31 - 1), "uint16": (0, 65534), "uint32": (0, 2**32 - 2),
    "uint64": (0, 2**64 - 2), "acc32": (1, 2**32 - 1), "enum16": (0, 9), "bitfield32": (0, 2**20 - 1),
    "bitfield16": (0, 2**15 - 1), "sunssf": (-10, 10), "count": (0, 3),
}  # fmt: skip
SEEN: Counter[str] = Counter()


def points(definition: dict[str, Any], chance: random.Random, counts: dict[str, int]) -> dict[str, Any]:
    """Raw values of a group as pysunspec2 takes them; a third of the points are not there."""
    values: dict[str, Any] = {}
    for point in definition["points"]:
        name, kind = point["name"], point["type"]
        if name in counts:
            values[name] = counts[name]
        elif kind in RANGES and name not in ("ID", "L") and chance.random() < 2 / 3:
            values[name] = chance.randint(*RANGES[kind])
        elif kind == "string" and chance.random() < 2 / 3:
            values[name] = "".join(chance.choice("abc XYZ-09") for _ in range(2 * point["size"] - 1)).strip()
    for group in definition.get("groups", ()):
        number = counts[group["count"]] if "count" in group else None
        below = [points(group, chance, counts) for _ in range(1 if number is None else number)]
        values[group["name"]] = below[0] if number is None else below
    return values


def counts_of(definition: dict[str, Any], chance: random.Random) -> dict[str, int]:
    found = {definition["count"]: chance.randint(0, 3)} if "count" in definition else {}
    for group in definition.get("groups", ()):
        found |= counts_of(group, chance)
    return found


def expected(number: int, laid: Any) -> Iterator[tuple[str, str, Any, str, str]]:
    """Port, quantity, value, unit and quality of each point that is there, by pysunspec2's own computation."""

    def walk(group: Any, prefix: str, port: str) -> Iterator[tuple[str, str, Any, str, str]]:
        for name, point in group.points.items():
            if said(point) and not (group is laid and name in ("ID", "L")):
                yield port, prefix + name, *told(point)
        for name, below in group.groups.items():
            for index, one in enumerate(below if isinstance(below, list) else [below], 1):
                if (number, name) == (714, "Prt"):
                    yield from walk(one, "", str(index))
                else:
                    yield from walk(one, f"{prefix}{name}{f'.{index}' if isinstance(below, list) else ''}.", port)

    return walk(laid, "", "")


def said(point: Any) -> bool:
    return point.get_value() not in (None, "") and point.pdef["type"] not in ("sunssf", "pad")


def told(point: Any) -> tuple[Any, str, str]:
    kind, raw = point.pdef["type"], point.get_value()
    SEEN[kind] += 1
    symbols = {one["value"]: one["name"] for one in point.pdef.get("symbols", ())}
    if kind == "string":
        return raw, "", "good"
    if kind.startswith("enum"):
        return symbols.get(raw, raw), "", "good"
    if kind.startswith("bitfield"):
        return [symbols.get(bit, f"bit {bit}") for bit in range(32) if raw >> bit & 1], "", "good"
    unit, divisor = UNITS.get(point.pdef.get("units", ""), ("", 1))
    value = point.get_value(computed=True) / divisor
    return value, unit, "uncertain" if point.sf_required and point.sf_value is None else "good"


@pytest.mark.parametrize("number", HELD)
def test_every_point_is_read_as_pysunspec2_wrote_it(number: int) -> None:
    codec = make_codec({"models": [number]})

    @settings(max_examples=40)
    @given(st.integers(0, 2**32))
    def law(seed: int) -> None:
        chance = random.Random(seed)
        definition = get_model_def(number)["group"]
        counts = counts_of(definition, chance)
        laid = Model(number, data=points(definition, chance, counts))
        written = laid.get_mb()
        assert struct.unpack_from(">HH", written) == (number, len(written) // 2 - 2)
        found = {}
        for readings in codec.decode(Frame(b"SunS" + written + b"\xff\xff\x00\x00", 0, "d")):
            assert readings.part.split(".")[0] == str(number)
            for reading in readings.readings:
                found[readings.facts.get("port", ""), reading.quantity] = reading
        wanted = {(port, name): (value, unit, quality) for port, name, value, unit, quality in expected(number, laid)}
        turned = {
            (port, name) for port, name in found if name.endswith("_in") and name[:-3] in DIRECTED.get(number, ())
        }
        assert found.keys() - turned == wanted.keys()
        for key, (value, unit, quality) in wanted.items():
            same(found[key], value, unit, quality)
        for port, name in turned:
            given_as: Any = found[port, name[:-3]].value
            assert found[port, name].value in (given_as, -given_as)

    law()


def same(reading: Reading, value: Any, unit: str, quality: str) -> None:
    assert (reading.unit, reading.quality) == (unit, quality), reading
    if isinstance(value, float):
        assert reading.value == pytest.approx(value, rel=1e-12), reading
    else:
        assert reading.value == value, reading


def test_the_law_meets_every_kind_of_point() -> None:
    codec_kinds = {
        "int16",
        "int32",
        "uint16",
        "uint32",
        "uint64",
        "acc32",
        "enum16",
        "bitfield32",
        "bitfield16",
        "string",
    }
    chance = random.Random(1)
    for number in HELD:
        definition = get_model_def(number)["group"]
        counts = counts_of(definition, chance)
        list(expected(number, Model(number, data=points(definition, chance, counts))))
    print(dict(SEEN))
    assert all(SEEN[kind] for kind in codec_kinds)


def test_a_model_that_claims_more_groups_than_it_has_costs_nothing() -> None:
    """65,000 curves of as many points each, in a model with room for one of one."""
    head = {"NPt": 65_000, "NCrv": 65_000}
    words = [head.get(spot.name, 0) for spot in model(705).spots[2:] for _ in range(spot.size)] + [0] * 12
    data = struct.pack(f">HH{len(words)}H", 705, len(words), *words)
    began = time.monotonic()
    (readings,) = make_codec({"models": [705]}).decode(Frame(b"SunS" + data, 0, "d"))
    assert time.monotonic() - began < 0.5
    assert {"Crv.1.ActPt", "Crv.1.Pt.1.V"} <= {reading.quantity for reading in readings.readings}
    assert not any(reading.quantity.startswith("Crv.2") for reading in readings.readings)
