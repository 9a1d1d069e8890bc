"""A house with a roof, its weather, and forecasts of that weather which are wrong as forecasts are; all by seed.

Nobody is told the weather itself: the forecast of a day is of the clouds and the warmth that were expected, what comes
differs by a day's error and by passing clouds.
"""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from services.energy.planning.forecasting import Weather

DAY = 48


def weathered(seed: int, days: int) -> tuple[list[int], list[int], list[Weather]]:
    """(Wh of sun, Wh of load, the forecast of the weather), each by half hour."""
    chance = Random(seed)
    sun, load, told = list[int](), list[int](), list[Weather]()
    cloud, warmth = 0.4, 12.0
    peak, base, morning = chance.uniform(2_500, 5_500), chance.uniform(120, 220), chance.randrange(12, 16)
    for day in range(days):
        cloud = min(max(0.55 * cloud + 0.45 * chance.random() + chance.gauss(0, 0.12), 0.0), 0.95)
        warmth = 0.8 * warmth + 0.2 * 9.0 + chance.gauss(0, 1.8)
        seen, expected = cloud + chance.gauss(0, 0.12), warmth + chance.gauss(0, 1.2)
        at_home = day % 7 >= 5 or chance.random() < 0.15
        passing = 0.0
        for slot in range(DAY):
            height = max(sin(pi * (slot - 13) / 22), 0.0) if 13 <= slot <= 35 else 0.0
            passing = 0.6 * passing + chance.gauss(0, 0.10)
            clear = 850.0 * height
            came = clear * (1 - 0.8 * min(max(cloud + passing, 0.0), 1.0))
            now = warmth - 4 * cos(2 * pi * (slot - 4) / DAY)
            sun.append(max(round(peak * came / 1_000 / 2 * (1 - 0.004 * max(now - 10, 0))), 0))
            load.append(_load(chance, (base, morning), slot, at_home=at_home, warmth=now))
            forecast = clear * (1 - 0.8 * min(max(seen, 0.0), 1.0))
            told.append(Weather(round(forecast, 1), round(expected - 4 * cos(2 * pi * (slot - 4) / DAY), 1)))
    return sun, load, told


def _load(chance: Random, house: tuple[float, int], slot: int, *, at_home: bool, warmth: float) -> int:
    base, morning = house
    used = base
    if morning <= slot <= morning + 3:
        used += 220
    if 36 <= slot <= 44:
        used += 380
    if at_home and 18 <= slot <= 35:
        used += 180
    used += 14 * max(16 - warmth, 0) * (1.0 if slot >= 12 else 0.5)
    if chance.random() < 0.12:
        used += chance.uniform(100, 500)
    return max(round(used * (1 + chance.gauss(0, 0.12))), 0)
