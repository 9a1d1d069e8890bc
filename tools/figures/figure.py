"""A figure: a number that this project promises, and what was measured for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value and how many measurements it stands for."""

    value: float
    samples: int = 1


Samples: TypeAlias = Mapping[str, Sample]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that runs and gives samples by name; `long` takes more than ten minutes."""

    name: str
    measure: Callable[[], Samples]
    long: bool = False

    def command(self, area: str) -> str:
        """What repeats it alone."""
        return f"make figures AREA={area} ONLY={self.name}" + (" LONG=1" if self.long else "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise: sample `key` of `source` is at least, or at most, `bar`; `about` says what it is, with its unit."""

    about: str
    source: str
    key: str
    sense: Literal["at least", "at most"]
    bar: float

    def holds(self, value: float) -> bool:
        """Whether the promise is kept."""
        return value >= self.bar if self.sense == "at least" else value <= self.bar


def none_fails(source: str, about: str) -> Figure:
    """No test of this source may fail; `about` says what a failure would be."""
    return Figure(about, source, "failed", "at most", 0)
