"""GTFS and GTFS-JP, as published: stops, routes, agencies, trips and services of a zip file, row by row.

    channel agency.txt      part: agency_id     columns as quantities, empty ones left out
            stops.txt             stop_id       latitude, longitude as numbers
            routes.txt            route_id
            trips.txt             trip_id
            calendar.txt          service_id    days as true and false
            calendar_dates.txt    service_id + date

`facts["feed"]` is the file's name without `.txt`; the columns that end in `_id` are facts too. The link cuts the zip
file into CSV texts of EACH rows with their head; names in other languages (translations.txt, which GTFS-JP asks for)
come as objects of language and text: `stop_name_in`.
https://gtfs.org/documentation/schedule/reference/, GTFS-JP 3 (MLIT)
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from adapters.codecs.feeds import EACH, Piece, check_id, short
from adapters.codecs.json_body import check_name, check_size, parse
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.encode.text import dump
from broker.model.values import Json

Row: TypeAlias = Mapping[str, str]
KEYS: Final = {
    "agency.txt": ("agency_id",),
    "stops.txt": ("stop_id",),
    "routes.txt": ("route_id",),
    "trips.txt": ("trip_id",),
    "calendar.txt": ("service_id",),
    "calendar_dates.txt": ("service_id", "date"),
}
"""The files that are read, and the columns that name a row."""
_TRANSLATIONS: Final = "translations.txt"
_NAMED: Final = {"agency.txt": "agency_name"}
"""A column that must be there where the one that names a row need not be."""
_BESIDE: Final = (_TRANSLATIONS, "feed_info.txt")
_TRANSLATED: Final = {"agency.txt": "agency", "stops.txt": "stops", "routes.txt": "routes", "trips.txt": "trips"}
_NUMBERS: Final = {"stop_lat": "latitude", "stop_lon": "longitude"}
_WHOLE: Final = frozenset({"location_type", "wheelchair_boarding", "route_type", "direction_id", "exception_type"})
_DAYS: Final = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
_ROWS_MAX, _COLUMNS_MAX = 1_000_000, 60
UNPACKED_BYTES_MAX: Final = 64 << 20
"""Of the files that are read, all together: those of a large city have some MiB (stop_times and shapes are not)."""
_TRANSLATIONS_MAX: Final = 200_000
_SOURCE: Final = "ja"
"""The language of the names themselves, where feed_info.txt says none."""
_LANGUAGES: Final = "translated"


class Gtfs:
    """See the module."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """One Readings a row. Raises BadFrame."""
        check_size(frame.payload)
        keys = KEYS.get(frame.channel)
        if keys is None:
            return []
        text = _text(frame.payload)
        asked = _NAMED.get(frame.channel, keys[0])
        if asked not in text.partition("\n")[0]:
            raise BadFrame("wrong_type", f"no column {asked}, which {frame.channel} has: {text[:200]!r}")
        return [_of_row(row, keys, frame) for row in _table(text)]


def make_codec(settings: object) -> Gtfs:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return Gtfs()


def cut(payload: bytes, _channel: str) -> Sequence[Piece]:
    """The zip file in pieces of EACH rows; what is no zip file is one piece, for the codec to refuse."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as whole:
            _check_unpacked(whole)
            beside = {name: _member(whole, name) for name in _BESIDE}
            return [piece for name in KEYS for piece in _pieces(name, {**beside, name: _member(whole, name)})]
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, BadFrame) as error:
        return [Piece(f"no feed of GTFS: {error}".encode(), "stops.txt")]


def _check_unpacked(whole: zipfile.ZipFile) -> None:
    """Raises BadFrame where the files that are read would be too large together."""
    names = [name for name in (*KEYS, *_BESIDE) if name in whole.NameToInfo]
    if sum(whole.getinfo(name).file_size for name in names) > UNPACKED_BYTES_MAX:
        raise BadFrame("oversized", f"it unpacks to more than {UNPACKED_BYTES_MAX >> 20} MiB")


def _member(whole: zipfile.ZipFile, name: str) -> str:
    """The text of one file; empty where it is not there. Raises BadFrame, and what zipfile raises."""
    if name not in whole.NameToInfo:
        return ""
    size = whole.getinfo(name).file_size
    with whole.open(name) as opened:
        content = opened.read(size + 1)
    if len(content) > size:
        raise BadFrame("oversized", f"{name} is larger than it says")
    return _text(content)


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFrame("wrong_type", f"no UTF-8, which GTFS asks for: {error}") from None


def _pieces(name: str, texts: Mapping[str, str]) -> Iterator[Piece]:
    """The rows of a file as CSV with their head, translations as one more column of JSON."""
    said = _translations(texts, name)
    rows: list[Row] = []
    for row in _table(texts[name]):
        languages = _of_row_in(row, said)
        rows.append({**row, _LANGUAGES: dump(languages).decode()} if languages else row)
        if len(rows) == EACH:
            yield Piece(_csv(rows), name)
            rows = []
    if rows:
        yield Piece(_csv(rows), name)


def _csv(rows: Sequence[Row]) -> bytes:
    heads = dict.fromkeys(head for row in rows for head in row)
    written = io.StringIO()
    writer = csv.DictWriter(written, [*heads], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def _table(text: str) -> Iterator[Row]:
    """The rows, by their heads. Raises BadFrame."""
    lines = csv.reader(io.StringIO(text), strict=False)
    try:
        heads = [head.strip() for head in next(lines, [])]
        if len(heads) > _COLUMNS_MAX:
            raise BadFrame("oversized", f"{len(heads)} columns; at most {_COLUMNS_MAX} are taken")
        for number, cells in enumerate(lines):
            if number >= _ROWS_MAX:
                raise BadFrame("oversized", f"more than {_ROWS_MAX:,} rows")
            if any(cells):
                yield dict(zip(heads, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise BadFrame("wrong_type", f"no table: {error}") from None


Translations: TypeAlias = Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]
"""(`record` or `value`, the row's id or the text that is translated) -> column -> language -> text."""


def _translations(texts: Mapping[str, str], name: str) -> Translations:
    table = _TRANSLATED.get(name)
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    if table is None:
        return found
    source = next((row.get("feed_lang", "") for row in _table(texts["feed_info.txt"])), "") or _SOURCE
    for number, row in enumerate(_table(texts[_TRANSLATIONS])):
        language, column = row.get("language", ""), row.get("field_name", "")
        if row.get("table_name") != table or number > _TRANSLATIONS_MAX or not language:
            continue
        key = ("record", row["record_id"]) if row.get("record_id") else ("value", row.get("field_value", ""))
        found[key][column][language] = row.get("translation", "")
        found[key][column].setdefault("", source)
    return found


def _of_row_in(row: Row, said: Translations) -> dict[str, Json]:
    """The columns of a row that are said in other languages too: `{"stop_name": {"ja": "北浦和", "en": …}}`."""
    name = next(iter(row.values()), "")
    found: dict[str, Json] = {}
    for column, value in row.items():
        languages = said.get(("record", name), {}).get(column) or said.get(("value", value), {}).get(column)
        if value and languages:
            told: dict[str, Json] = {one: text for one, text in languages.items() if one}
            found[column] = {languages[""]: value, **told}
    return found


def _of_row(row: Row, keys: tuple[str, ...], frame: Frame) -> Readings:
    part = " ".join(row.get(key, "") for key in keys).strip()
    if not part and frame.channel == "agency.txt":
        part = "agency"  # its id may be left out where there is one agency
    if not part:
        raise BadFrame("wrong_type", f"a row of {frame.channel} without its {' and '.join(keys)}")
    readings = tuple(_readings(row))
    facts = {"feed": frame.channel.removesuffix(".txt")}
    facts |= {column: value for column, value in row.items() if column.endswith("_id") and value}
    return Readings(frame.device, readings, check_id(part), facts=facts)


def _readings(row: Row) -> Iterator[Reading]:
    for column, text in row.items():
        if not text or column == _LANGUAGES:
            continue
        if column in _NUMBERS:
            yield Reading(_NUMBERS[column], _number(column, text))
        elif column in _WHOLE:
            yield Reading(column, int(_number(column, text)))
        elif column in _DAYS:
            yield Reading(column, text == "1")
        else:
            yield Reading(check_name(column), short(text))
    if row.get(_LANGUAGES):
        yield from _in_languages(row[_LANGUAGES])


def _in_languages(text: str) -> Iterator[Reading]:
    told = parse(text.encode())
    for column, languages in told.items() if isinstance(told, dict) else ():
        yield Reading(f"{check_name(column)}_in", languages)


def _number(column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:  # noqa: PLR2004  whatever it is
        raise BadFrame("wrong_type", f"{column}: {text[:40]!r} is no number")
    return value
