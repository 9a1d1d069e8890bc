"""Make up residents and what their devices say: watch, toothbrush, scale, purchases, the air at home.

    python examples/residents/make.py --people 5 --days 3 --seed 2026 > examples/residents/people.jsonld

Nobody in it exists: pseudonyms are counted, values are drawn from a seeded generator, the same for the same arguments.
The kinds of data are those of ミソノ・データ・ミライ (2019). Only Python's own library is needed.
"""

from __future__ import annotations

import json
import random
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

CONTEXT = [
    "https://misono.example/contexts/district-v1.jsonld", "https://misono.example/contexts/misono-care-v1.jsonld",
    "https://misono.example/contexts/misono-consent-v1.jsonld",
]  # fmt: skip
DEF = "https://misono.example/def/"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


class Person:
    """Somebody made up: a pseudonym, and what is usual for them."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.subject = f"urn:misono:subject:demo-{number:04d}"
        self.name = f"demo-{number:04d}"
        self._chance = chance
        self._resting, self._weight = chance.uniform(52, 74), chance.uniform(46, 84)
        self._asleep, self._steps = chance.uniform(330, 480), chance.uniform(3_000, 11_000)

    def day(self, at: datetime) -> Iterator[dict[str, Any]]:
        """What their devices said on one day."""
        draw = self._chance
        self._weight += draw.gauss(0, 0.15)
        yield self._made("ActivityObservation", at, steps=max(0, round(draw.gauss(self._steps, 1_500))))
        yield self._made("SleepObservation", at, sleepDuration=(max(60, round(draw.gauss(self._asleep, 40))), "MIN"))
        yield self._made(
            "ToothbrushingObservation", at, brushingDuration=(round(draw.uniform(60, 210)), "SEC"),
            brushingCoverage=(round(draw.uniform(0.6, 0.98), 2), "C62"),
        )  # fmt: skip
        yield self._made(
            "BodyCompositionObservation", at, bodyWeight=(round(self._weight, 1), "KGM"),
            bodyFat=(round(draw.uniform(0.15, 0.32), 3), "C62"),
        )  # fmt: skip
        for hour in (8, 12, 20):
            beats = round(self._resting + draw.uniform(0, 35))
            yield self._made("HeartRateObservation", at + timedelta(hours=hour), heartRate=(beats, "BPM"))
        yield self._labelled("PurchaseRecord", at + timedelta(hours=18), {
            "purchaseAmount": draw.randrange(200, 6_000),
            "shopCategory": draw.choice(["grocery", "pharmacy", "bakery"]),
        })  # fmt: skip
        yield self._labelled("IndoorClimateRecord", at + timedelta(hours=6), {
            "roomTemperature": round(draw.gauss(20, 2), 1), "roomHumidity": round(draw.uniform(0.3, 0.65), 2),
        })  # fmt: skip

    def _made(self, kind: str, at: datetime, **values: float | tuple[float, str]) -> dict[str, Any]:
        """An entity of a model of misono-care: what is sensitive the model says."""
        observed = {"observedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        made = self._head(kind, at)
        made["dateObserved"] = {"type": "Property", "value": observed["observedAt"]}
        for name, value in values.items():
            number, unit = value if isinstance(value, tuple) else (value, "")
            made[name] = {"type": "Property", "value": number, **observed, **({"unitCode": unit} if unit else {})}
        return made

    def _labelled(self, kind: str, at: datetime, values: dict[str, Any]) -> dict[str, Any]:
        """An entity that nobody has a model of: each value says itself that it is personal."""
        observed = {"observedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        said = {f"{DEF}dataClass": {"type": "Property", "value": "personal"}}
        made = {**self._head(kind, at), "type": f"{DEF}{kind}"}
        for name, value in values.items():
            made[f"{DEF}{name}"] = {"type": "Property", "value": value, **observed, **said}
        return made

    def _head(self, kind: str, at: datetime) -> dict[str, Any]:
        return {
            "id": f"urn:ngsi-ld:{kind}:{self.name}:{at:%Y%m%dT%H}", "type": kind,
            "dataSubject": {"type": "Property", "value": self.subject}, "@context": CONTEXT,
        }  # fmt: skip


def make(people: int, days: int, seed: int) -> Iterator[dict[str, Any]]:
    """All of it, person by person."""
    for number in range(1, people + 1):
        person = Person(number, random.Random(f"{seed}/{number}"))  # noqa: S311 - made up, and the same each time
        for day in range(days):
            yield from person.day(BEGIN + timedelta(days=day))


def main() -> None:
    """Write JSON, an entity a line."""
    parser = ArgumentParser(description=__doc__)
    for name, default in (("people", 5), ("days", 3), ("seed", 2026)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    lines = (json.dumps(one, ensure_ascii=False) for one in make(given.people, given.days, given.seed))
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
