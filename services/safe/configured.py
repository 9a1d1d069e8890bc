"""The section [safe] of the file of --access: the data sets of which safe outputs are made, and how safe they are.

[safe.datasets.pulse]
item = "HeartRateObservation/heartRate"     what the totals are of: one value a person and entity
bounds = [30, 220]                          what a value is held to before noise is added; resolution = 1 by itself
groups = ["town"]                           by what tables may be made
epsilon = 2.0                               how much a recipient may spend, ever
quasi = { observedAt = "month", birthYear = "width 10", town = "keep" }      how anonymised rows are made coarser
k = 5, dominance_percent = 80, diverse = 1
bands = [30, 60, 100, 220]                  how rows tell values; by itself ten bands; []: as they are, diverse = 2
priced = true                               noisy answers are paid for, by the rules of [pricing]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from broker.model.values import Json
from services.room import BadCity
from services.safe.cells import Rules
from services.safe.noise import Bounds
from services.safe.views import KINDS, Anonymity, Coarser

MICRO: Final = 1_000_000
"""Budgets are whole millionths of ε."""
_MEMBERS: Final = frozenset(
    {
        "item",
        "bounds",
        "resolution",
        "groups",
        "epsilon",
        "quasi",
        "k",
        "dominance_percent",
        "diverse",
        "bands",
        "priced",
    }
)
_BANDS: Final = 10
_K_LEAST: Final = 3


@dataclass(frozen=True, slots=True)
class Dataset:
    """One of them; `budget` in millionths of ε for each recipient."""

    name: str
    item: str
    bounds: Bounds
    budget: int
    rules: Rules
    anonymity: Anonymity
    groups: tuple[str, ...] = ()
    quasi: Mapping[str, Coarser] = field(default_factory=dict)
    priced: bool = False

    @property
    def type(self) -> str:
        """`HeartRateObservation`."""
        return self.item.partition("/")[0]

    @property
    def attribute(self) -> str:
        """`heartRate`."""
        return self.item.partition("/")[2]


def read_datasets(city: Mapping[str, Json]) -> dict[str, Dataset]:
    """By name. Raises BadCity."""
    section = city.get("safe", {})
    if not isinstance(section, dict) or not section.keys() <= {"datasets"}:
        raise BadCity("[safe] has [safe.datasets.NAME], and nothing else")
    found = section.get("datasets", {})
    if not isinstance(found, dict):
        raise BadCity("[safe.datasets.NAME] are tables")
    return {name: _dataset(name, given) for name, given in found.items()}


def _dataset(name: str, given: Any) -> Dataset:  # noqa: ANN401  whatever stands in the file
    where = f"[safe.datasets.{name}]"
    if not isinstance(given, dict) or not given.keys() <= _MEMBERS or not {"item", "bounds"} <= given.keys():
        raise BadCity(f"{where} has item and bounds, and may have {', '.join(sorted(_MEMBERS - {'item', 'bounds'}))}")
    try:
        low, high = (float(one) for one in given["bounds"])
        bounds = Bounds(low, high, float(given.get("resolution", 1)))
        k, share = int(given.get("k", 5)), float(given.get("dominance_percent", 80)) / 100
        budget, diverse = round(float(given.get("epsilon", 1.0)) * MICRO), int(given.get("diverse", 1))
        quasi = {attribute: _coarser(text) for attribute, text in dict(given.get("quasi", {})).items()}
        groups = tuple(str(one) for one in given.get("groups", ()))
        edges = tuple(float(one) for one in given["bands"]) if "bands" in given else None
    except (TypeError, ValueError) as error:
        raise BadCity(f"{where} {error}") from error
    if not (low < high and bounds.resolution > 0 and 0 < share < 1 and budget >= 0 and "/" in str(given["item"])):
        raise BadCity(f"{where} item is Type/attribute, bounds go up, resolution > 0, dominance_percent below 100")
    if k < _K_LEAST:
        raise BadCity(f"{where} k is {_K_LEAST} at least")
    priced, anonymity = given.get("priced", False), Anonymity(k, diverse, _usual(bounds) if edges is None else edges)
    if not isinstance(priced, bool) or not _fit(anonymity, bounds):
        raise BadCity(
            f"{where} priced is true or false; bands rise by two resolutions or more, or are [] with diverse = 2"
        )
    return Dataset(name, str(given["item"]), bounds, budget, Rules(k, share), anonymity, groups, quasi, priced)


def _usual(bounds: Bounds) -> tuple[float, ...]:
    """Ten bands of the bounds; fewer where they would be so narrow that they tell the value."""
    many = max(min(_BANDS, int((bounds.high - bounds.low) / (2 * bounds.resolution))), 1)
    return tuple(round(bounds.low + (bounds.high - bounds.low) * place / many, 9) for place in range(many + 1))


def _fit(wanted: Anonymity, bounds: Bounds) -> bool:
    if not wanted.edges:
        return wanted.diverse > 1
    wide = all(high - low >= 2 * bounds.resolution for low, high in pairwise(wanted.edges))
    return len(wanted.edges) > 1 and (wide or wanted.edges == (bounds.low, bounds.high))


def _coarser(text: str) -> Coarser:
    kind, _, size = str(text).partition(" ")
    if kind not in KINDS or bool(size) != (kind in ("width", "prefix")):
        raise ValueError(f"quasi: {text!r} is none of {', '.join(KINDS)}, width and prefix with a number")
    return Coarser(kind, int(size or 0))
