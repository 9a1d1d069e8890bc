"""Who contributes to a data set: persons who allowed it for the purpose of who asks, with one value each.

A consent to any granularity of the item will do, for a total is coarser than all of them (`…@aggregate` allows totals
alone). Rows are finer than totals: in them are those alone who allowed single values (`raw`). Where data are about
several persons, each must have allowed it, and they contribute together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.errors import BadRequestData, Forbidden
from broker.model.entity import instances
from broker.model.subjects import DATA_SUBJECT, subjects_of, whose
from broker.model.values import Instant, Json, to_instant
from broker.ports import Clock, Principal
from broker.ports.consents import ANY, GRANULARITIES, Consents, Grant, Grants
from broker.ports.hub import Hub
from datamodels.library import Library
from datamodels.source import Model
from services.safe.configured import Dataset

SEEN: Final = "observedAt"


@dataclass(frozen=True, slots=True)
class Person:
    """A contributor: the mean of their values, and other attributes by name, as text."""

    who: str
    value: float
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A data set in the words of its model: IRIs of its type, of its attribute, and of the others by name."""

    type: str
    attribute: str
    special: bool
    others: Mapping[str, str]
    rows: bool = False
    """Whether single values are wanted, however coarse, and not only totals."""


class People:
    """See the module."""

    def __init__(self, hub: Hub, consents: Consents, clock: Clock) -> None:
        self._hub, self._consents, self._clock = hub, consents, clock

    def of(self, tenant: str, principal: Principal, wanted: Wanted) -> list[Person]:
        """Contributors, in the order of their names. Raises Forbidden for who says no purpose."""
        if not principal.recipient or not principal.purposes:
            raise Forbidden(
                "totals are for organisations, for a purpose", remedy="a token of a recipient that states its purpose"
            )
        purposes = sorted(principal.purposes)
        grants = [self._consents.grants(tenant, principal.recipient, frozenset({one})) for one in purposes]
        found: dict[str, tuple[list[float], dict[str, str]]] = {}
        for entity in self._hub.query(tenant, wanted.type):
            for subjects, instance in _measured(entity, wanted.attribute):
                if any(self._allowed(one, subjects, wanted, instance) for one in grants):
                    values, about = found.setdefault(" ".join(sorted(subjects)), ([], {}))
                    values.append(float(cast("float", instance["value"])))
                    about.update(_about(entity, instance, wanted.others))
        return [Person(who, sum(held) / len(held), about) for who, (held, about) in sorted(found.items())]

    def _allowed(self, grants: Grants, subjects: frozenset[str], wanted: Wanted, instance: Mapping[str, Json]) -> bool:
        now, at = self._clock.now(), to_instant(str(instance.get(SEEN, "")))
        return all(
            any(
                _covers(grant, wanted) and _holds(grant, now, now if at is None else at)
                for grant in grants.of(subject, wanted.type, wanted.attribute)
            )
            for subject in subjects
        )


def understood(library: Library, dataset: Dataset, *, rows: bool = False) -> Wanted:
    """The data set as its model has it. Raises BadRequestData where no installed package knows it."""
    models: list[Model] = [model for _, model in library.named(dataset.type)]
    model = next((one for one in models if dataset.attribute in one.attributes), None)
    if model is None:
        raise BadRequestData(
            f"no installed package knows {dataset.item}", pointer="/dataset", remedy="install the package of that model"
        )
    names = {*dataset.groups, *dataset.quasi} - {SEEN}
    others = {name: model.attributes[name].iri for name in sorted(names & model.attributes.keys())}
    attribute = model.attributes[dataset.attribute]
    return Wanted(model.iri, attribute.iri, attribute.personal == "special-care", others, rows)


def _measured(entity: Mapping[str, Json], attribute: str) -> Iterator[tuple[frozenset[str], dict[str, Any]]]:
    """Numbers of an attribute, each with whom it is about; what is about nobody is nobody's to allow."""
    of_entity = whose(entity)
    for instance in instances(entity.get(attribute)):
        value = instance.get("value")
        subjects = subjects_of(instance[DATA_SUBJECT]) if DATA_SUBJECT in instance else of_entity
        if subjects and isinstance(value, int | float) and not isinstance(value, bool):
            yield subjects, instance


def _about(entity: Mapping[str, Json], instance: Mapping[str, Json], others: Mapping[str, str]) -> dict[str, str]:
    found = {SEEN: str(instance.get(SEEN, ""))}
    for name, iri in others.items():
        held = instances(entity.get(iri))
        value = next((one[member] for one in held for member in ("value", "vocab", "object") if member in one), "")
        found[name] = value if isinstance(value, str) else str(value)
    return found


def _covers(grant: Grant, wanted: Wanted) -> bool:
    return any(
        item.type == wanted.type
        and (item.granularity == GRANULARITIES[0] or not wanted.rows)
        and (item.attribute == wanted.attribute or (item.attribute == ANY and not wanted.special))
        for item in grant.items
    )


def _holds(grant: Grant, now: Instant, at: Instant) -> bool:
    if not grant.since <= now or (grant.until is not None and now >= grant.until):
        return False
    return not (
        (grant.covers_from is not None and at < grant.covers_from)
        or (grant.covers_to is not None and at >= grant.covers_to)
    )
