"""What consents cost where they are paid: at the doors of hubs that run, with 10,000 residents and 100,000 consents.

python -m tools.figures.residents_doors      the samples as lines `figure NAME VALUE SAMPLES`

Two hubs (`misono serve`, SQLite) hold the same; one of them has access. They are asked by turns, over HTTP.

door_create_percent      creates a second by a device with a token, 16 connections, of those in the hub without access
door_create_cpu_percent  the same of the processes' CPU an operation
door_query_times         a recipient's page of type + q, told, written into the audit and synced before it leaves:
                         its time (median, 4 connections) over that of the hub without access
door_query_cpu_times     the same of the processes' CPU an operation
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import quote

from tests.outside.served import Served, process_tree, serving
from tools.figures.residents_cost import DEF, HEART, PURPOSE, filled, heart, subject_of
from tools.figures.runs import NotMeasured

WINDOW_S: Final = float(os.environ.get("WINDOW", "4"))
ROUNDS: Final = 6
CREATORS, ASKERS, PAGE = 16, 4, 20
QUERY: Final = f"/ngsi-ld/v1/entities?type={quote(HEART, safe='')}&q={quote(DEF + 'heartRate>145', safe='')}"
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that runs, and who asks it, by what they do."""

    served: Served
    device: dict[str, str] = field(default_factory=dict)
    reader: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """What was done in one: operations a second, seconds of each, CPU of the hub a piece."""

    rate: float
    took: float
    cpu: float


def main() -> None:
    """Measure, and print."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(dir="var")))
        consented, plain = _consented(closing, folder / "consented"), _plain(closing, folder / "plain")
        numbers = count()
        created = _by_turns(consented, plain, lambda hub: _window(hub, CREATORS, partial(_create, numbers, hub)))
        asked = _by_turns(consented, plain, lambda hub: _window(hub, ASKERS, partial(_ask, hub)))
    rates, cpu = ([median(getattr(one, name) for one in side) for side in created] for name in ("rate", "cpu"))
    print(f"figure door_create_percent {100 * rates[0] / rates[1]:.1f} {ROUNDS}")
    print(f"figure door_create_cpu_percent {100 * cpu[1] / cpu[0]:.1f} {ROUNDS}")
    print(f"figure door_create_rate {rates[0]:.0f} {ROUNDS}")
    took, cpu = ([median(getattr(one, name) for one in side) for side in asked] for name in ("took", "cpu"))
    print(f"figure door_query_times {took[0] / took[1]:.2f} {ROUNDS}")
    print(f"figure door_query_cpu_times {cpu[0] / cpu[1]:.2f} {ROUNDS}")
    print(f"figure door_query_ms {took[0] * 1000:.2f} {ROUNDS}")


def _consented(closing: ExitStack, folder: Path) -> Hub:
    with ExitStack() as filling:
        filled(filling, folder, access=True)
    file, data = folder / "access.toml", folder / "data"
    hub = closing.enter_context(serving(data, "--access", str(file)))
    token = partial(_token, file, data)
    recipient = token("--role", "recipient", "--recipient", "urn:org:1", "--purpose", PURPOSE)
    return Hub(hub, token("--role", "device"), recipient)


def _plain(closing: ExitStack, folder: Path) -> Hub:
    with ExitStack() as filling:
        filled(filling, folder, access=False)
    return Hub(closing.enter_context(serving(folder / "data")))


def _token(file: Path, data: Path, *who: str) -> dict[str, str]:
    command = [sys.executable, "-m", "broker", "token", "--access", str(file), "--data", str(data), *who]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"Authorization": f"Bearer {printed.stdout.strip()}"}


def _by_turns(one: Hub, other: Hub, measure: Callable[[Hub], Window]) -> tuple[list[Window], list[Window]]:
    found: tuple[list[Window], list[Window]] = ([], [])
    for turn in range(2 * ROUNDS + 2):
        window = measure((one, other)[turn % 2])
        if turn >= 2:
            found[turn % 2].append(window)
    return found


def _window(hub: Hub, connections: int, act: Callable[[http.client.HTTPConnection], None]) -> Window:
    """So many connections, each asking again as soon as it is answered."""
    end, taken = time.perf_counter() + WINDOW_S, list[float]()
    failed = list[BaseException]()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", hub.served.port)
        try:
            while (begun := time.perf_counter()) < end:
                act(connection)
                taken.append(time.perf_counter() - begun)
        except BaseException as error:  # noqa: BLE001 - the thread's own; told by the one that waits
            failed.append(error)
        finally:
            connection.close()

    before, threads = _cpu_s(hub), [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return Window(len(taken) / WINDOW_S, median(taken), (_cpu_s(hub) - before) / len(taken))


def _cpu_s(hub: Hub) -> float:
    """Seconds of CPU that its processes took by now."""
    rows = (
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in process_tree(hub.served.process.pid)
    )
    return sum(int(row[11]) + int(row[12]) for row in rows) / _TICK


def _create(numbers: Iterator[int], hub: Hub, connection: http.client.HTTPConnection) -> None:
    number = next(numbers)
    document = heart(f"urn:ngsi-ld:HeartRateObservation:door-{number}", subject_of(number), 60)
    _send(connection, "POST", "/ngsi-ld/v1/entities", hub.device, json.dumps(document).encode())


def _ask(hub: Hub, connection: http.client.HTTPConnection) -> None:
    found = _send(connection, "GET", QUERY, hub.reader)
    if found.count(b'"urn:ngsi-ld:HeartRateObservation:') != PAGE:
        raise NotMeasured(f"a page is not {PAGE} entities: {found[:200]!r}")


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> bytes:
    said = headers | ({} if body is None else {"Content-Type": "application/json"})
    connection.request(method, path, body, said)
    with connection.getresponse() as response:
        answer = response.read()
    if response.status not in (200, 201):
        raise NotMeasured(f"{method} {path[:80]}: {response.status} {answer[:300]!r}")
    return answer


if __name__ == "__main__":
    main()
