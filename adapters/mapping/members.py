"""Members of a YAML file, each taken as what it must be; a refusal names the file, the member and what would do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from adapters.link import BadSettings
from broker.model.values import Json


class BadMapping(BadSettings):
    """A mapping's file that cannot be used: names the file and the member, and says what would do."""


@dataclass(frozen=True, slots=True)
class Members:
    """`Members({"unit": "KWH"}, "meters.yaml: entities.0").text("unit")`; every method raises BadMapping."""

    of: dict[str, Json]
    where: str

    def only(self, known: frozenset[str]) -> Members:
        """These, where there is no other member than the known ones."""
        for name in self.of:
            if name not in known:
                self.refuse(name, f"not known; there are {', '.join(sorted(known))}")
        return self

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        given = self.of.get(name, default)
        if not isinstance(given, str) or (default is None and not given):
            self.refuse(name, "a text")
        return given

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or a list of texts; none where it is not there."""
        given = self.of.get(name, [])
        row = given if isinstance(given, list) else [given]
        if not all(isinstance(one, str) and one for one in row):
            self.refuse(name, "a text, or a list of texts")
        return tuple(str(one) for one in row)

    def number(self, name: str) -> float | None:
        """A number; None where it is not there."""
        given = self.of.get(name)
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            self.refuse(name, "a number")
        return given

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number between these; None where it is not there."""
        given = self.of.get(name)
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            self.refuse(name, f"a whole number from {least} to {most}")
        return given

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        given = self.of.get(name, default)
        if not isinstance(given, bool):
            self.refuse(name, "true or false")
        return given

    def row(self, name: str) -> list[Json]:
        """A list; empty where it is not there."""
        given = self.of.get(name, [])
        if not isinstance(given, list):
            self.refuse(name, "a list")
        return given

    def below(self, name: str) -> Members:
        """The members of a member; none where it is not there."""
        return members(self.of.get(name, {}), f"{self.where}.{name}")

    def each(self, name: str) -> Iterator[Members]:
        """The members of each one of a list."""
        for place, one in enumerate(self.row(name)):
            yield members(one, f"{self.where}.{name}.{place}")

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Raise BadMapping for this member."""
        raise BadMapping(f"{self.where}.{name}: {wanted}" if name else f"{self.where}: {wanted}")


def members(given: Json, where: str) -> Members:
    """These, where they are members. Raises BadMapping."""
    if not isinstance(given, dict):
        raise BadMapping(f"{where}: members, `name: value`")
    return Members(given, where)
