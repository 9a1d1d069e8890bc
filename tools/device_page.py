"""docs/devices.md below its mark: what links and codecs there are, and what devices they were seen to understand.

All of it is taken from the tables of the code and from the frames under tests/frames that real peers sent.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from adapters.codecs.cayenne import TYPES
from adapters.codecs.echonet.tables import COMMON, kinds
from adapters.codecs.sunspec_models import MEASURING
from adapters.readings import Readings
from adapters.recorded import Golden, read_golden
from adapters.table import CODECS, LINKS

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs/devices.md"
MARK: Final = "<!-- What follows is written by `make docs`. -->"
_SHOWN: Final = 12
_NAMED: Final = "`{}`"


def page() -> str:
    """The page: what stands above the mark stays, the rest is made anew."""
    above = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    return f"{above}{MARK}\n\n" + "\n".join(_below()) + "\n"


def _below() -> Iterator[str]:
    yield "## Links"
    yield ""
    yield "| `kind` | What it is |"
    yield "|---|---|"
    for name, module in LINKS.items():
        about = _about(module)
        if about:
            yield f"| `{name}` | {about} |"
    yield ""
    yield "## Codecs, and devices that were seen"
    yield ""
    yield "Each row is a frame that a real peer sent, kept in `tests/frames`, and what becomes of it."
    for name, module in CODECS.items():
        about = _about(module)
        if about:
            yield from _codec(name, about)
    yield from _tables()


def _codec(name: str, about: str) -> Iterator[str]:
    yield ""
    yield f"### `{name}`"
    yield ""
    yield about
    frames = [read_golden(path) for path in sorted((ROOT / "tests/frames" / name).glob("*.json"))]
    if not frames:
        return
    yield ""
    yield "| Frame | Parts | Quantities |"
    yield "|---|---|---|"
    for one in frames:
        yield f"| {_cell(one.about)} | {_parts(one.readings)} | {_said(one)} |"


def _parts(readings: tuple[Readings, ...]) -> str:
    return ", ".join(_NAMED.format(part) for part in dict.fromkeys(one.part for one in readings) if part)


def _said(golden: Golden) -> str:
    """The quantities with their units, or why the frame is quarantined."""
    if golden.refused:
        return f"quarantined: `{golden.refused}`"
    found = dict.fromkeys((reading.quantity, reading.unit) for one in golden.readings for reading in one.readings)
    answers = [f"the answer to a command: {one.answers.status}" for one in golden.readings if one.answers is not None]
    told = [f"`{_cell(quantity)}`{f' {unit}' if unit else ''}" for quantity, unit in found]
    more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
    return ", ".join([*answers, *told[:_SHOWN], *more]) or "nothing measured"


def _tables() -> Iterator[str]:
    yield ""
    yield "## Classes of ECHONET Lite"
    yield ""
    yield "| Class | 日本語 | English |"
    yield "|---|---|---|"
    for code, kind in sorted(kinds().items()):
        if code != COMMON:
            yield f"| `{code}` | {kind.ja} | {kind.en} |"
    yield ""
    yield "## Models of SunSpec"
    yield ""
    yield "| Model | What it is |"
    yield "|---|---|"
    for number in MEASURING:
        yield f"| {number} | {_cell(_label(number))} |"
    yield ""
    yield "## Types of Cayenne LPP"
    yield ""
    yield "| Type | Quantities (of channel 1) |"
    yield "|---|---|"
    for number, type_ in TYPES.items():
        told = [f"`{type_.name}_1{value.name}`{f' {value.unit}' if value.unit else ''}" for value in type_.values]
        yield f"| {number} | {', '.join(told)} |"


def _label(number: int) -> str:
    """What a model of SunSpec is called in its definition."""
    definition = json.loads(files("sunspec2").joinpath(f"models/json/model_{number}.json").read_bytes())
    return str(definition["group"].get("label", ""))


def _about(module: str) -> str:
    """The first line of a module's docstring; empty where there is no such module yet."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        return ""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return _cell(" ".join(text.partition("\n\n")[0].split()))


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
