"""One row as an entity: its cells read and repaired, its address and place put together, its id made. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from broker.model.values import Json
from datamodels.opendata import addresses, coordinates, dates
from datamodels.opendata.cells import READ
from datamodels.opendata.characters import plain, says_unknown, squeezed
from datamodels.opendata.codes import prefecture_of
from datamodels.opendata.headings import Headings
from datamodels.opendata.mapping import PLACE_PARTS, Column, Mapping
from datamodels.opendata.repairs import Read, Refused, Repair, Unreadable

_HASH_CHARS: Final = 12
READ_KEPT: Final = 10_000
"""Cells whose reading is remembered."""
_TYPED: Final = {"date": "Date", "instant": "DateTime"}
_OLD_DATUM: Final = ("旧", "tokyo", "日本測地系")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the file does not say of itself.

    `tokyo`: its coordinates are of the old datum. `zone`: the plane rectangular zone. `prefecture`: two digits.
    `municipality`: its code, for rows without one. `keep_closed`: places that are closed come in too. `today` is the
    day before which they must have closed. `towns`: `city + town` -> 町字ID. `strict`: a value that cannot be read
    refuses its row. `shared`: attributes that every entity gets, such as its source.
    """

    today: str
    tokyo: bool = False
    zone: int = 0
    prefecture: str = ""
    municipality: str = ""
    keep_closed: bool = False
    strict: bool = False
    towns: ReadOnly[str, str] = field(default_factory=dict)
    shared: ReadOnly[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What became of a row: the entity in normalized form, or None; repairs; why it was refused."""

    entity: dict[str, Json] | None = None
    repairs: list[Repair] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class RowReader:
    """Reads the rows of one table."""

    def __init__(self, mapping: Mapping, headings: Headings, choices: Choices) -> None:
        self._mapping = mapping
        self._choices = choices
        self._columns = [(at, column) for at, column in enumerate(headings.columns) if column]
        there = [column for _, column in self._columns]
        self._absent = [
            column for column in mapping.columns if column.required and not _has(there, column)
        ]  # fmt: skip

    def read(self, row: Sequence[str]) -> Outcome | None:
        """The entity of a row; None where the row is empty."""
        cells = [(column, row[at].strip()) for at, column in self._columns if at < len(row)]
        if not any(text for _, text in cells):
            return None
        reading = _Row(self._choices)
        for column, text in cells:
            reading.take(column, text)
        for column in self._absent:
            reading.refuse(column.heading, "", "a value: it must be there")
        outcome = reading.outcome
        if reading.is_closed():
            return outcome
        reading.put_together()
        self._sums(reading)
        if not outcome.refused:
            outcome.entity = {"id": self._id(reading), "type": self._mapping.type, **reading.attributes}
        return outcome

    def _id(self, reading: _Row) -> str:
        """`urn:ngsi-ld:PublicFacility:111007:0001`: of the columns that tell rows apart, or of name and address."""
        known = [reading.keys.get(heading, "") for heading in self._mapping.id]
        if self._mapping.id and known[-1]:
            parts = [part for part in known if part]
        else:
            digest = hashlib.sha256("\n".join(reading.identity()).encode()).hexdigest()[:_HASH_CHARS]
            parts = [part for part in known[:-1] if part] + [f"x{digest}"]
            rule = "digits-lost" if reading.ruined_id else "id-made"
            reading.repair(rule, self._mapping.id[-1] if self._mapping.id else "", reading.ruined_id, parts[-1])
        return ":".join(["urn:ngsi-ld", self._mapping.type, *(quote(part, safe="-_.") for part in parts)])

    def _sums(self, reading: _Row) -> None:
        for total, parts in self._mapping.sums.items():
            numbers = [reading.numbers.get(heading) for heading in (total, *parts)]
            if None not in numbers and numbers[0] != sum(numbers[1:]):  # type: ignore[arg-type]
                reading.repair("sum", total, str(numbers[0]), " + ".join(map(str, numbers[1:])))


def _has(there: Iterable[Column], wanted: Column) -> bool:
    return any(one.to == wanted.to and one.lang == wanted.lang and one.part == wanted.part for one in there)


@lru_cache(maxsize=READ_KEPT)
def _read(column: Column, text: str, prefecture: str) -> Read:
    """What a cell says; most of a table's cells stand there many times. Nobody changes a list in it."""
    return READ[column.reads](column, text, prefecture)


class _Row:
    """A row while it is read."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.outcome = Outcome()
        self.attributes: dict[str, Json] = dict(choices.shared)
        self.keys: dict[str, str] = {}
        self.numbers: dict[str, float] = {}
        self.ruined_id = ""
        self._address: dict[str, str] = {}
        self._place: dict[str, str] = {}
        self._closed = self._closed_as = ""

    def take(self, column: Column, text: str) -> None:
        """Read one cell."""
        if text and says_unknown(text) and column.reads != "flag":
            self.repair("marked-unknown", column.heading, text, "")
            text = ""
        if column.part in PLACE_PARTS:
            self._place[column.part] = text
        elif not text:
            self._empty(column)
        elif column.part and column.reads == "text":
            self._address.setdefault(column.part, text)
        elif column.reads != "skip":
            self._value(column, text)

    def _empty(self, column: Column) -> None:
        if column.required:
            self.refuse(column.heading, "", "a value: it must be there")
        elif column.empty is not None:
            self.attributes.setdefault(column.to, {"type": "Property", "value": column.empty})

    def _value(self, column: Column, text: str) -> None:
        try:
            if column.reads in ("opens", "closes") and self._hours(column, text):
                return
            value, rule = _read(column, text, self.choices.prefecture)
        except Unreadable as fault:
            if column.reads == "identifier":
                self.ruined_id = text
            else:
                self.unreadable(column, text, str(fault))
            return
        if rule:
            self.repair(rule, column.heading, text, _shown(value))
        self.keys[column.heading] = _shown(value)
        if column.reads == "closed":
            self._closed, self._closed_as = str(value), column.to
        elif column.part:
            self._address.setdefault(column.part, str(value))
        elif column.to:
            self._attribute(column, value)

    def _attribute(self, column: Column, value: Json) -> None:
        if column.lang:
            given = self.attributes.setdefault(column.to, {"type": "LanguageProperty", "languageMap": {}})
            given["languageMap"].setdefault(column.lang, value)  # type: ignore[index,call-overload,union-attr]
            return
        if isinstance(value, int | float):
            self.numbers[column.heading] = value
        typed = _TYPED.get(column.reads)
        instance: dict[str, Json] = {
            "type": "Property", "value": {"@type": typed, "@value": value} if typed else value,
        }  # fmt: skip
        if column.unit:
            instance["unitCode"] = column.unit
        self.attributes.setdefault(column.to, instance)

    def _hours(self, column: Column, text: str) -> bool:
        """Whether a cell held beginning and end, which are taken."""
        span = dates.read_hours(text)
        if span is None:
            return False
        begins = column.to if column.reads == "opens" else ""
        for name, time in zip((begins, column.end or column.to), span, strict=True):
            if name:
                self.attributes[name] = {"type": "Property", "value": time}
        self.repair("time-range", column.heading, text, " - ".join(span))
        return True

    def is_closed(self) -> bool:
        """Whether the place was closed before today, and is to be left out."""
        if not self._closed:
            return False
        if self._closed <= self.choices.today and not self.choices.keep_closed:
            self.repair("closed", "", self._closed, "")
            self.outcome.refused.clear()
            return True
        if self._closed_as:
            day: Json = {"@type": "Date", "@value": self._closed}
            self.attributes[self._closed_as] = {"type": "Property", "value": day}
        return False

    def put_together(self) -> None:
        """The address and the place, of the cells that have their parts."""
        if any(self._address.values()):
            self._put_address()
        if any(self._place.values()):
            self._put_place()
        for name, instance in self.attributes.items():
            english = self.attributes.get(f"{name}En")
            if english and "languageMap" in instance:  # type: ignore[operator]
                instance["languageMap"]["en"] = english["value"]  # type: ignore[index,call-overload]

    def _put_address(self) -> None:
        given = self._address
        code = given.get("code") or self.keys.get("全国地方公共団体コード", "") or self.choices.municipality
        parts = addresses.Address(
            *(given.get(part, "") for part in ("full", "prefecture", "city", "town", "block", "building"))
        )
        address, rule = addresses.complete(parts)
        if rule:
            self.repair(rule, "所在地_連結表記", address.full, address.joined())
        prefecture = address.prefecture or (prefecture_of(code) if code else "")
        if code and address.prefecture and prefecture_of(code) != address.prefecture:
            self.repair("inconsistent", "全国地方公共団体コード", code, address.prefecture)
        told = {
            "addressCountry": "JP", "addressRegion": prefecture, "addressLocality": address.city,
            "streetAddress": address.street(), "postalCode": given.get("postal", ""), "localGovernmentCode": code,
            "streetAddressId": given.get("townId", "") or addresses.town_id(address, self.choices.towns),
            "cityBlock": address.block, "buildingNameEtc": address.building, "fullAddress": address.full,
        }  # fmt: skip
        self.attributes["address"] = {"type": "Property", "value": {name: text for name, text in told.items() if text}}

    def _put_place(self) -> None:
        given, datum = self._place, squeezed(self._place.get("datum", "")).casefold()
        tokyo = any(word in datum for word in _OLD_DATUM) if datum else self.choices.tokyo
        degrees = given.get("latitude", ""), given.get("longitude", "")
        metres = given.get("x", ""), given.get("y", "")
        heading, texts = ("緯度", degrees) if any(degrees) else ("X座標", metres)
        shown = ", ".join(texts)
        if not any(texts):
            return
        if not all(texts):
            self.unreadable(Column(heading), shown, "both coordinates")
            return
        try:
            place = (
                coordinates.place_of(*degrees, tokyo=tokyo) if any(degrees)
                else coordinates.plane_place(*metres, self._zone(given.get("zone", "")), tokyo=tokyo)
            )  # fmt: skip
        except Unreadable as fault:
            self.unreadable(Column(heading), shown, str(fault))
            return
        if place is None:
            self.repair("zero-coordinates", heading, shown, "")
            return
        for rule in place.rules:
            self.repair(rule, heading, shown, f"{place.latitude}, {place.longitude}")
        point: Json = {"type": "Point", "coordinates": [place.longitude, place.latitude]}
        self.attributes["location"] = {"type": "GeoProperty", "value": point}

    def _zone(self, text: str) -> int:
        number = "".join(sign for sign in plain(text) if sign.isdecimal())
        return int(number) if number else self.choices.zone

    def identity(self) -> list[str]:
        """What tells a row without an id from others: its name, address and place."""
        name = self.attributes.get("name")
        return [repr(name), *(self._address[part] for part in sorted(self._address)), *self._place.values()]

    def repair(self, rule: str, column: str, was: str, became: str) -> None:
        """Note a repair."""
        self.outcome.repairs.append(Repair(rule, column, was, became))

    def refuse(self, column: str, was: str, wanted: str) -> None:
        """Note why the row does not go in."""
        self.outcome.refused.append(Refused(column, was, wanted))

    def unreadable(self, column: Column, text: str, wanted: str) -> None:
        """A value that no repair helps: it is left out, unless the row needs it."""
        if column.required or self.choices.strict:
            self.refuse(column.heading, text, wanted)
        else:
            self.repair("left-out", column.heading, text, wanted)


def _shown(value: Json) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
