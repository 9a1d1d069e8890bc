r"""Files of entities, as they come: JSON-LD arrays, single entities and NDJSON, told apart by how they begin.

    [{"id": "urn:ngsi-ld:House:1", …}, …]           an array: its elements; read whole
    {"id": "urn:ngsi-ld:House:1", …}\n{…}\n         NDJSON: an entity a line; read as it comes
    {\n  "id": "urn:ngsi-ld:House:1", …\n}          one entity over several lines; read whole

Lines of bytes go in, objects or refusals come out: what can be read is given although its neighbours cannot. Positions
count entities from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from broker.decode.text import parse_json
from broker.errors import BadRequestData, NgsiError
from broker.model.values import Json

_BOM = b"\xef\xbb\xbf"
_REMEDY = "an entity, an array of entities, or NDJSON: an entity a line"
_OFFSET_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?[+-]\d\d:\d\d")
_TIMES = frozenset({"observedAt", "expiresAt"})
_VALUES = frozenset({"@context", "value", "json", "languageMap", "vocab", "valueList", "objectList"})


class Found(NamedTuple):
    """What stands at one place of a file: an object that may be an entity, or why there is none."""

    position: int
    body: dict[str, Json] | NgsiError


def entities_in(lines: Iterable[bytes]) -> Iterator[Found]:
    r"""Read the lines of one file: `[b'{"id": "urn:a:1"}\n', b'nonsense\n']` gives an object and a refusal."""
    pending = (line for line in lines if line.strip())
    first = next(pending, b"").removeprefix(_BOM).lstrip()
    if not first:
        yield Found(0, BadRequestData("The file is empty.", clause="5.5.4", remedy=_REMEDY))
    elif first.startswith(b"{") and first.rstrip().endswith(b"}"):
        yield from _each_line(first, pending)
    else:
        yield from _whole(b"".join([first, *pending]))


def _each_line(first: bytes, following: Iterable[bytes]) -> Iterator[Found]:
    yield Found(0, _read(first))
    for position, line in enumerate(following, start=1):
        yield Found(position, _read(line))


def _whole(text: bytes) -> Iterator[Found]:
    try:
        document = parse_json(text)
    except NgsiError as refusal:
        yield Found(0, refusal)
        return
    for position, body in enumerate(document if isinstance(document, list) else [document]):
        yield Found(position, _as_object(body))


def _read(line: bytes) -> dict[str, Json] | NgsiError:
    try:
        return _as_object(parse_json(line))
    except NgsiError as refusal:
        return refusal


def _as_object(body: Json) -> dict[str, Json] | NgsiError:
    if isinstance(body, dict):
        return body
    return BadRequestData("There is no JSON object here.", clause="5.2.4", remedy=_REMEDY)


def in_utc(body: dict[str, Json]) -> dict[str, Json]:
    """The same entity with its DateTimes at UTC, as clause 4.6.3 wants them: another offset than `Z` is converted.

    `{"observedAt": "2026-01-01T09:00:00+09:00"}` gives `{"observedAt": "2026-01-01T00:00:00Z"}`; so does the `@value`
    of a value whose `@type` is DateTime. Other values are left alone.
    """
    return {name: _member_in_utc(name, value) for name, value in body.items()}


def _member_in_utc(name: str, value: Json) -> Json:
    if name in _TIMES:
        return _to_utc(value)
    if isinstance(value, dict):
        if value.get("@type") == "DateTime":
            return {**value, "@value": _to_utc(value.get("@value"))}
        return value if name in _VALUES else in_utc(value)
    if isinstance(value, list) and name not in _VALUES:
        return [in_utc(one) if isinstance(one, dict) else one for one in value]
    return value


def _to_utc(value: Json) -> Json:
    if not isinstance(value, str) or not _OFFSET_TIME.fullmatch(value):
        return value
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return value
    return moment.isoformat().replace("+00:00", "Z")
