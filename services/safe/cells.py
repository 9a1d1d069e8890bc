"""Tables of totals that give nobody away: threshold, dominance, complementary suppression (pure).

    table = tabulate(contributions, ("town",), RULES)
    table.cells     {("みその町",): Cell(people=12, total=806.0, hidden=""), ("東町",): Cell(…, hidden="few")}
    table.total     Cell(…)

A cell of fewer than k contributors is hidden ("few"), and so is one of which one contributor makes more than the share
that is allowed ("dominated"). Where hidden cells of a row or column (or of the table) could be worked out from its
total, because they are one alone, or have fewer than k contributors together, the smallest other one is hidden too
("complement").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Key: TypeAlias = tuple[str, ...]
ANY: Final = "*"
"""In a key: all of them, of a margin."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one contributor (a person, or those of a household together) gives; `groups` by name."""

    who: str
    value: float
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """At least `k` contributors, none of whom makes more than `share` of a total."""

    k: int = 5
    share: float = 0.8


@dataclass(slots=True)
class Cell:
    """Contributors with what they give, and why it is hidden; empty: it is not."""

    given: dict[str, float] = field(default_factory=dict)
    hidden: str = ""

    @property
    def people(self) -> int:
        """How many contribute."""
        return len(self.given)

    @property
    def total(self) -> float:
        """What all of them give."""
        return sum(self.given.values())

    @property
    def mean(self) -> float:
        """What one of them gives."""
        return self.total / len(self.given)

    def add(self, one: Contribution) -> None:
        """One contribution more."""
        self.given[one.who] = self.given.get(one.who, 0.0) + one.value


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by their groups; margins have ANY in their keys, `total` is all of it."""

    cells: Mapping[Key, Cell]
    margins: Mapping[Key, Cell]
    total: Cell

    def shown(self) -> dict[Key, Cell]:
        """All that is not hidden, margins and the total among it."""
        every = {**self.cells, **self.margins, (ANY,) * self.width: self.total}
        return {key: cell for key, cell in every.items() if not cell.hidden}

    def told(self) -> list[Cell]:
        """Every cell that can be known: those that are shown, and what is hidden of a line whose sum is shown."""
        found = [*self.shown().values()]
        for line, of in _lines(self.cells, self.margins, self.total):
            rest = [one for one in line if one.hidden]
            if rest and not of.hidden:
                found.append(_together(rest))
        return found

    @property
    def width(self) -> int:
        """By how many things it is grouped."""
        return len(next(iter(self.cells), ()))


def tabulate(given: Iterable[Contribution], by: Sequence[str], rules: Rules) -> Table:
    """The table by up to two groups, with its margins, and everything hidden that has to be."""
    cells: dict[Key, Cell] = {}
    margins: dict[Key, Cell] = {}
    total = Cell()
    for one in given:
        key = tuple(one.groups.get(name, "") for name in by)
        cells.setdefault(key, Cell()).add(one)
        for margin in _margins(key):
            margins.setdefault(margin, Cell()).add(one)
        total.add(one)
    for cell in (*cells.values(), *margins.values(), total):
        cell.hidden = _why(cell, rules)
    _complement(cells, margins, total, rules)
    return Table(cells, margins, total)


def _why(cell: Cell, rules: Rules) -> str:
    if cell.people < rules.k:
        return "few"
    whole = sum(map(abs, cell.given.values()))
    return "dominated" if whole and max(map(abs, cell.given.values())) > rules.share * whole else ""


def _margins(key: Key) -> list[Key]:
    return [] if len(key) < 2 else [(key[0], ANY), (ANY, key[1])]  # noqa: PLR2004  rows and columns


def _complement(cells: Mapping[Key, Cell], margins: Mapping[Key, Cell], total: Cell, rules: Rules) -> None:
    """Hide more until no line of the table gives a hidden cell away."""
    lines = [*_lines(cells, margins, total)]
    while any([_covered(line, of, rules) for line, of in lines]):  # noqa: C419  every line, not only the first
        pass


def _lines(cells: Mapping[Key, Cell], margins: Mapping[Key, Cell], total: Cell) -> Iterable[tuple[list[Cell], Cell]]:
    """Cells that add up to another one."""
    if not margins:
        yield [*cells.values()], total
        return
    for place in (0, 1):
        named = {key[place] for key in cells}
        sums = []
        for name in sorted(named):
            of = margins[(name, ANY) if place == 0 else (ANY, name)]
            yield [cell for key, cell in cells.items() if key[place] == name], of
            sums.append(of)
        yield sums, total


def _covered(line: Sequence[Cell], of: Cell, rules: Rules) -> bool:
    """Hide one more of a line where what is hidden in it can be worked out; whether one was."""
    hidden, open_ = [one for one in line if one.hidden], [one for one in line if not one.hidden]
    if of.hidden or not hidden:
        return False
    if len(hidden) > 1 and not _why(_together(hidden), rules):
        return False
    if open_:
        min(open_, key=lambda one: (one.people, abs(one.total))).hidden = "complement"
    else:
        of.hidden = "complement"
    return True


def _together(cells: Sequence[Cell]) -> Cell:
    people = {who for cell in cells for who in cell.given}
    return Cell({who: sum(cell.given.get(who, 0.0) for cell in cells) for who in people})
