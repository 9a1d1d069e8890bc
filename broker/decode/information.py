"""What a source may know, from the `information` of a registration (clauses 5.2.8, 5.2.10)."""

from __future__ import annotations

from typing import Final

from broker.decode.given import Given, standing_at
from broker.decode.reading import Reading, attribute_iri, refusal
from broker.ldcontext.active import ActiveContext
from broker.model.registration import EntityInfo, Information
from broker.query.ids import parse_id_pattern

_PARTS: Final = ("entities", "propertyNames", "relationshipNames")


def decode_information(given: Given, names: ActiveContext) -> tuple[Information, ...]:
    """RegistrationInfo elements, one or more, names expanded. Raises BadRequestData."""
    return tuple(_one(one, names) for one in given.each())


def _one(given: Given, names: ActiveContext) -> Information:
    held = given.members()
    if not any(name in held for name in _PARTS):
        raise refusal("This is about nothing.", given.pointer, "5.2.10", "one of: " + ", ".join(_PARTS))
    entities = tuple(_entity(one, names) for one in given.member("entities").each()) if "entities" in held else ()
    return Information(
        entities, _attributes(given, "propertyNames", names), _attributes(given, "relationshipNames", names)
    )


def _attributes(given: Given, member: str, names: ActiveContext) -> tuple[str, ...]:
    if member not in given.members():
        return ()
    each = given.member(member).each()
    return tuple(dict.fromkeys(attribute_iri(one.text(), one.pointer, Reading(names)) for one in each))


def _entity(given: Given, names: ActiveContext) -> EntityInfo:
    held = given.members()
    found = given.member("id").uri() if "id" in held else None
    if "type" not in held and found is None:
        raise refusal("The member 'type' is missing.", given.pointer + "/type", "5.2.8", "a type, or an id")
    pattern = None
    if "idPattern" in held:
        where = given.member("idPattern")
        pattern = where.text()
        with standing_at(where):
            parse_id_pattern(pattern)
    return EntityInfo(_types(given, names) if "type" in held else (), found, None if found is not None else pattern)


def _types(given: Given, names: ActiveContext) -> tuple[str, ...]:
    where = given.member("type")
    each = where.each() if isinstance(where.value, list) else [where]
    return tuple(dict.fromkeys(names.expand(one.text(), one.pointer) for one in each))
