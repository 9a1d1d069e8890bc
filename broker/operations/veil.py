"""What a write of history may see and touch (ARCHITECTURE: access is a seam).

A restriction judges entities; here it judges an entity made of the instances in question. What is hidden is answered as
if it were not there; writing onto its place is refused in the same words as for the current state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from broker.errors import AlreadyExists, ResourceNotFound
from broker.model.entity import Document, Entity, Instance, instances, member
from broker.model.evolution import Evolution
from broker.model.values import Json
from broker.operations.guard import restored, touches_what_is_hidden
from broker.ports import Restriction


@dataclass(frozen=True, slots=True)
class Veil:
    """A restriction, over the history of one entity; without a view it lets everything pass."""

    restriction: Restriction

    def hides(self, known: Evolution) -> bool:
        """Whether the entity does not exist for the principal."""
        view = self.restriction.view
        return view is not None and view(_entity(known, {})) is None

    def require_shown(self, known: Evolution, added: Mapping[str, Sequence[Instance]]) -> None:
        """Raise where not all of these instances could be seen once they are there: Conflict, AlreadyExists."""
        view = self.restriction.view
        if view is None:
            return
        entity = _entity(known, added)
        seen = view(entity)
        if seen is None:
            raise AlreadyExists("The entity exists already.", clause="5.6.11", remedy="Choose another id.")
        if seen is not entity:
            raise touches_what_is_hidden()

    def only(self, known: Evolution, name: str) -> Callable[[Instance], bool] | None:
        """Which instances of an attribute may go; None: all of them."""
        if self.restriction.view is None:
            return None
        return lambda held: self._shown(known, name, held) is not None

    def replacing(self, known: Evolution, name: str, new: Instance) -> Callable[[Instance], Instance] | None:
        """Gives what takes the place of an instance: `new` with the hidden parts of the old one.

        It raises ResourceNotFound where the old one is hidden, and Conflict where the new one would be.
        """
        if self.restriction.view is None:
            return None

        def guard(held: Instance) -> Instance:
            shown = self._shown(known, name, held)
            if shown is None:
                raise _no_instance(name)
            self.require_shown(known, {name: [new]})
            return cast("Instance", restored({name: held}, {name: shown}, {name: new})[name])

        return guard

    def dropping(self, known: Evolution, name: str) -> Callable[[Instance], object] | None:
        """Raises ResourceNotFound for an instance that is hidden."""
        if self.restriction.view is None:
            return None

        def guard(held: Instance) -> None:
            if self._shown(known, name, held) is None:
                raise _no_instance(name)

        return guard

    def _shown(self, known: Evolution, name: str, held: Instance) -> Instance | None:
        """What can be seen of one instance."""
        seen = self.restriction.show(_entity(known, {name: [held]}))
        found = [] if seen is None else instances(seen.document.get(name))
        return found[0] if found else None


def _entity(known: Evolution, added: Mapping[str, Sequence[Instance]]) -> Entity:
    document: Document = {"id": known.id, "type": cast("Json", list(known.types))}
    for name, found in added.items():
        if name == "scope":
            document[name] = found[-1]["value"]
        elif found:
            document[name] = member(list(found))
    return Entity(document, known.created_at, known.modified_at)


def _no_instance(name: str) -> ResourceNotFound:
    return ResourceNotFound(
        "There is no such instance.", pointer=name, clause="5.6.15.4", remedy="Retrieve the history for what there is."
    )
