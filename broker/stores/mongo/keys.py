r"""What an entity's document says beside its text, so that a server can find it without reading that.

`k` holds strings, under one index {t, k, o}. A digest is eight characters that stand for a name or a path; two names
may share one, and long texts are cut: what is found is a superset, and `query.match` decides.

    *                                       every entity has it: all of a tenant, in order of creation
    thttps://…/House                        a type
    s/misono/east  S/misono  S/misono/east  a scope; itself and each scope above it
    a<digest of https://…/speed>            an attribute
    u<digest of https://…/speed>            it has more values than are here
    v<digest of a path>n<number>            a scalar value: a number (also an observedAt), s a text, b0 and b1
    w<pseudonym>                            whom it, or an instance of it, is about
    g2<cell>, G2<cell>                      where its GeoProperties are (`cells.py`)

Values stand in their order, `b` is the box around the entity's GeoProperties, `f` a digest of its form, `s` and `z`
whom it concerns and how sensitive it is.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Final, cast

import orjson

from broker.model.entity import ENTITY_MEMBERS, Document, as_list, instances
from broker.model.geometry import Bounds, Geometry, bounds
from broker.model.values import Json, Scalar, to_instant
from broker.ports import Labels
from broker.query.leaves import INSTANCE_LEAF, SUB, leaves
from broker.stores.forms import Form, form_of, form_text
from broker.stores.mongo.cells import cell_keys
from broker.stores.mongo.connection import Bson
from broker.stores.naming import named_in

EVERY: Final = "*"
SUBJECT: Final = "w"
SUBJECT_MAX: Final = 200
NAMED: Final = "y1"
"""The member of documents of the trail that holds whom they name."""
TEXT_MAX: Final = 48
OBSERVED_AT: Final = SUB + INSTANCE_LEAF
PLAIN_MAX: Final = 256  # attributes; of a larger entity `leaves` says which have too many values
_SCALARS: Final = frozenset({str, int, float, bool})
_DOUBLE: Final = Struct(">d")
_BITS: Final = Struct(">Q")
_SIGN: Final = 1 << 63
_ALL: Final = (1 << 64) - 1
_FLOAT_MAX: Final = 1.7976931348623157e308
_IN_ORDER: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
)


def index_members(document: Document, labels: Labels) -> Bson:
    """`{"k": ["*", "thttps://…/House", …], "f": "KMz2OR_96Wg", "b": {"w": 8.5, …}, "s": [3], "z": ["personal"]}`.

    `b`, `s` and `z` are absent where there is nothing to say.
    """
    form = form_of(document)
    found = {*_heads(form, _scopes(document.get("scope"))), *_values(document)}
    found.update(map(subject_key, named_in(document)))
    places = list(_places(document))
    for box in places:
        found.update(cell_keys(box))
    members: Bson = {"k": sorted(found), "f": form_digest(form)}
    if places:
        members["b"] = _around(places)
    if labels.of:
        members["s"] = sorted({subject for subject, _ in labels.of.values()})
        members["z"] = sorted({label for _, label in labels.of.values()})
    return members


@lru_cache(maxsize=2_000)
def form_digest(form: Form) -> str:
    """A form in eleven characters."""
    return _short(orjson.dumps(form_text(form)), 8)


@lru_cache(maxsize=20_000)
def digest(name: str) -> str:
    """A name or a path in eight characters."""
    return _short(name.encode(), 6)


def type_key(iri: str) -> str:
    """Of a type."""
    return "t" + iri


def attribute_key(name: str) -> str:
    """Of an attribute, whatever its value."""
    return "a" + digest(name)


def uncovered_key(name: str) -> str:
    """Of an attribute with values that have no key."""
    return "u" + digest(name)


def scope_key(scope: str, *, below: bool = False) -> str:
    """Of a scope; `below`: of it and of every scope below it."""
    return ("S" if below else "s") + scope.strip("/")


def value_head(path_key: str) -> str:
    """What all keys of values on a path begin with."""
    return "v" + digest(path_key)


def value_key(value: Scalar) -> str:
    """What follows the head: `n…`, `s…`, `b0` or `b1`."""
    match value:
        case bool():
            return "b1" if value else "b0"
        case str():
            return "s" + (value if len(value) <= TEXT_MAX else value[:TEXT_MAX] + digest(value))
        case _:
            return "n" + number_key(value)


@lru_cache(maxsize=8_192)
def number_key(number: float) -> str:
    """A number as text that stands in the order of numbers; integers of more than 53 bits are rounded."""
    try:
        double = float(number) + 0.0  # -0.0 becomes 0.0
    except OverflowError:
        double = _FLOAT_MAX if number > 0 else -_FLOAT_MAX
    (bits,) = _BITS.unpack(_DOUBLE.pack(double))
    ordered = bits ^ _ALL if bits & _SIGN else bits | _SIGN
    return b64encode(_BITS.pack(ordered) + b"\0").translate(_IN_ORDER).rstrip(b"-").decode()


def _scopes(scope: Json) -> tuple[str, ...]:
    return () if scope is None else tuple(as_list(scope))


@lru_cache(maxsize=4_096)
def subject_key(subject: str) -> str:
    """The key of entities that are about a person, or of which an instance is."""
    return SUBJECT + subject[:SUBJECT_MAX]


def named_members(documents: Iterable[Mapping[str, Json] | None]) -> Bson:
    """`{"y1": [pseudonyms]}`, whom documents or parts of them name; nothing where nobody is named."""
    found: set[str] = set()
    for document in documents:
        if document is not None:
            found |= named_in(document)
    return {NAMED: sorted(found)} if found else {}


def _heads(form: Form, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of types, scopes and attributes."""
    types, names, _ = form
    found = [EVERY, *(type_key(iri) for iri in ([types] if isinstance(types, str) else types))]
    for scope in scopes:
        levels = scope.strip("/").split("/")
        found += [scope_key(scope), scope_key("", below=True)]
        found += [scope_key("/".join(levels[:end]), below=True) for end in range(1, len(levels) + 1)]
    return (*found, *(attribute_key(name) for name in names if name not in ENTITY_MEMBERS))


def _values(document: Document) -> list[str]:
    keys: list[str] = []
    rest = _plain(document, keys) if len(document) <= PLAIN_MAX else document
    if rest:
        found, uncovered = leaves(rest)
        keys += [uncovered_key(name) for name in uncovered]
        for _, path, value, _ordered in found:
            if value is not None:
                is_time = path.endswith(OBSERVED_AT)
                keys.append(_time_key(path, cast(str, value)) if is_time else value_head(path) + value_key(value))
    return keys


def _plain(document: Document, keys: list[str]) -> Document:
    """Add what most devices send: Properties of one scalar, Relationships to one entity; give the other attributes.

    What it does is what `leaves` would; it is written out because every write comes through here.
    """
    rest: Document = {}
    for name, held in document.items():
        if type(held) is not dict:
            if name not in ENTITY_MEMBERS:
                rest[name] = held
            continue
        value, observed = held.get("value"), held.get("observedAt")
        size = len(held) - (observed is not None) - ("unitCode" in held)
        if size == 2 and held["type"] == "Property" and type(value) in _SCALARS:  # noqa: PLR2004 - type and value
            keys.append(value_head(name) + value_key(cast(Scalar, value)))
            if observed is not None:
                keys.append(_time_key(name + OBSERVED_AT, cast(str, observed)))
        elif len(held) == 2 and type(uri := held.get("object")) is str:  # noqa: PLR2004 - type and object
            keys.append(value_head(name) + value_key(uri))
        else:
            rest[name] = held
    return rest


@lru_cache(maxsize=8_192)  # devices that report together say the same time
def _time_key(path: str, text: str) -> str:
    """Of an observedAt: the instant where it is one."""
    instant = to_instant(text)
    return value_head(path) + value_key(text if instant is None else instant)


def _places(document: Document) -> Iterator[Bounds]:
    for name, held in document.items():
        if type(held) is not str and name not in ENTITY_MEMBERS:
            for instance in (held,) if type(held) is dict else instances(held):
                if instance["type"] == "GeoProperty" and "value" in instance:
                    yield bounds(cast(Geometry, instance["value"]))


def _around(places: list[Bounds]) -> dict[str, float]:
    west, south, east, north = zip(*places, strict=True)
    return {"w": float(min(west)), "s": float(min(south)), "e": float(max(east)), "n": float(max(north))}


def _short(text: bytes, size: int) -> str:
    return b64encode(blake2b(text, digest_size=size).digest(), b"-_").rstrip(b"=").decode()
