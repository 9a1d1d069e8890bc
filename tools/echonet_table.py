"""Makes the property tables of ECHONET Lite (adapters/codecs/echonet/*.tsv) from the machine readable appendix.

tools/echonet_table.py DIR: DIR holds the appendix of the ECHONET Consortium (definitions/, devices/, superClass/).
Codes, sizes, ranges, units and names are taken, of the newest release of each property; no text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "adapters/codecs/echonet"
FORMATS = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "int8": "s1", "int16": "s2", "int32": "s4"}
UNITS = {  # of the appendix -> UN/CEFACT and what one is of it
    "W": ("WTT", 1), "kW": ("KWT", 1), "Wh": ("WHR", 1), "kWh": ("KWH", 1), "A": ("AMP", 1), "mA": ("4K", 1),
    "V": ("VLT", 1), "Ah": ("AMH", 1), "mHz": ("HTZ", 0.001), "Celsius": ("CEL", 1), "%": ("P1", 1), "ppm": ("59", 1),
    "lux": ("LUX", 1), "klux": ("LUX", 1000), "L": ("LTR", 1), "m3": ("MTQ", 1), "m3/h": ("MQH", 1), "MJ": ("3B", 1),
    "kvarh": ("K3", 1), "second": ("SEC", 1), "minute": ("MIN", 1), "minutes": ("MIN", 1), "days": ("DAY", 1),
    "degree": ("DD", 1),
}  # fmt: skip
LEVELS_MAX = 32
BESIDE = {"DateAndTime", "Day", "NumberOfCollectionSegments"}  # fields that say of when the others are
NAMES = {"97": "currentTime", "98": "currentDate"}  # where the appendix has none
MAPS = {"9D", "9E", "9F"}  # property maps: the link's own business
HEAD = ("class", "epc", "access", "quantity", "kind", "unit", "scale", "least", "most", "words", "times")


def main() -> None:
    """Write both files."""
    source = Path(sys.argv[1])
    names = json.loads((source / "definitions/definitions.json").read_text(encoding="utf-8"))["definitions"]
    files = [*sorted((source / "superClass").glob("*.json")), *sorted((source / "devices").glob("*.json"))]
    classes, rows = ["class\tname\tja\ten"], ["\t".join(HEAD)]
    for file in files:
        device = json.loads(file.read_text(encoding="utf-8"))
        code = device["eoj"][2:].upper()
        classes.append("\t".join((code, device["shortName"], device["className"]["ja"], device["className"]["en"])))
        entries = newest(device["elProperties"])
        for epc, entry in sorted((epc, entry) for epc, entry in entries.items() if epc not in MAPS):
            if file.parent.name == "superClass":
                entry["shortName"] = NAMES.get(epc, entry["shortName"])
            rows += ["\t".join((code, epc, access(entry), *row)) for row in fields(entry, names)]
    (OUT / "classes.tsv").write_text("\n".join(classes) + "\n", encoding="utf-8")
    (OUT / "properties.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def newest(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of the releases of each property the last."""
    return {entry["epc"][2:].upper(): entry for entry in sorted(entries, key=lambda one: one["validRelease"]["from"])}


def access(entry: dict[str, Any]) -> str:
    """`gsi`: may be read, set, is announced; capital letters where a device must."""
    said = ""
    for letter, rule in zip("gsi", entry["accessRule"].values(), strict=False):
        if rule.startswith("required"):
            said += letter.upper() if rule == "required" else letter
        elif rule == "optional":
            said += letter
    return said or "-"


def fields(entry: dict[str, Any], names: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of one property: one a field, in the order of its bytes; one `raw` where this tool knows no better."""
    name, data = entry["shortName"], resolve(entry["data"], names)
    parts = [(name, data)]
    if data.get("type") == "object":
        parts = [(capital(one["shortName"]), resolve(one["element"], names)) for one in data["properties"]]
        alone = len([one for one in parts if one[0] not in BESIDE]) == 1
        parts = [(name if alone and key not in BESIDE else name + key, part) for key, part in parts]
    try:
        yield from [(quantity, *field(part, names)) for quantity, part in parts]
    except LookupError:
        yield (name, "raw", "", "", "", "", "", "")


def field(data: dict[str, Any], names: dict[str, Any]) -> tuple[str, ...]:
    """kind, unit, scale, least, most, words, times. Raises LookupError for what has no row of its own."""
    choices = [resolve(one, names) for one in data.get("oneOf", [data])]
    numbers = [one for one in choices if one["type"] == "number"]
    words = {code: word for one in choices for code, word in coded(one)}
    said = "|".join(f"{code}={word}" for code, word in sorted(words.items()))
    if len(numbers) + len([one for one in choices if one["type"] in {"state", "level", "numericValue"}]) == len(
        choices
    ):
        if numbers:
            return number(numbers, said)
        return (f"code{len(next(iter(words))) // 2}", "", "", "", "", said, "")
    if len(choices) > 1:
        raise LookupError
    return other(data, names)


def number(choices: list[dict[str, Any]], words: str) -> tuple[str, ...]:
    """A number's row: what all its ranges have in common, from the least to the most."""
    one = choices[0]
    unit, factor = UNITS.get(one.get("unit", ""), ("", 1))
    scale = one.get("multiple", one.get("multipleOf", 1)) * factor
    least, most = min(each["minimum"] for each in choices), max(each["maximum"] for each in choices)
    times = "|".join(epc[2:] for epc in one.get("coefficient", ()))
    kind = FORMATS[next((each["format"] for each in choices if each["format"].startswith("int")), one["format"])]
    return (kind, unit, "" if scale == 1 else f"{scale:.10g}", str(least), str(most), words, times)


def coded(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What each code of a field means."""
    if data["type"] == "level":
        if "base" not in data or data["maximum"] > LEVELS_MAX:
            raise LookupError
        digits = data["base"][2:]
        for step in range(data["maximum"]):
            yield f"{int(digits, 16) + step:0{len(digits)}X}", str(step + 1)
    elif data["type"] in {"state", "numericValue"}:
        for one in data["enum"]:
            if "..." in one["edt"]:
                raise LookupError
            yield one["edt"][2:].upper(), str(one.get("name", one.get("numericValue")))


def other(data: dict[str, Any], names: dict[str, Any]) -> tuple[str, ...]:
    """Times, dates and rows of numbers. Raises LookupError for the rest."""
    if data["type"] == "array":
        item = resolve(data["items"], names)
        if item.get("type") == "object":
            kinds = [field(resolve(one["element"], names), names) for one in item["properties"]]
            if len(set(kinds)) != 1:
                raise LookupError
            return (f"{len(kinds)}x{kinds[0][0]}", *kinds[0][1:])
        one = field(item, names)
        return (f"1x{one[0]}", *one[1:])
    kind = {"time": "time", "date": "date", "date-time": "instant"}[data["type"]]
    size = data.get("size", {"time": 2, "date": 4, "date-time": 7}[data["type"]])
    return (f"{kind}{size}", "", "", "", "", "", "")


def resolve(data: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The definition itself, with what the reference says beside it."""
    if "$ref" not in data:
        return data
    return {**names[data["$ref"].rsplit("/", 1)[1]], **{key: value for key, value in data.items() if key != "$ref"}}


def capital(name: str) -> str:
    """`rPhase` -> `RPhase`."""
    return name[:1].upper() + name[1:]


if __name__ == "__main__":
    main()
