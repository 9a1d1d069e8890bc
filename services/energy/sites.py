"""The sites of the community, as their entities tell: who takes part, through which router, with which legs.

EnergyCommunity.hasMember -> EnergyProsumer.controls -> DigitalGridRouter <- DigitalGridLeg.refRouter (legRole)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.model.entity import instances
from broker.model.values import Json
from broker.ports.hub import Hub

DEF: Final = "https://misono.example/def/"
ROUTER, LEG = DEF + "DigitalGridRouter", DEF + "DigitalGridLeg"
SDM_ENERGY: Final = "https://smartdatamodels.org/dataModel.EnergyCommunity/"


@dataclass(frozen=True, slots=True)
class Site:
    """A house or a shop. `legs` are the ids of its router's legs by role (`utility`, `interchange`, `pv`, …)."""

    participant: str
    router: str
    legs: Mapping[str, str] = field(default_factory=dict)


def related(entity: Mapping[str, Json], name: str) -> list[str]:
    """The ids that a Relationship or ListRelationship leads to; empty where there is none."""
    found: list[str] = []
    for one in instances(entity.get(name)):
        held = one.get("object", one.get("objectList", []))
        for target in held if isinstance(held, list) else [held]:
            text = target.get("object") if isinstance(target, dict) else target
            if isinstance(text, str):
                found.append(text)
    return found


def word(entity: Mapping[str, Json], name: str) -> str:
    """The last part of a VocabProperty's word: `connected`; empty where there is none."""
    for one in instances(entity.get(name)):
        held = one.get("vocab", one.get("value"))
        if isinstance(held, str):
            return held.rpartition("/")[2].rpartition("#")[2]
    return ""


def sites_of(hub: Hub, tenant: str, community: str) -> tuple[Site, ...]:
    """Those of a community in the order of its members; nothing where it is not there. Raises HubAway."""
    entity = hub.entity(tenant, community)
    members = [] if entity is None else _related_by_end(entity, "hasMember")
    routers = {one: _router_of(hub, tenant, one) for one in members}
    legs = _legs(hub.query(tenant, LEG))
    return tuple(Site(one, router, legs.get(router, {})) for one, router in routers.items() if router)


def _router_of(hub: Hub, tenant: str, participant: str) -> str:
    entity = hub.entity(tenant, participant)
    return next(iter([] if entity is None else _related_by_end(entity, "controls")), "")


def _related_by_end(entity: Mapping[str, Json], term: str) -> list[str]:
    """By the last part of the attribute's IRI: the models of communities are of several vocabularies."""
    return [one for name in entity if name.rpartition("/")[2] == term for one in related(entity, name)]


def _legs(entities: Iterable[Mapping[str, Json]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in entities:
        for router in related(one, DEF + "refRouter"):
            found.setdefault(router, {})[word(one, DEF + "legRole")] = str(one["id"])
    return found
