"""A part of the file of --access, read member by member: what is missing, of another kind or unknown is named.

section = Section(city, "issuers.city")
section.text("issuer")        -> "https://id.misono.example"
section.end()                 # raises BadSection for members that nobody asked for
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from broker.model.values import Json

TEXT_MAX: Final = 4096


class BadSection(Exception):
    """The file is not in order; the text names the member and what would do."""


class Section:
    """One table of the file; `name` is how its members are named in refusals."""

    def __init__(self, table: Json, name: str) -> None:
        if not isinstance(table, Mapping):
            raise BadSection(f"[{name}] is no table")
        self.name: Final = name
        self._table: Mapping[str, Any] = table
        self._asked: set[str] = set()

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default one has to be there."""
        found = self._member(name, default)
        if not isinstance(found, str) or len(found) > TEXT_MAX or (default is None and not found):
            raise self.wrong(name, "a text")
        return found

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Texts; one alone may stand without brackets."""
        found = self._member(name, default)
        several = [found] if isinstance(found, str) else found
        if not isinstance(several, list | tuple) or not all(isinstance(one, str) for one in several):
            raise self.wrong(name, "a text or a list of texts")
        return tuple(several)

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 0 on."""
        found = self._member(name, default)
        if type(found) is not int or not 0 <= found <= most:
            raise self.wrong(name, f"a whole number from 0 to {most}")
        return found

    def flag(self, name: str) -> bool:
        """True or false, the latter where it is not there."""
        found = self._member(name, default=False)
        if not isinstance(found, bool):
            raise self.wrong(name, "true or false")
        return found

    def table(self, name: str) -> dict[str, Any]:
        """A table below, as it is; empty where it is not there."""
        found = self._member(name, {})
        if not isinstance(found, dict):
            raise self.wrong(name, "a table")
        return found

    def named(self, name: str) -> dict[str, str]:
        """A table below that gives a text for each name."""
        found = self.table(name)
        if not all(isinstance(value, str) for value in found.values()):
            raise self.wrong(name, "a table of texts")
        return found

    def below(self) -> Iterator[tuple[str, Section]]:
        """The tables below, by name."""
        for name, table in self._table.items():
            self._asked.add(name)
            yield name, Section(table, f"{self.name}.{name}")

    def has(self, name: str) -> bool:
        """Whether something is said of it."""
        return name in self._table

    def end(self) -> None:
        """Raises for what nobody knows: a misspelled member would otherwise be a right that nobody meant."""
        unknown = sorted(self._table.keys() - self._asked)
        if unknown:
            raise BadSection(f"[{self.name}] holds {', '.join(unknown)}; known are {', '.join(sorted(self._asked))}")

    def wrong(self, name: str, wanted: str) -> BadSection:
        """The refusal of a member."""
        return BadSection(f"[{self.name}] {name}: wanted is {wanted}")

    def _member(self, name: str, default: object) -> Any:  # noqa: ANN401  of any kind, its reader says of which
        self._asked.add(name)
        found = self._table.get(name, default)
        if found is None:
            raise BadSection(f"[{self.name}] {name} is missing")
        return found
