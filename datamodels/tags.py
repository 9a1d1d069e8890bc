"""What the installed packages say of persons: which attributes tell of one, and what a data item of a consent names.

tags.classes("https://…/HeartRateObservation")   {"https://…/heartRate": "special-care", …}; None: nobody knows it
tags.item("HeartRateObservation/heartRate@hourly")   Item("https://…/HeartRateObservation", "https://…/heartRate", …)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from broker.model.subjects import JUDGED_BY
from broker.model.terms import NOTHING_PERSONAL, Personal
from broker.ports.consents import ANY, GRANULARITIES, Item
from datamodels.source import Model

if TYPE_CHECKING:
    from datamodels.at_need import AtNeed
    from datamodels.library import Library


class Tags:
    """The tags of packages as they are now. Any thread may ask."""

    def __init__(self, packages: AtNeed) -> None:
        self._packages = packages
        self._of: Library | None = None
        self._classes: dict[str, Mapping[str, str]] = {}
        self._personal = NOTHING_PERSONAL
        self._version = 0

    def version(self) -> int:
        """Rises when a package came, went or changed. Raises OverBudget on the event loop where they must be read."""
        library = self._packages.now()
        if library is not self._of:
            self._classes, self._of = _classes(library), library
            self._personal = _personal(self._classes)
            self._version += 1
        return self._version

    def classes(self, type_: str) -> Mapping[str, str] | None:
        """The class of each attribute of a type that tells of a person (IRIs); None where no package knows the type."""
        self.version()
        return self._classes.get(type_)

    def personal(self) -> Personal:
        """The types of which an attribute tells of a person, and these attributes."""
        self.version()
        return self._personal

    def item(self, text: str, granularity: str = "") -> Item | None:
        """What a data item names, `Type/attribute@granularity` or `package:Type/*`; None: nothing, or several things.

        `granularity` is what holds where it says none of its own; raw where there is none either.
        """
        path, _, fineness = text.partition("@")
        name, _, attribute = path.partition("/")
        fineness = fineness or granularity or GRANULARITIES[0]
        if fineness not in GRANULARITIES:
            return None
        of, _, bare = name.rpartition(":")
        found = [
            model
            for package, model in self._packages.now().named(bare)
            if of in ("", package.name) and (attribute == ANY or attribute in model.attributes)
        ]
        if len(found) != 1:
            return None
        return Item(found[0].iri, ANY if attribute == ANY else found[0].attributes[attribute].iri, fineness)


_SENSITIVITY: Final = {"none": 0, "personal": 1, "special-care": 2}


def _classes(library: Library) -> dict[str, Mapping[str, str]]:
    """By type; of two models of one type the stricter."""
    found: dict[str, dict[str, str]] = {}
    for _, model in library:
        of = found.setdefault(model.iri, {})
        for iri, tag in _tagged(model):
            if _SENSITIVITY[tag] > _SENSITIVITY[of.get(iri, "none")]:
                of[iri] = tag
    return dict(found)


def _personal(classes: Mapping[str, Mapping[str, str]]) -> Personal:
    types = frozenset(iri for iri, tags in classes.items() if tags)
    return Personal(types, JUDGED_BY.union(*classes.values()), all_attributes=False, known=frozenset(classes))


def _tagged(model: Model) -> list[tuple[str, str]]:
    return [(one.iri, one.personal) for one in model.attributes.values() if one.personal != "none"]
