"""A year of five-minute values of one house: it loads, and a day, a month and the last ten come back at once.

Values are a pure function of their place, so that what comes back can be worked out: place n has n % 1000 / 10.
Each is asked 20 times; where a bar is not kept, up to three windows of 20 are measured and printed, and the quietest
counts: a busy machine is no slow hub.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.quiet import quietest
from tests.outside.served import Served, serving

HOUSE = "urn:ngsi-ld:House:one"
METER = "urn:ngsi-ld:Meter:one"
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
YEAR, STEP = 105_120, timedelta(minutes=5)
MINUTES = 100_000
AT_ONCE = 2_000
ASKED = 20
ANSWER_MS_MAX, HOURLY_P50_MS_MAX = 100, 50
Judge = Callable[[Sequence[float]], float]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A broker with the year of the house, and 100,000 minutes of a meter."""
    with serving(tmp_path_factory.mktemp("year") / "data") as broker:
        begin = time.monotonic()
        load(broker, HOUSE, YEAR, STEP)
        print(f"\nfigure instances {YEAR}\nfigure load_s {time.monotonic() - begin:.1f}")
        load(broker, METER, MINUTES, timedelta(minutes=1))
        yield broker


def value(place: int) -> float:
    return place % 1000 / 10


def text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def load(broker: Served, entity_id: str, count: int, step: timedelta) -> None:
    for start in range(0, count, AT_ONCE):
        instances = [
            {"type": "Property", "value": value(place), "observedAt": text(BEGIN + place * step)}
            for place in range(start, min(start + AT_ONCE, count))
        ]
        if start == 0:
            body = {"id": entity_id, "type": "House", "power": instances}
            answer = broker.http.post("/temporal/entities", json=body)
            assert answer.status_code == 201, answer.text
        else:
            answer = broker.http.post(f"/temporal/entities/{entity_id}/attrs", json={"power": instances})
            assert answer.status_code == 204, answer.text


def asked(broker: Served, name: str, bar: float, judged: Judge, **parameters: Any) -> tuple[Any, Sequence[float]]:
    """The last answer, and how many milliseconds each took in the quietest window; told as figures."""
    answers: list[Any] = []

    def window() -> list[float]:
        answer, took = twenty(broker, METER if name == "hourly" else HOUSE, **parameters)
        answers.append(answer)
        return took

    took = quietest(name, bar, window, judged)
    print(f"\nfigure {name}_p50_ms {statistics.median(took):.1f} {len(took)}")
    print(f"figure {name}_max_ms {max(took):.1f} {len(took)}")
    return answers[-1], took


def twenty(broker: Served, entity_id: str, **parameters: Any) -> tuple[Any, list[float]]:
    """The last answer, and how many milliseconds each took."""
    url, took, answer = f"/temporal/entities/{entity_id}", [], None
    for _ in range(ASKED):
        begin = time.perf_counter()
        answer = broker.http.get(url, params=parameters)
        took.append((time.perf_counter() - begin) * 1000)
        assert answer.status_code == httpx.codes.OK, answer.text
    assert answer is not None
    return answer.json(), took


def test_a_day(filled: Served) -> None:
    day = BEGIN + timedelta(days=200)
    found, took = asked(
        filled, "day", ANSWER_MS_MAX, max, timerel="between", timeAt=text(day), endTimeAt=text(day + timedelta(days=1)),
        options="temporalValues",
    )  # fmt: skip
    first = 200 * 288
    assert [number for number, _ in found["power"]["values"]] == [value(first + place) for place in range(288)]
    assert max(took) < ANSWER_MS_MAX


def test_a_month_of_daily_averages(filled: Served) -> None:
    found, took = asked(
        filled, "month", ANSWER_MS_MAX, max, timerel="between", timeAt=text(BEGIN),
        endTimeAt=text(BEGIN + timedelta(days=31)),
        options="aggregatedValues", aggrMethods="avg", aggrPeriodDuration="P1D",
    )  # fmt: skip
    days = [math.fsum(map(value, range(day * 288, day * 288 + 288))) / 288 for day in range(31)]
    assert [number for number, *_ in found["power"]["avg"]] == pytest.approx(days)
    assert max(took) < ANSWER_MS_MAX


def test_the_last_ten(filled: Served) -> None:
    found, took = asked(
        filled, "last_ten", ANSWER_MS_MAX, max, timerel="before", timeAt="2030-01-01T00:00:00Z", lastN=10,
        options="temporalValues",
    )  # fmt: skip
    assert [number for number, _ in found["power"]["values"]] == [value(YEAR - 1 - place) for place in range(10)]
    assert max(took) < ANSWER_MS_MAX


def test_hourly_averages_and_extremes_of_a_hundred_thousand(filled: Served) -> None:
    found, took = asked(
        filled, "hourly", HOURLY_P50_MS_MAX, statistics.median, timerel="between", timeAt=text(BEGIN),
        endTimeAt=text(BEGIN + timedelta(days=100)),
        options="aggregatedValues", aggrMethods="avg,min,max", aggrPeriodDuration="PT1H",
    )  # fmt: skip
    hours = [[value(place) for place in range(hour, min(hour + 60, MINUTES))] for hour in range(0, MINUTES, 60)]
    wanted: list[tuple[str, Callable[[list[float]], float]]] = [("avg", statistics.fmean), ("min", min), ("max", max)]
    for method, over in wanted:
        assert [number for number, *_ in found["power"][method]] == pytest.approx([over(hour) for hour in hours])
    assert statistics.median(took) < HOURLY_P50_MS_MAX


def test_what_the_load_leaves_on_the_disk(filled: Served) -> None:
    size = sum(path.stat().st_size for path in Path(filled.data).rglob("*") if path.is_file())
    print(f"\nfigure bytes_an_instance {size / (YEAR + MINUTES):.0f} {YEAR + MINUTES}")
    assert size / (YEAR + MINUTES) < 1000
