"""Linear programmes, solved by HiGHS.

programme = Programme()
x, y = programme.variable(0, 4, cost=-1), programme.variable(0, 4, cost=-2)
programme.row({x: 1, y: 1}, most=5)
programme.solve()          [1.0, 4.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Final

ENDLESS: Final = float("inf")


class Unsolvable(Exception):
    """There is no answer: the limits contradict each other, or nothing limits what is wanted."""


class Programme:
    """Makes the sum of costs least."""

    def __init__(self) -> None:
        self._variables: list[tuple[float, float, float]] = []
        self._rows: list[tuple[float, float, Mapping[int, float]]] = []

    def variable(self, least: float = 0.0, most: float = ENDLESS, cost: float = 0.0) -> int:
        """Its place in the answer."""
        self._variables.append((least, most, cost))
        return len(self._variables) - 1

    def row(self, terms: Mapping[int, float], least: float = -ENDLESS, most: float = ENDLESS) -> None:
        """What the sum of terms (place -> factor) is between."""
        self._rows.append((least, most, terms))

    def solve(self) -> list[float]:
        """The values by place, always the same ones for the same programme. Raises Unsolvable."""
        import highspy  # noqa: PLC0415  only who plans waits for it
        import numpy as np  # noqa: PLC0415

        least, most, costs = zip(*self._variables, strict=True)
        lowest, highest, terms = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._variables), len(self._rows)
        model.col_cost_, model.col_lower_, model.col_upper_ = np.array(costs), np.array(least), np.array(most)
        model.row_lower_, model.row_upper_ = np.array(lowest), np.array(highest)
        matrix = model.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.start_ = np.array([0, *accumulate(map(len, terms))])
        matrix.index_ = np.array([place for row in terms for place in row])
        matrix.value_ = np.array([float(factor) for row in terms for factor in row.values()])
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # theirs
        for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("random_seed", 1)):
            solver.setOptionValue(name, value)
        solver.passModel(model)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise Unsolvable(solver.modelStatusToString(solver.getModelStatus()))
        return [float(value) for value in solver.getSolution().col_value]
