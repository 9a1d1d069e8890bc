"""Counts, sums and means with the noise that differential privacy asks for, by OpenDP's own samplers.

    count(people, 0.5)                         how many, for ε = 0.5
    total(values, Bounds(30, 220, 1), 0.5)     their sum: each is held to the bounds first

One contributor is one row: to add or take away one changes a count by 1 and a sum by the larger bound. Sums are of
whole steps of the resolution, so that no float gives anything away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """Values from `low` to `high`, in steps of `resolution`."""

    low: float
    high: float
    resolution: float = 1.0

    def step(self, value: float) -> int:
        """A value as a number of steps, held to the bounds."""
        return round(min(max(value, self.low), self.high) / self.resolution)

    def held(self, value: float) -> float:
        """The value, held to the bounds and to whole steps."""
        return self.step(value) * self.resolution

    @property
    def steps(self) -> tuple[int, int]:
        """The bounds in steps."""
        return self.step(self.low), self.step(self.high)


def count(people: int, epsilon: float) -> int:
    """How many there are, about; never below 0."""
    return max(int(_counting(epsilon)([0] * people)), 0)


def total(values: Sequence[float], bounds: Bounds, epsilon: float) -> float:
    """Their sum, about."""
    steps = [bounds.step(one) for one in values]
    return float(_summing(*bounds.steps, epsilon)(steps)) * bounds.resolution


def mean(values: Sequence[float], bounds: Bounds, epsilon: float) -> float:
    """Their mean, about: a sum and a count, for half of ε each; within the bounds."""
    found = total(values, bounds, epsilon / 2) / max(count(len(values), epsilon / 2), 1)
    return min(max(found, bounds.low), bounds.high)


def spent(low: int, high: int, epsilon: float) -> tuple[float, float]:
    """What OpenDP says that a count and a sum of that ε cost: no more than ε each."""
    return float(_counting(epsilon).map(1)), float(_summing(low, high, epsilon).map(1))


@cache
def _counting(epsilon: float) -> Any:  # noqa: ANN401  OpenDP's measurement
    dp = _opendp()
    return _rows() >> dp.t.then_count() >> dp.m.then_laplace(scale=_scale(1, epsilon))


@cache
def _summing(low: int, high: int, epsilon: float) -> Any:  # noqa: ANN401  as above
    dp = _opendp()
    most = max(abs(low), abs(high), 1)
    clamped = _rows() >> dp.t.then_clamp((low, high)) >> dp.t.then_sum()
    return clamped >> dp.m.then_laplace(scale=_scale(most, epsilon))


def _scale(most: int, epsilon: float) -> float:
    """A little more than most/ε: rounding must not make it cost more."""
    return most / epsilon * (1 + 1e-9)


def _rows() -> Any:  # noqa: ANN401  as above
    dp = _opendp()
    return dp.vector_domain(dp.atom_domain(T=int)), dp.symmetric_distance()


@cache
def _opendp() -> Any:  # noqa: ANN401  as above
    import opendp.prelude as dp  # noqa: PLC0415  half a second and 20 MiB, for who asks

    dp.enable_features("contrib")
    return dp
