"""Histories as they are answered: normalized, concise, simplified, aggregated (clauses 4.5.6 to 4.5.9, 4.5.19).

normalized        {"temperature": [{"type": "Property", "value": 20.5, "observedAt": "…Z", "instanceId": "urn:…"}]}
temporalValues    {"temperature": {"type": "Property", "values": [[20.5, "…Z"]]}}
aggregatedValues  {"temperature": {"type": "Property", "avg": [[20.5, "…Z", "…Z"]]}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from broker.encode.entity import Format, Representation, encode_instance, encode_value, short_text
from broker.ldcontext.active import ActiveContext
from broker.model.entity import VALUE_MEMBER, Instance
from broker.model.evolution import Evolution, Period
from broker.model.values import Json, to_text
from broker.query.projection import Projection

TemporalFormat: TypeAlias = Literal["normalized", "concise", "temporalValues", "aggregatedValues"]

_PLAIN = frozenset({"type", "value", "object", "unitCode", "observedAt", "datasetId", "instanceId", "deletedAt"})
_SYSTEM = frozenset({"createdAt", "modifiedAt"})
_TIMES = ("createdAt", "modifiedAt", "deletedAt")
_KNOWN = _PLAIN | _SYSTEM


@dataclass(frozen=True, slots=True)
class TemporalRepresentation:
    """How histories are shown: `timeproperty` is the time beside each value, and always shown with an instance."""

    format: TemporalFormat = "normalized"
    sys_attrs: bool = False
    lang: str | None = None
    timeproperty: str = "observedAt"
    projection: Projection | None = None

    def gives(self, name: str) -> bool:
        """Whether a member of the entity is given."""
        return self.projection is None or self.projection.gives(name)


def encode_evolution(
    evolution: Evolution, representation: TemporalRepresentation, names: ActiveContext
) -> dict[str, Json]:
    """The evolution in a representation, names compacted; no @context. Empty where a projection leaves nothing."""
    gives = representation.gives
    shown: dict[str, Json] = {}
    if gives("id"):
        shown["id"] = evolution.id
    if gives("type"):
        types: list[Json] = [names.terms[one] for one in evolution.types]
        shown["type"] = types[0] if len(types) == 1 else types
    if representation.sys_attrs:
        _put_system_members(shown, evolution, representation)
    members = _members(evolution, representation, names)
    for name, value in members.items():
        if gives(name):
            shown[name if name == "scope" else names.terms[name]] = value
    return shown


def _put_system_members(shown: dict[str, Json], evolution: Evolution, representation: TemporalRepresentation) -> None:
    times = {
        "createdAt": evolution.created_at,
        "modifiedAt": evolution.modified_at,
        "deletedAt": evolution.deleted_at,
    }
    for name, instant in times.items():
        if instant is not None and representation.gives(name):
            shown[name] = to_text(instant)


def _members(evolution: Evolution, representation: TemporalRepresentation, names: ActiveContext) -> dict[str, Json]:
    """Each attribute's IRI with its history."""
    if representation.format == "aggregatedValues":
        return {
            name: _aggregated(evolution.kinds.get(name, "Property"), methods)
            for name, methods in evolution.aggregated.items()
        }
    writer = _Writer(representation, names, to_text(evolution.created_at) if representation.sys_attrs else None)
    if representation.format != "temporalValues":
        return {name: writer.instances(found) for name, found in evolution.attributes.items()}
    return {
        name: writer.series(found) if found else _one_series(evolution.kinds.get(name, "Property"), None, [])
        for name, found in evolution.attributes.items()
    }


class _Writer:
    """Writes the instances of one evolution; `created` is its createdAt, where system attributes are shown."""

    def __init__(self, shape: TemporalRepresentation, names: ActiveContext, created: str | None) -> None:
        self._names = names
        self._created = created
        self._timeproperty = shape.timeproperty
        self._lang = shape.lang
        self._left_out = frozenset() if shape.sys_attrs else _SYSTEM - {shape.timeproperty}
        self._is_plain = shape.format == "normalized" and not shape.lang
        inner: Format = "simplified" if shape.format == "temporalValues" else "normalized"
        self._inner = Representation("concise" if shape.format == "concise" else inner, shape.sys_attrs, shape.lang)

    def instances(self, found: Sequence[Instance]) -> Json:
        """Instances, always in a list: there may be another one any time (clause 4.5.7)."""
        return [self._instance(one) for one in found]

    def _instance(self, instance: Instance) -> Json:
        left_out = self._left_out
        if self._is_plain and _KNOWN.issuperset(instance):
            return {name: value for name, value in instance.items() if name not in left_out}
        shown = cast("dict[str, Json]", encode_instance(instance, self._inner, self._names, self._created))
        for name in _TIMES:
            if name in instance and name not in left_out:
                shown[name] = instance[name]
        return shown

    def series(self, found: Sequence[Instance]) -> Json:
        """Pairs of value and time, a series for each dataset and kind: one alone, or a list of them (clause 4.5.9)."""
        series: dict[tuple[str, Json], list[Json]] = {}
        for one in found:
            kind = str(one["type"])
            if kind == "LanguageProperty" and self._lang:
                kind = "Property"
            pair: list[Json] = [encode_value(one, self._inner, self._names), self._time(one)]
            series.setdefault((kind, one.get("datasetId")), []).append(pair)
        shown: list[Json] = [_one_series(kind, dataset, pairs) for (kind, dataset), pairs in series.items()]
        return shown[0] if len(shown) == 1 else shown

    def _time(self, instance: Instance) -> Json:
        """The instance's time: where it has not the one asked for, when it was deleted, else when it was written."""
        return next((instance[name] for name in (self._timeproperty, "deletedAt", "createdAt") if name in instance), "")


def _one_series(kind: str, dataset: Json, pairs: list[Json]) -> dict[str, Json]:
    shown: dict[str, Json] = {"type": kind}
    if dataset is not None:
        shown["datasetId"] = dataset
    shown[VALUE_MEMBER[kind] + "s"] = pairs
    return shown


def _aggregated(kind: str, methods: Mapping[str, Sequence[Period]]) -> Json:
    shown: dict[str, Json] = {"type": kind}
    edges = {edge for periods in methods.values() for one in periods for edge in (one.start, one.end)}
    texts = {edge: short_text(edge) for edge in edges}  # periods share their edges, methods their periods
    for method, periods in methods.items():
        shown[method] = [[one.value, texts[one.start], texts[one.end]] for one in periods]
    return shown
