"""The table of query parameters, and the reading of a query string (clauses 6.3.7, 6.3.10 to 6.3.13, 6.3.18, 6.3.20).

A parameter that the operation does not know is InvalidRequest; one with an empty value counts as absent; one given
twice, or two that exclude each other, are InvalidRequest; a value that does not fit its type is BadRequestData.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import unquote_to_bytes

from broker.errors import BadRequestData, InvalidRequest
from broker.model.values import Json

Value = str | int | bool | tuple[str, ...]

QUERY_BYTES_MAX = 16 * 1024
"""Longer query strings are refused; a URL over 8 kB is refused by most proxies anyhow."""
REMEMBERED_CHARS = 256
"""Of the query strings that are read once for many requests."""
INTEGER_MAX = 2**31 - 1
NUMBER_MAX = 2**53 - 1
"""Of what a store numbers: as large as JSON's readers everywhere take exactly."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row: `read(name, text)` gives the value or raises; `schema` is its JSON schema for /openapi.json."""

    name: str
    clause: str
    read: Callable[[str, str], Value]
    schema: Mapping[str, Json]
    about: str


def _text(_name: str, text: str) -> str:
    return text


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _unfit(name, text, "true or false")
    return text == "true"


def _up_to(most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
            raise _unfit(name, text, f"a whole number from 0 to {most}")
        return int(text)

    return read


_whole = _up_to(INTEGER_MAX)


def _positive(name: str, text: str) -> int:
    if _whole(name, text) == 0:
        raise _unfit(name, text, "a whole number from 1")
    return int(text)


def _words(name: str, text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if "" in words:
        raise _unfit(name, text, "names with a comma between, none of them empty")
    return words


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in allowed:
            raise _unfit(name, text, "one of " + ", ".join(allowed))
        return text

    return read


def _unfit(name: str, text: str, wanted: str) -> BadRequestData:
    return BadRequestData(
        f"the parameter {name} has the value '{text[:100]}'", pointer=name, clause=TABLE[name].clause, remedy=wanted
    )


_TEXT: Mapping[str, Json] = {"type": "string"}
_FLAG: Mapping[str, Json] = {"type": "boolean"}
_WHOLE: Mapping[str, Json] = {"type": "integer", "minimum": 0, "maximum": INTEGER_MAX}
_NUMBER: Mapping[str, Json] = {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
_POSITIVE: Mapping[str, Json] = {"type": "integer", "minimum": 1, "maximum": INTEGER_MAX}
_KINDS = ("Cached", "Hosted", "ImplicitlyCreated")
_JOINS = ("flat", "inline", "@none")


def _choice(*allowed: str) -> Mapping[str, Json]:
    return {"type": "string", "enum": list(allowed)}


TABLE: Mapping[str, Parameter] = {
    row.name: row
    for row in (
        Parameter(
            "attrs", "6.4.3.2", _text, _TEXT, "attribute names; entities having one, reduced to these (deprecated)"
        ),
        Parameter("after", "6.3.10", _up_to(NUMBER_MAX), _NUMBER, "number of the last element of the page before"),
        Parameter("aggrMethods", "4.5.19", _text, _TEXT, "aggregation methods"),
        Parameter("aggrPeriodDuration", "4.5.19", _text, _TEXT, "ISO 8601 duration of an aggregation bucket"),
        Parameter("collation", "4.23", _text, _TEXT, "ICU collation of the ordering: `ja`, `de-u-co-phonebk`"),
        Parameter("containedBy", "4.5.23", _words, _TEXT, "ids met before while walking the entity graph"),
        Parameter("coordinates", "4.10", _text, _TEXT, "GeoJSON coordinates of the geoquery"),
        Parameter("count", "6.3.13", _flag, _FLAG, "whether NGSILD-Results-Count tells how many match"),
        Parameter("csf", "4.9", _text, _TEXT, "filter of context sources"),
        Parameter(
            "datasetId", "4.5.5", _words, _TEXT, "datasetIds of the instances to select; @none for the default one"
        ),
        Parameter("deleteAll", "6.7.3.2", _flag, _FLAG, "whether all instances of the attribute are deleted"),
        Parameter("details", "6.25.3.1", _flag, _FLAG, "whether details are given, not names only"),
        Parameter("drop", "6.4.3.3", _text, _TEXT, "attributes to remove from the entities that match"),
        Parameter("endTimeAt", "4.11", _text, _TEXT, "end of the time interval"),
        Parameter("entityMap", "6.4.3.2", _flag, _FLAG, "whether the location of the entity map is returned"),
        Parameter("entityMapLifetime", "6.4.3.2", _text, _TEXT, "ISO 8601 duration an entity map is wanted for"),
        Parameter("expandValues", "4.9", _words, _TEXT, "attributes whose values in q are expanded to URIs"),
        Parameter("format", "6.3.7", _text, _TEXT, "representation: normalized, concise, simplified (or keyValues)"),
        Parameter("geometry", "4.10", _text, _TEXT, "GeoJSON geometry type of the geoquery"),
        Parameter(
            "geometryProperty", "6.3.15", _text, _TEXT, "GeoProperty that becomes the geometry of a GeoJSON answer"
        ),
        Parameter("geoproperty", "4.10", _text, _TEXT, "GeoProperty the geoquery looks at (default `location`)"),
        Parameter("georel", "4.10", _text, _TEXT, "relation of the geoquery: `near;maxDistance==2000`"),
        Parameter("id", "6.4.3.2", _text, _TEXT, "entity ids, with a comma between"),
        Parameter("idPattern", "6.4.3.2", _text, _TEXT, "regular expression over entity ids"),
        Parameter("join", "4.5.23", _one_of(*_JOINS), _choice(*_JOINS), "how linked entities are given"),
        Parameter("joinLevel", "4.5.23", _positive, _POSITIVE, "depth of linked entities"),
        Parameter("jsonKeys", "4.9", _words, _TEXT, "attributes whose values in q are opaque JSON"),
        Parameter("keep", "6.4.3.3", _text, _TEXT, "attributes to keep in the entities that match"),
        Parameter("kind", "6.29.3.2", _one_of(*_KINDS), _choice(*_KINDS), "kind of @contexts"),
        Parameter("lang", "4.15", _text, _TEXT, "natural language that language maps are reduced to"),
        Parameter("lastN", "4.11", _positive, _POSITIVE, "the newest N instances"),
        Parameter("limit", "6.3.10", _whole, _WHOLE, "most elements in one answer"),
        Parameter("local", "6.3.18", _flag, _FLAG, "whether only this broker's own data is looked at"),
        Parameter("observedAt", "6.5.3.4", _text, _TEXT, "observedAt of merged attributes that give none"),
        Parameter("offset", "6.3.10", _whole, _WHOLE, "elements to pass over"),
        Parameter("omit", "4.21", _text, _TEXT, "members to leave out"),
        Parameter("options", "6.3.7", _words, _TEXT, "keywords, with a comma between"),
        Parameter("orderBy", "4.23", _text, _TEXT, "members to order by: `name;asc`"),
        Parameter("orderFrom", "4.23", _text, _TEXT, "coordinates that distances are measured from"),
        Parameter("orderGeometry", "4.23", _text, _TEXT, "geometry type of orderFrom"),
        Parameter("pick", "4.21", _text, _TEXT, "members to give"),
        Parameter("q", "4.9", _text, _TEXT, 'filter by attribute values: `temperature>20;status=="on"`'),
        Parameter("reload", "6.30.3.2", _flag, _FLAG, "whether the @context is fetched anew"),
        Parameter("scopeQ", "4.19", _text, _TEXT, "filter by scope: `/misono/#`"),
        Parameter("splitEntities", "6.4.3.2", _flag, _FLAG, "whether entities may be spread over sources"),
        Parameter("timeAt", "4.11", _text, _TEXT, "begin of the time interval"),
        Parameter("timeproperty", "4.11", _text, _TEXT, "the instant looked at (default observedAt)"),
        Parameter("timerel", "4.11", _text, _TEXT, "before, after, between"),
        Parameter("type", "4.17", _text, _TEXT, "selection of entity types: `Room|(Hall;Public)`"),
    )
}

_ALONE: tuple[tuple[str, str, str], ...] = (
    ("pick", "omit", "4.21"),
    ("attrs", "pick", "4.21"),
    ("attrs", "omit", "4.21"),
    ("keep", "drop", "6.4.3.3"),
)
_NEEDS: tuple[tuple[str, str, str], ...] = (
    ("joinLevel", "join", "4.5.23"),
    ("containedBy", "joinLevel", "4.5.23"),
    ("georel", "geometry", "4.10"),
    ("geometry", "coordinates", "4.10"),
    ("coordinates", "georel", "4.10"),
    ("orderGeometry", "orderFrom", "4.23"),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the query string of one operation may hold: parameters, keywords of `options`, values of `format`."""

    names: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()

    def schema(self, name: str) -> dict[str, Json]:
        """The JSON schema of one parameter; `format` lists this operation's own values."""
        if name == "format" and self.formats:
            return dict(_choice(*sorted(self.formats)))
        if name == "options" and self.options:
            one = "(" + "|".join(sorted(self.options)) + ")"
            return {"type": "string", "pattern": f"^{one}(,{one})*$"}
        return dict(TABLE[name].schema)


class Parameters:
    """The parameters of one request by name, each with the type its row of the table says."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Value]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, name: str) -> str | None:
        """`q`, or None where it was not given."""
        return cast("str | None", self._values.get(name))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`count`."""
        return cast("bool", self._values.get(name, default))

    def number(self, name: str, default: int) -> int:
        """`limit`."""
        return cast("int", self._values.get(name, default))

    def words(self, name: str) -> tuple[str, ...]:
        """`options`; none where it was not given."""
        return cast("tuple[str, ...]", self._values.get(name, ()))


NONE = Parameters({})


def read_parameters(accepted: Accepted, query_string: str) -> Parameters:
    """The parameters of a query string: `limit=20&count=true` gives limit 20 and count True.

    Raises InvalidRequest and BadRequestData as the module says.
    """
    if not query_string:
        return NONE
    if len(query_string) <= REMEMBERED_CHARS:
        return _remembered(accepted, query_string)
    return _read(accepted, query_string)


def _read(accepted: Accepted, query_string: str) -> Parameters:
    values: dict[str, Value] = {}
    for name, text in split_query(query_string):
        if name not in accepted.names:
            raise _unknown(accepted, name)
        if not text:
            continue
        if name in values:
            raise InvalidRequest(
                f"the parameter {name} is given twice", pointer=name, clause="6.3.20", remedy="give it once"
            )
        values[name] = TABLE[name].read(name, text)
    _check_together(values)
    _check_keywords(accepted, values)
    return Parameters(values)


_remembered = lru_cache(maxsize=1024)(_read)
"""Clients ask the same of many resources; what they asked stays the same object, by which more can be remembered."""


def split_query(query_string: str) -> list[tuple[str, str]]:
    """`a=1&b=%20` gives `[("a", "1"), ("b", " ")]`; a plus sign is a space, as forms send it."""
    if len(query_string) > QUERY_BYTES_MAX:
        raise InvalidRequest(
            f"the query string is over {QUERY_BYTES_MAX} bytes", clause="6.3.20",
            remedy="POST /ngsi-ld/v1/entityOperations/query takes long queries in its body",
        )  # fmt: skip
    pairs = []
    for part in query_string.split("&"):
        if part:
            name, _, text = part.partition("=")
            pairs.append((_decode(name), _decode(text)))
    return pairs


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise InvalidRequest(
            "the query string holds percent-encoded bytes that are no UTF-8", pointer=text[:100], clause="6.3.20",
            remedy="encode the value as UTF-8, then percent-encode it",
        ) from error  # fmt: skip


def _unknown(accepted: Accepted, name: str) -> InvalidRequest:
    known = ", ".join(sorted(accepted.names)) or "none"
    return InvalidRequest(
        f"the operation has no parameter '{name[:100]}'", pointer=name[:100], clause="6.3.20",
        remedy=f"its parameters: {known}",
    )  # fmt: skip


def _check_together(values: Mapping[str, Value]) -> None:
    for one, other, clause in _ALONE:
        if one in values and other in values:
            raise BadRequestData(
                f"{one} and {other} exclude each other", pointer=other, clause=clause, remedy=f"give {one} or {other}"
            )
    for one, needed, clause in _NEEDS:
        if one in values and needed not in values:
            raise BadRequestData(f"{one} needs {needed}", pointer=one, clause=clause, remedy=f"give {needed} as well")
    if values.get("limit") == 0 and not values.get("count"):
        raise BadRequestData(
            "limit=0 needs count=true", pointer="limit", clause="6.3.13", remedy="limit=0&count=true, or limit=1"
        )


def _check_keywords(accepted: Accepted, values: Mapping[str, Value]) -> None:
    for word in cast("tuple[str, ...]", values.get("options", ())):
        if word not in accepted.options:
            raise _no_keyword("options", word, accepted.options)
    given = cast("str | None", values.get("format"))
    if given is not None and given not in accepted.formats:
        raise _no_keyword("format", given, accepted.formats)


def _no_keyword(name: str, word: str, known: frozenset[str]) -> InvalidRequest:
    return InvalidRequest(
        f"the operation has no {name} value '{word[:100]}'", pointer=name, clause="6.3.20",
        remedy="its values: " + (", ".join(sorted(known)) or "none"),
    )  # fmt: skip
