"""A member of a body as it came, and readings of it: what it must be, or a refusal that says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from broker.decode.reading import below, no_null, refusal, shown
from broker.errors import BadRequestData, NgsiError
from broker.model.names import is_datetime, is_uri
from broker.model.values import Instant, Json, to_instant

TEXTS_MAX: Final = 1000
_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Given:
    """A value, the JSON pointer of where it stands, and the clause that says what it must be."""

    value: Json
    pointer: str
    clause: str

    def refused(self, wanted: str) -> BadRequestData:
        """A refusal, to be raised: `'5' is not what is needed here: a number above 0`."""
        if self.value is None:
            return no_null(self.pointer)
        return refusal(f"{shown(self.value)} is not what is needed here.", self.pointer, self.clause, wanted)

    def member(self, name: str) -> Given:
        """A member of this object; its value is None where there is none."""
        return Given(self.members().get(name), below(self.pointer, name), self.clause)

    def needed(self, name: str) -> Given:
        """A member that this object must have. Raises BadRequestData where it has not."""
        found = self.member(name)
        if name not in self.members():
            raise refusal(f"The member '{name}' is missing.", found.pointer, self.clause, f"a member '{name}'")
        return found

    def members(self) -> dict[str, Json]:
        """The object that this is. Raises BadRequestData where it is none."""
        if not isinstance(self.value, dict):
            raise self.refused("an object")
        return self.value

    def each(self, most: int = TEXTS_MAX) -> list[Given]:
        """The elements of this list, of which there is at least one. Raises BadRequestData."""
        if not isinstance(self.value, list) or not 0 < len(self.value) <= most:
            raise self.refused(f"a list of 1 to {most}")
        return [Given(one, below(self.pointer, at), self.clause) for at, one in enumerate(self.value)]

    def text(self, wanted: str = "a text that is not empty") -> str:
        """A text with something in it. Raises BadRequestData."""
        if not isinstance(self.value, str) or not self.value:
            raise self.refused(wanted)
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of texts. Raises BadRequestData."""
        return tuple(one.text() for one in self.each())

    def one_of(self, *words: _Word) -> _Word:
        """One of these words. Raises BadRequestData."""
        if self.value not in words:
            raise self.refused("one of: " + ", ".join(words))
        return self.value

    def flag(self) -> bool:
        """A truth value. Raises BadRequestData."""
        if not isinstance(self.value, bool):
            raise self.refused("true or false")
        return self.value

    def above_zero(self, most: float) -> int | float:
        """A number above 0, as it came. Raises BadRequestData."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise self.refused(f"a number above 0, at most {most:g}")
        return value

    def whole(self, most: int) -> int:
        """A whole number from 1. Raises BadRequestData."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise self.refused(f"a whole number from 1 to {most}")
        return value

    def uri(self) -> str:
        """A URI. Raises BadRequestData."""
        if not isinstance(self.value, str) or not is_uri(self.value):
            raise self.refused("a URI such as 'urn:ngsi-ld:House:1'")
        return self.value

    def instant(self) -> Instant:
        """A DateTime, in microseconds. Raises BadRequestData (clause 4.6.3)."""
        instant = to_instant(self.value) if isinstance(self.value, str) and is_datetime(self.value) else None
        if instant is None:
            raise self.refused("a UTC DateTime such as 2026-01-01T00:00:00Z")
        return instant


@contextmanager
def standing_at(given: Given) -> Iterator[None]:
    """Refusals raised inside name this member, whatever parameter the grammar they come from thinks of."""
    try:
        yield
    except NgsiError as error:
        error.pointer = given.pointer
        raise


def unknown_members(body: dict[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """Names of the members of a body that mean nothing here."""
    return tuple(name for name in body if name not in known)
