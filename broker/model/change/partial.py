"""Partial Attribute Update: only the members that the fragment gives (clauses 5.5.8, 5.6.4)."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.model.change.attributes import hold, missing_attribute, missing_instance
from broker.model.change.entitywide import rebuilt
from broker.model.change.nulls import VALUE_MEMBERS, is_null, takes_away
from broker.model.change.stamps import Moment, added, by_dataset, regrouped, renewed, settled, unstamped
from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER, Entity, Instance, instances
from broker.model.values import Instant, Json


def partial_update(entity: Entity, name: str, fragment: Instance, now: Instant) -> Entity:
    """The entity with the instance of `name` that has the fragment's datasetId patched.

    `{"value": 100}` onto `{"type": "Property", "value": 25, "unitCode": "CEL"}` leaves the unitCode. Members that are
    `urn:ngsi-ld:null` go; a value that is, takes the instance away. Sub-attributes are replaced whole.

    Raises ResourceNotFound where there is no such instance and BadRequestData where it is of another kind
    (clause 5.6.4.4).
    """
    held = entity.document.get(name)
    if held is None:
        raise missing_attribute("5.6.4")
    dataset = fragment.get("datasetId")
    target = by_dataset(held).get(dataset)
    if target is None:
        raise missing_instance(dataset, "5.6.4")
    document = dict(entity.document)
    if takes_away(fragment):
        hold(document, name, [one for one in instances(held) if one is not target])
        return rebuilt(entity, document, entity.expires_at, now)
    require_kind(target, fragment, "5.6.4")
    patched = _patched(target, fragment, Moment.of(entity, now))
    document[name] = regrouped(held, [patched if one is target else one for one in instances(held)])
    return rebuilt(entity, document, entity.expires_at, now)


def require_kind(target: Instance, fragment: Instance, clause: str) -> None:
    """Raise BadRequestData where the fragment is, or holds the value of, another kind of attribute than the target."""
    kind = cast("str", target["type"])
    if fragment.get("type", kind) != kind or not (fragment.keys() & VALUE_MEMBERS) <= {VALUE_MEMBER[kind]}:
        raise other_kind(target, fragment, clause)


def other_kind(target: Instance, fragment: Instance, clause: str) -> BadRequestData:
    """The refusal where an attribute would change its kind; it points at what tells the other kind."""
    kind = cast("str", target["type"])
    others = (fragment.keys() & VALUE_MEMBERS) - {VALUE_MEMBER[kind]}
    return BadRequestData(
        f"The attribute is a {kind}, and its kind does not change in this operation.",
        pointer="/type" if "type" in fragment else f"/{min(others)}",
        clause=clause,
        remedy=f'Give it as a {kind} with "{VALUE_MEMBER[kind]}", or replace the attribute by PUT.',
    )


def _patched(old: Instance, fragment: Instance, moment: Moment) -> Instance:
    written = unstamped(old)
    for name, value in fragment.items():
        if name == "datasetId":
            continue
        if is_null(value):
            written.pop(name, None)
        elif name in INSTANCE_MEMBERS:
            written[name] = value
        else:
            left = _sub_instances(old.get(name), value, moment)
            written[name] = regrouped(old.get(name), left) if left else None
            if not left:
                del written[name]
    return settled(old, written, moment)


def _sub_instances(held: Json, value: Json, moment: Moment) -> list[Instance]:
    after = by_dataset(held)
    for one in instances(value):
        dataset = one.get("datasetId")
        if takes_away(one):
            after.pop(dataset, None)
        else:
            old = after.get(dataset)
            after[dataset] = added(one, moment) if old is None else renewed(old, one, moment)
    return list(after.values())
