"""Which attributes of which entities command devices, as an adapter claims them, and whether two claims clash. Pure.

    {"key": "9f86d0…",                             64 hexadecimal digits: with them this adapter's commands are sealed
     "rows": [{"commands": {"https://…/EVChargingStation": ["https://…/chargingLimit"]},     attributes by entity type
               "entities": ["urn:ngsi-ld:EVChargingStation:misono:c1"]}]}

A tenant's claims are one document, adapter -> claim, so that who comes second is told in the same transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias, cast

from broker.errors import BadRequestData
from broker.model.names import is_uri
from broker.model.values import Json

ROWS_MAX: Final = 1_000
TYPES_MAX: Final = 100
ATTRIBUTES_MAX: Final = 100
ENTITIES_MAX: Final = 50_000
"""Of one tenant, all adapters together."""
ADAPTERS_MAX: Final = 256
CHARS_MAX: Final = 6 << 20
"""Of all ids and names of one tenant's claims: they are one document, and a server takes none beyond 16 MB."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS: Final = frozenset({"key", "rows"})
_ROW: Final = frozenset({"commands", "entities"})
Place: TypeAlias = tuple[str, str]
"""An entity's id and an attribute (IRI)."""


@dataclass(frozen=True, slots=True)
class Row:
    """Entities that are commanded alike: entity type (IRI) -> attributes (IRIs)."""

    commands: Mapping[str, tuple[str, ...]]
    entities: tuple[str, ...]

    @property
    def attributes(self) -> frozenset[str]:
        """All of them."""
        return frozenset(one for each in self.commands.values() for one in each)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one adapter claims. The key is a secret: `fingerprint` tells two apart without saying either."""

    key: str
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        return f"Claim(fingerprint={self.fingerprint}, rows={len(self.rows)})"

    @property
    def fingerprint(self) -> str:
        """The beginning of the key's SHA-256."""
        return hashlib.sha256(bytes.fromhex(self.key)).hexdigest()[:12]

    @property
    def size(self) -> tuple[int, int]:
        """How many entities, and how many characters of ids and names."""
        entities = sum(len(row.entities) for row in self.rows)
        chars = sum(len(one) for row in self.rows for one in (*row.entities, *row.commands, *row.attributes))
        return entities, chars

    def without(self, entity_id: str) -> Claim:
        """The rest of it."""
        rows = (Row(row.commands, tuple(one for one in row.entities if one != entity_id)) for row in self.rows)
        return Claim(self.key, tuple(row for row in rows if row.entities))

    def body(self) -> dict[str, Json]:
        """As it is kept, and as `read_claim` takes it."""
        rows: list[Json] = [
            {"commands": {name: list(each) for name, each in row.commands.items()}, "entities": list(row.entities)}
            for row in self.rows
        ]
        return {"key": self.key, "rows": rows}


def read_claim(body: Json) -> Claim:
    """A claim that somebody sent. Raises BadRequestData, which never says the key."""
    if not isinstance(body, dict) or set(body) != _MEMBERS:
        _refuse("a claim has a key and rows, and nothing else", "", '{"key": "64 hexadecimal digits", "rows": […]}')
    key, rows = body["key"], body["rows"]
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        _refuse("the key is none", "/key", "64 hexadecimal digits, small letters, of a random number")
    if not isinstance(rows, list) or not 0 < len(rows) <= ROWS_MAX:
        _refuse("the rows are none", "/rows", f"a list of 1 to {ROWS_MAX}; to claim nothing, DELETE the claim")
    return Claim(key, tuple(_row(one, f"/rows/{place}") for place, one in enumerate(rows)))


def kept_claim(body: Mapping[str, Json]) -> Claim:
    """A claim as it is kept: it was looked at when it came."""
    rows = cast("list[dict[str, Json]]", body["rows"])
    return Claim(str(body["key"]), tuple(_kept_row(one) for one in rows))


def read_name(name: str) -> str:
    """The name of an adapter. Raises BadRequestData."""
    if not _NAME.fullmatch(name):
        _refuse("this is no adapter's name", "adapter", "small letters, digits and hyphens, 64 at most")
    return name


def clash(claim: Claim, other: Claim) -> Place | None:
    """What both claim, of whatever type the entity is; None where they are apart."""
    for mine in claim.rows:
        for theirs in other.rows:
            both = mine.attributes & theirs.attributes
            if both and (shared := set(mine.entities).intersection(theirs.entities)):
                return min(shared), min(both)
    return None


def _kept_row(one: Mapping[str, Json]) -> Row:
    commands = cast("dict[str, list[str]]", one["commands"])
    return Row({name: tuple(each) for name, each in commands.items()}, tuple(cast("list[str]", one["entities"])))


def _row(said: Json, where: str) -> Row:
    if not isinstance(said, dict) or set(said) != _ROW:
        _refuse("a row has commands and entities", where, '{"commands": {type: [attribute]}, "entities": [id]}')
    commands, entities = said["commands"], said["entities"]
    if not isinstance(commands, dict) or not 0 < len(commands) <= TYPES_MAX:
        _refuse("the commands are none", f"{where}/commands", f"attributes by entity type, {TYPES_MAX} types at most")
    if not isinstance(entities, list) or not 0 < len(entities) <= ENTITIES_MAX:
        _refuse("the entities are none", f"{where}/entities", f"a list of 1 to {ENTITIES_MAX} ids")
    _require_uris([*commands], f"{where}/commands")
    read = {name: _attributes(each, f"{where}/commands") for name, each in commands.items()}
    return Row(read, tuple(_require_uris(entities, f"{where}/entities")))


def _attributes(said: Json, where: str) -> tuple[str, ...]:
    if not isinstance(said, list) or not 0 < len(said) <= ATTRIBUTES_MAX:
        _refuse("the attributes are none", where, f"a list of 1 to {ATTRIBUTES_MAX} IRIs")
    return tuple(_require_uris(said, where))


def _require_uris(said: list[Json] | list[str], where: str) -> list[str]:
    found = [one for one in said if isinstance(one, str) and is_uri(one)]
    if len(found) != len(said):
        _refuse("not all of these are URIs", where, "whole ones: no @context is asked")
    if len(set(found)) != len(found):
        _refuse("one is there twice", where, "each once")
    return found


def _refuse(what: str, pointer: str, remedy: str) -> NoReturn:
    raise BadRequestData(what, pointer=pointer, remedy=remedy)
