"""Writing and deleting whole attributes (clauses 5.5.8, 5.6.2, 5.6.3, 5.6.5, 5.6.19, 5.6.21)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from broker.errors import ResourceNotFound
from broker.model.change.entitywide import NO_ATTRIBUTES, add_scopes, add_types, expiry, rebuilt, set_scope
from broker.model.change.nulls import takes_away
from broker.model.change.result import NotUpdated, UpdateResult
from broker.model.change.stamps import Moment, added, by_dataset, regrouped, renewed
from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.values import Instant, Json

NOTHING_TO_DELETE = "The entity has no such attribute instance to delete (clause 5.6.2)."
NO_SCOPE = "The entity has no scope that could be replaced (clause 5.6.2); append attributes adds one."
EXISTS = "The attribute instance exists already and noOverwrite was asked for (clause 5.6.3)."


def update(entity: Entity, fragment: Document, now: Instant) -> tuple[Entity, UpdateResult]:
    """Update Attributes: each attribute of the fragment replaces its instance, or is added (clause 5.6.2).

    `update(entity, {"https://…/speed": {"type": "Property", "value": 9}}, now)` leaves speed with that value and
    nothing else, the attribute's createdAt kept; the value `urn:ngsi-ld:null` deletes the instance. New types are
    added; a scope is replaced where there is one. The kind of an attribute may change.
    """
    document, result = _written(entity, fragment, now)
    _update_entity_members(document, fragment, result)
    return rebuilt(entity, document, expiry(entity, fragment), now), result


def append(entity: Entity, fragment: Document, now: Instant, *, overwrite: bool = True) -> tuple[Entity, UpdateResult]:
    """Append Attributes: what is new is added; what exists is replaced, or left alone without `overwrite`.

    New types are added. A scope replaces the entity's; without `overwrite` it is added to it (clause 5.6.3).
    """
    if overwrite:
        return _appended_over(entity, fragment, now)
    document = dict(entity.document)
    result = UpdateResult()
    moment = Moment.of(entity, now)
    for name, value in fragment.items():
        if name in NO_ATTRIBUTES:
            continue
        taken = by_dataset(document.get(name))
        new = [one for one in instances(value) if one.get("datasetId") not in taken]
        if new:
            document[name] = member([*taken.values(), *(added(one, moment) for one in new)])
            result.updated.append(name)
        if len(new) < len(instances(value)):
            result.not_updated.append(NotUpdated(name, EXISTS))
    _add_entity_members(document, fragment)
    expires_at = expiry(entity, fragment) if entity.expires_at is None else entity.expires_at
    return rebuilt(entity, document, expires_at, now), result


def _appended_over(entity: Entity, fragment: Document, now: Instant) -> tuple[Entity, UpdateResult]:
    document, result = _written(entity, fragment, now)
    if "type" in fragment:
        add_types(document, fragment)
    if "scope" in fragment:
        set_scope(document, fragment["scope"])
    return rebuilt(entity, document, expiry(entity, fragment), now), result


def _written(entity: Entity, fragment: Document, now: Instant) -> tuple[Document, UpdateResult]:
    """The document with the fragment's attributes in the place of its own, and what came of it."""
    document = dict(entity.document)
    result = UpdateResult()
    moment = Moment.of(entity, now)
    for name, value in fragment.items():
        if name in NO_ATTRIBUTES:
            continue
        held = document.get(name)
        # The one hot shape: one default instance in the place of one default instance.
        if type(value) is dict and type(held) is dict and value.get("datasetId") == held.get("datasetId"):
            if takes_away(value):
                del document[name]
            else:
                document[name] = renewed(held, value, moment)
            result.updated.append(name)
        else:
            _update_instances(document, name, value, moment, result)
    return document, result


def replace_attribute(entity: Entity, name: str, value: Json, now: Instant) -> Entity:
    """Replace Attribute: the new instance in the place of the one with the same datasetId (clause 5.6.19).

    `value` is one instance, or a list of them. Raises ResourceNotFound where there is none to replace.
    """
    held = by_dataset(entity.document.get(name))
    for one in instances(value):
        if one.get("datasetId") not in held:
            raise missing_instance(one.get("datasetId"), "5.6.19")
    document = dict(entity.document)
    document[name] = placed(document[name], instances(value), Moment.of(entity, now))
    return rebuilt(entity, document, entity.expires_at, now)


def delete_attribute(entity: Entity, name: str, now: Instant, *, dataset_id: str | None, delete_all: bool) -> Entity:
    """Delete Attribute: the default instance (None, or `@none`), the one of `dataset_id`, or all (clause 5.6.5).

    The name `scope` takes the entity's scope away. Raises ResourceNotFound where there is no such instance.
    """
    held = entity.document.get(name)
    if held is None or name in ("id", "type"):
        raise missing_attribute("5.6.5")
    document = dict(entity.document)
    if name == "scope" or delete_all:
        del document[name]
        return rebuilt(entity, document, entity.expires_at, now)
    wanted = None if dataset_id == "@none" else dataset_id
    if wanted not in by_dataset(held):
        raise missing_instance(wanted, "5.6.5")
    hold(document, name, [one for one in instances(held) if one.get("datasetId") != wanted])
    return rebuilt(entity, document, entity.expires_at, now)


def purge(entity: Entity, names: AbstractSet[str], now: Instant) -> Entity:
    """The entity without these attributes, `scope` among them where it is named (clause 5.6.21, `drop`)."""
    gone = names - {"id", "type"}
    document = {name: value for name, value in entity.document.items() if name not in gone}
    return rebuilt(entity, document, entity.expires_at, now)


def keep_only(entity: Entity, names: AbstractSet[str], now: Instant) -> Entity:
    """The entity with these attributes only; its id, type and scope stay (clause 5.6.21, `keep`)."""
    kept = names | ENTITY_MEMBERS
    document = {name: value for name, value in entity.document.items() if name in kept}
    return rebuilt(entity, document, entity.expires_at, now)


def written_over(held: Json, value: Json, moment: Moment) -> Json:
    """The attribute `value` and nothing else, with the createdAt of the instances it had before in `held`."""
    if type(value) is dict and type(held) is dict and value.get("datasetId") == held.get("datasetId"):
        return renewed(held, value, moment)
    before = by_dataset(held)
    return regrouped(held, [_placed_one(before.get(one.get("datasetId")), one, moment) for one in instances(value)])


def placed(held: Json, fresh: list[Instance], moment: Moment) -> Json:
    """The attribute after each of `fresh` took the place of its datasetId's instance, or came behind the others."""
    after = by_dataset(held)
    for one in fresh:
        dataset = one.get("datasetId")
        after[dataset] = _placed_one(after.get(dataset), one, moment)
    return regrouped(held, list(after.values()))


def hold(document: Document, name: str, left: list[Instance]) -> None:
    """Let the attribute have these instances; none: the attribute goes."""
    if left:
        document[name] = member(left)
    else:
        del document[name]


def missing_attribute(clause: str) -> ResourceNotFound:
    """The refusal where the entity lacks the attribute."""
    return ResourceNotFound(
        "The entity has no such attribute.",
        clause=clause,
        remedy="GET the entity to see its attributes; POST to /attrs adds one.",
    )


def missing_instance(dataset_id: Json, clause: str) -> ResourceNotFound:
    """The refusal where the attribute lacks the instance."""
    which = "default instance" if dataset_id is None else f"instance with the datasetId {dataset_id!r}"
    return ResourceNotFound(
        f"The attribute has no {which}.",
        clause=clause,
        remedy="Give the datasetId of an instance that the attribute has; POST to /attrs adds one.",
    )


def _placed_one(old: Instance | None, fresh: Instance, moment: Moment) -> Instance:
    return added(fresh, moment) if old is None else renewed(old, fresh, moment)


def _update_instances(document: Document, name: str, value: Json, moment: Moment, result: UpdateResult) -> None:
    """Each instance of `value` written, appended, or, where it is a null, deleted."""
    held = document.get(name)
    if isinstance(value, str):  # the null in short: it targets the default instance
        nulls: set[Json] = {None}
        fresh: list[Instance] = []
    else:
        nulls = {one.get("datasetId") for one in instances(value) if takes_away(one)}
        fresh = [one for one in instances(value) if not takes_away(one)]
    before = by_dataset(held)
    if fresh or nulls & before.keys():
        left = [one for one in instances(placed(held, fresh, moment)) if one.get("datasetId") not in nulls]
        document[name] = regrouped(held, left) if left else None
        if not left:
            del document[name]
        result.updated.append(name)
    if nulls - before.keys():
        result.not_updated.append(NotUpdated(name, NOTHING_TO_DELETE))


def _update_entity_members(document: Document, fragment: Document, result: UpdateResult) -> None:
    if "type" in fragment:
        add_types(document, fragment)
    if "scope" in fragment:
        if "scope" in document:
            set_scope(document, fragment["scope"])
            result.updated.append("scope")
        else:
            result.not_updated.append(NotUpdated("scope", NO_SCOPE))


def _add_entity_members(document: Document, fragment: Document) -> None:
    if "type" in fragment:
        add_types(document, fragment)
    if "scope" in fragment:
        add_scopes(document, fragment["scope"])
