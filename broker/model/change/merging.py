"""Merge Entity: a patch that goes into values, at every depth (clauses 5.5.12, 5.6.17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from broker.errors import BadRequestData, NgsiError
from broker.model.change.attributes import hold
from broker.model.change.entitywide import NO_ATTRIBUTES, add_types, expiry, rebuilt, set_scope
from broker.model.change.nulls import is_null, stripped, takes_away, without_nulls
from broker.model.change.partial import other_kind
from broker.model.change.result import UpdateResult
from broker.model.change.sameness import same
from broker.model.change.stamps import Moment, added, by_dataset, regrouped, settled, unstamped
from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER, Document, Entity, Instance, instances, sub_attributes
from broker.model.kinds import RELATIONSHIPS
from broker.model.names import is_language, is_uri
from broker.model.values import Instant, Json

_DEEP = frozenset({"value", "json", "languageMap"})


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What the request says beside its body.

    `observed_at` (DateTime text) for instances that had an observedAt and get none; `lang` for the key of a language
    map that is given as text; `simplified`: the body's kinds are guesses, those of the entity hold; `expand_value`
    gives the IRI of a vocabulary term in a simplified body.
    """

    observed_at: str | None = None
    lang: str | None = None
    simplified: bool = False
    expand_value: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if self.lang is not None and not is_language(self.lang):
            raise BadRequestData(
                f"{self.lang[:40]!r} is no language tag.", pointer="lang", clause="6.5.3.4", remedy="Give one: lang=ja."
            )


NO_OPTIONS = MergeOptions()


def merge(
    entity: Entity, fragment: Document, now: Instant, options: MergeOptions = NO_OPTIONS
) -> tuple[Entity, UpdateResult]:
    """The entity with the fragment merged in.

    `{"https://…/address": {"type": "Property", "value": {"street": "b", "country": "urn:ngsi-ld:null"}}}` changes one
    member of the value, takes one away and leaves the rest, unitCode and sub-attributes included. Nulls of what is
    not there are ignored. Merging the same fragment twice is merging it once.

    Raises BadRequestData where an instance is of another kind (clause 6.5.3.4).
    """
    document = dict(entity.document)
    result = UpdateResult()
    moment = Moment.of(entity, now)
    for name, value in fragment.items():
        if name in NO_ATTRIBUTES:
            continue
        try:
            _merge_attribute(document, name, value, moment, options)
        except NgsiError as refusal:
            refusal.pointer = f"/{name.replace('~', '~0').replace('/', '~1')}{refusal.pointer}"
            raise
        result.updated.append(name)
    if "type" in fragment:
        add_types(document, fragment)
    if "scope" in fragment:
        set_scope(document, fragment["scope"])
    return rebuilt(entity, document, expiry(entity, fragment), now), result


def _merge_attribute(holder: Document, name: str, value: Json, moment: Moment, options: MergeOptions) -> None:
    """Merge one attribute, or sub-attribute, into the entity or instance that holds it."""
    held = holder.get(name)
    after = by_dataset(held)
    if isinstance(value, str):  # the null in short: it targets the default instance
        after.pop(None, None)
    else:
        for one in instances(value):
            _merge_one(after, one, moment, options)
    left = list(after.values())
    if left:
        holder[name] = regrouped(held, left)
    elif held is not None:
        hold(holder, name, left)


def _merge_one(after: dict[Json, Instance], fresh: Instance, moment: Moment, options: MergeOptions) -> None:
    dataset = fresh.get("datasetId")
    old = after.get(dataset)
    if takes_away(fresh):
        after.pop(dataset, None)
    elif old is None:
        after[dataset] = added(_complete(stripped(fresh)), moment)
    else:
        after[dataset] = _merged(old, _in_kind_of(old, fresh, options), moment, options)


def _complete(fresh: Instance) -> Instance:
    """The instance, if it can stand by itself. Raises BadRequestData where it, or a sub-attribute, has no value."""
    kind = fresh.get("type")
    if not isinstance(kind, str) or VALUE_MEMBER[kind] not in fresh:
        raise BadRequestData(
            "The entity has no such attribute instance yet, and this one has no value.",
            clause="5.6.17",
            remedy='Give the attribute a value: {"type": "Property", "value": 1}.',
        )
    for _, found in sub_attributes(fresh):
        for one in found:
            _complete(one)
    return fresh


def _merged(old: Instance, fresh: Instance, moment: Moment, options: MergeOptions) -> Instance:
    written = unstamped(old)
    for name, value in fresh.items():
        if name == "datasetId":
            continue
        if name not in INSTANCE_MEMBERS:
            _merge_attribute(written, name, value, moment, options)
        elif is_null(value):
            written.pop(name, None)
        elif name in _DEEP and old["type"] != "GeoProperty":
            written[name] = _patched(written.get(name), value)
        else:
            written[name] = value
    if options.observed_at is not None and "observedAt" in old and "observedAt" not in fresh:
        written["observedAt"] = options.observed_at
    return settled(old, written, moment)


def _patched(target: Json, patch: Json) -> Json:
    """JSON Merge Patch (RFC 7396) with the NGSI-LD Null for null; the target itself where nothing changes."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict):
        return without_nulls(patch)
    result = dict(target)
    for name, value in patch.items():
        if is_null(value):
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return target if same(target, result) else result


def _in_kind_of(old: Instance, fresh: Instance, options: MergeOptions) -> Instance:
    """The fragment's instance as one of the target's kind.

    Raises BadRequestData where it cannot be one.
    """
    kind = cast("str", old["type"])
    if fresh.get("type", kind) == kind:
        return fresh
    given = fresh.get("value")
    in_a_language = kind == "LanguageProperty" and isinstance(given, str | list)
    if fresh["type"] == "Property" and (options.simplified or (options.lang is not None and in_a_language)):
        converted = _converted(kind, given, options)
        if converted is not None:
            rest = {name: value for name, value in fresh.items() if name != "value"}
            return {**rest, "type": kind, VALUE_MEMBER[kind]: converted}
    raise other_kind(old, fresh, "5.6.17")


def _converted(kind: str, value: Json, options: MergeOptions) -> Json:
    """A simplified value as the value of this kind; None where it is none (clause 4.5.4)."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    all_text = bool(texts) and all(isinstance(one, str) for one in texts)
    if kind == "LanguageProperty" and all_text:
        return {options.lang or "@none": value}
    if kind in RELATIONSHIPS:
        if not (all_text and all(is_uri(cast("str", one)) for one in texts)):
            return None
        return value if kind == "Relationship" else [{"object": one} for one in texts]
    if kind == "VocabProperty" and all_text:
        expand = options.expand_value or str
        expanded: list[Json] = [expand(cast("str", one)) for one in texts]
        return expanded[0] if isinstance(value, str) else expanded
    if kind == "ListProperty" and isinstance(value, list):
        return value
    return value if kind == "JsonProperty" else None
