"""What will be made and used in the slots of the next day, from what was, and from what the weather is forecast to be.

forecast("pv", history, weather, ahead=48)     whole Wh a slot

`history` has the Wh of each slot, oldest first, None where nothing is known, up to now; `weather` what was forecast for
those slots, and goes on over those ahead. Only what was known a day before is looked at: the slot of the day before, of
the week before, the mean of the week, of days alike, and the forecast weather; how much each tells is found by least
squares, held back a little (ridge) so that a short history is not read for more than it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]

Kind: TypeAlias = Literal["pv", "load"]
RIDGE: Final = 3.0
DAYS_LEAST: Final = 3
"""With fewer days than this nothing is fitted: the mean of what is known, slot by slot."""
DAYS_FITTED: Final = 56
WARM_C, COLD_C = 24.0, 16.0


@dataclass(frozen=True, slots=True)
class Weather:
    """Forecast for a slot: W/m² on the level, °C; None where it was not."""

    radiation: float | None = None
    temperature: float | None = None


def forecast(kind: Kind, history: Sequence[int | None], weather: Sequence[Weather], ahead: int, day: int) -> list[int]:
    """The Wh of the next `ahead` slots, of which a day has `day`; nothing below 0."""
    import numpy as np  # noqa: PLC0415  only who plans waits for it

    past = np.array([np.nan if one is None else float(one) for one in history][-DAYS_FITTED * day :])
    seen = list(weather[len(history) - len(past) :])
    found: list[int] = []
    while len(found) < ahead:  # day by day: the second day knows the first one as forecast
        some = _day(kind, past, seen[: len(past) + day], day)
        past = np.concatenate([past, some])
        found += [round(float(one)) for one in some]
    return found[:ahead]


def persistence(history: Sequence[int | None], ahead: int, day: int) -> list[int]:
    """What it would be if every day were like the one before: the least that a forecast has to beat."""
    last = [one or 0 for one in history[-day:]]
    return [last[place % day] for place in range(ahead)] if len(last) == day else [0] * ahead


def _day(kind: Kind, past: Numbers, weather: Sequence[Weather], day: int) -> Numbers:
    import numpy as np  # noqa: PLC0415

    size = len(past)
    usual = _usual(past, day)
    if np.count_nonzero(~np.isnan(past)) < DAYS_LEAST * day:
        return usual
    features = _features(kind, np.concatenate([past, np.full(day, np.nan)]), weather, day)
    known = ~np.isnan(past) & ~np.isnan(features[:size]).any(axis=1)
    if np.count_nonzero(known) < 2 * day:
        return usual
    fitted = _ridge(features[:size][known], past[known], features[size:])
    found = np.where(np.isnan(fitted), usual, np.clip(fitted, 0.0, 1.2 * np.nanmax(past)))
    if kind == "pv":
        found[usual <= 0.0] = 0.0
    return np.asarray(found, dtype=np.float64)


def _usual(past: Numbers, day: int) -> Numbers:
    """The mean of the last week slot by slot; 0 where nothing is known."""
    import numpy as np  # noqa: PLC0415

    rows = [past[max(len(past) - number * day, 0) :][:day] for number in range(1, 8) if len(past) >= number * day]
    if not rows:
        return np.zeros(day)
    stacked = np.array(rows)
    there = np.count_nonzero(~np.isnan(stacked), axis=0)
    return np.asarray(np.nansum(stacked, axis=0) / np.maximum(there, 1), dtype=np.float64)


def _features(kind: Kind, values: Numbers, weather: Sequence[Weather], day: int) -> Numbers:
    """One row a slot: what was known of it a day before; nan where it was not."""
    import numpy as np  # noqa: PLC0415

    lags = np.array([_lag(values, number * day) for number in range(1, 8)])
    there = np.count_nonzero(~np.isnan(lags), axis=0)
    week = np.where(there > 0, np.nansum(lags, axis=0) / np.maximum(there, 1), np.nan)
    week = np.where(np.isnan(week), np.nan, week)
    yesterday = np.where(np.isnan(lags[0]), week, lags[0])
    before = np.where(np.isnan(lags[6]), week, lags[6])
    turn = 2.0 * np.pi * (np.arange(len(values)) % day) / day
    rounds = [np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)]
    sun, warmth = _weather(weather, len(values))
    if kind == "pv":
        columns = [week, yesterday, *_by_sun(sun, week, rounds)]
    else:
        columns = [week, yesterday, before, *rounds, *_by_warmth(warmth, week)]
    return np.array(columns).T


def _by_sun(sun: Any, week: Any, rounds: Sequence[Any]) -> list[Any]:  # noqa: ANN401  arrays
    """Nothing where no weather was ever forecast."""
    import numpy as np  # noqa: PLC0415

    if np.isnan(sun).all():
        return []
    return [sun, sun * rounds[0], sun * rounds[1], sun * rounds[3], sun * sun / 1_000.0, sun * week / 1_000.0]


def _by_warmth(warmth: Any, week: Any) -> list[Any]:  # noqa: ANN401  arrays
    import numpy as np  # noqa: PLC0415

    if np.isnan(warmth).all():
        return []
    cold, warm = np.maximum(COLD_C - warmth, 0.0), np.maximum(warmth - WARM_C, 0.0)
    return [cold, warm, cold * week / 10.0, warm * week / 10.0]


def _weather(weather: Sequence[Weather], size: int) -> tuple[Numbers, Numbers]:
    import numpy as np  # noqa: PLC0415

    padded = [*weather, *[Weather()] * max(size - len(weather), 0)][:size]
    sun = np.array([np.nan if one.radiation is None else one.radiation for one in padded])
    warmth = np.array([np.nan if one.temperature is None else one.temperature for one in padded])
    return sun, warmth


def _lag(values: Numbers, by: int) -> Numbers:
    import numpy as np  # noqa: PLC0415

    found = np.full(len(values), np.nan)
    if by < len(values):
        found[by:] = values[:-by]
    return found


def _ridge(known: Numbers, answers: Numbers, asked: Numbers) -> Numbers:
    """What least squares says of the rows asked; columns are brought to one size before they are held back."""
    import numpy as np  # noqa: PLC0415

    middle, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 0.0, spread, 1.0)
    rows = (known - middle) / spread
    level = answers.mean()
    pull = RIDGE * np.eye(rows.shape[1])
    weights = np.linalg.solve(rows.T @ rows + pull, rows.T @ (answers - level))
    return np.asarray((asked - middle) / spread @ weights + level, dtype=np.float64)
