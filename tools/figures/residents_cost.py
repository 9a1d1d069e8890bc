"""What consents cost: queries and creates with 10,000 residents and 100,000 consents, and without access, by turns.

python -m tools.figures.residents_cost      the samples as lines `figure NAME VALUE SAMPLES`

query_times     a recipient's page of type + q, of that of somebody who may see everything: the operation, no wire
answer_times    the same through a door, what is told written into the audit and synced before it leaves
answer_cpu_times the same, in processor time of the whole process
counted_times   the page with its count: every candidate has to be looked at
create_percent  creates a second of entities about persons, 16 under way, of those in a hub without access that holds
                as much: of a service's and an operator's, whichever is the less
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

from broker.doors import Built, make_doors
from broker.ldcontext.core import core_context
from broker.model.entity import Document
from broker.model.values import Json
from broker.operations.broker import Call
from broker.operations.consume import query_entities
from broker.operations.provide import create_entity
from broker.operations.transfer import load_entities
from broker.ports import INLINE, SYSTEM, Principal
from broker.query.ast import And, Compare, HasType, Op, Selection, Window
from broker.query.ast import Path as Attribute
from broker.settings import read_settings
from broker.wiring import build
from tests.fakes.named import Named

RESIDENTS: Final = int(os.environ.get("RESIDENTS", "10000"))
CONSENTS: Final = int(os.environ.get("CONSENTS", "100000"))
TURNS: Final = 300
ANSWERS: Final = 60
CREATED: Final = 400
ROUNDS: Final = 8
UNDER_WAY: Final = 16
DEF: Final = "https://misono.example/def/"
HEART: Final = DEF + "HeartRateObservation"
PURPOSE: Final = DEF + "purpose/HealthAdvice"
SERVICE: Final = Principal("services", roles=frozenset({SYSTEM}))
WRITER: Final = Principal("operator", roles=frozenset({"operator"}))
"""Who may create, and is no part of the hub: of each new id it is asked whom it was about before."""
RECIPIENT: Final = Principal("clinic", frozenset({PURPOSE}), frozenset({"recipient"}), None, "urn:org:1")
WANTED: Final = Selection(And((HasType(HEART), Compare(Attribute(DEF + "heartRate"), Op.GT, 145))))


def main() -> None:
    """Measure, and print."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        consented, plain = (
            filled(closing, folder / name, access=name == "consented") for name in ("consented", "plain")
        )
        page = _times(consented, Window(20))
        print(f"figure query_times {page:.2f} {TURNS}")
        print(f"figure counted_times {_times(consented, Window(20, 0, count=True)):.2f} {TURNS}")
        taken, worked = _answer_times(consented)
        print(f"figure answer_times {taken:.2f} {ANSWERS}")
        print(f"figure answer_cpu_times {worked:.2f} {ANSWERS}")
        print(f"figure create_percent {_create_percent(consented, plain):.1f} {ROUNDS}")


def filled(closing: ExitStack, folder: Path, *, access: bool) -> Built:
    """A hub on SQLite with the residents' heart rates, and everything that they consented to."""
    folder.mkdir()
    file = folder / "access.toml"
    file.write_text("[issuers.local]\n")
    environment = {"MISONO_STORE": "sqlite", "MISONO_DATA": str(folder / "data")}
    built = build(read_settings(Namespace(config=""), environment | ({"MISONO_ACCESS": str(file)} if access else {})))
    closing.callback(built.close)
    dice = Random(1)  # noqa: S311  a draw, no secret
    documents = [*_entities(dice), *_organisations(), *_consents()]
    for start in range(0, len(documents), 500):
        refused = load_entities(built.house.broker, _call(built, SERVICE), documents[start : start + 500]).result()
        assert not any(refused), refused[0]
    return built


def _call(built: Built, who: Principal, operation: str = "query_entities") -> Call:
    return Call("", core_context(), who, built.house.broker.access.restrict(who, "", operation))


def subject_of(number: int) -> str:
    """The pseudonym of one of the residents."""
    return f"urn:misono:subject:{number % RESIDENTS:05x}"


def heart(entity_id: str, subject: str, rate: int) -> Document:
    """An observation of somebody's heart rate."""
    return {
        "id": entity_id, "type": HEART, DEF + "dataSubject": _prop(subject),
        DEF + "heartRate": _prop(rate, unitCode="BPM", observedAt="2026-11-01T00:00:00Z"),
        DEF + "restingHeartRate": _prop(rate - 10, unitCode="BPM"), DEF + "sampleCount": _prop(5),
    }  # fmt: skip


def _entities(dice: Random) -> Iterator[Document]:
    for number in range(RESIDENTS):
        yield heart(f"urn:ngsi-ld:HeartRateObservation:{number}", subject_of(number), dice.randint(50, 150))


def _organisations() -> Iterator[Document]:
    for number in range(CONSENTS // RESIDENTS):
        yield {"id": f"urn:org:{number}", "type": DEF + "RecipientOrganisation", "https://schema.org/name": _prop("x")}


def _consents() -> Iterator[Document]:
    items: Any = ["HeartRateObservation/heartRate@raw", "HeartRateObservation/restingHeartRate@raw"]
    for number in range(CONSENTS):
        yield {
            "id": f"urn:ngsi-ld:ConsentRecord:{number:06x}", "type": DEF + "ConsentRecord",
            DEF + "dataSubject": _prop(subject_of(number)), DEF + "validFrom": _prop("2025-01-01T00:00:00Z"),
            DEF + "validUntil": _prop("2099-01-01T00:00:00Z"), DEF + "purpose": _word(PURPOSE),
            DEF + "recipient": {"type": "Relationship", "object": f"urn:org:{number // RESIDENTS}"},
            DEF + "consentState": _word("https://w3id.org/dpv#ConsentGiven"),
            DEF + "dataItems": {"type": "ListProperty", "valueList": items},
        }  # fmt: skip


def _prop(value: Json, **more: str) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def _word(iri: str) -> dict[str, Any]:
    return {"type": "VocabProperty", "vocab": iri}


def _times(built: Built, window: Window) -> float:
    """How many times as long a recipient's page takes, right of access included."""
    broker = built.house.broker

    def asked(who: Principal) -> None:
        assert len(query_entities(broker, _call(built, who), WANTED, window).entities) == window.limit

    return _by_turns(partial(asked, RECIPIENT), partial(asked, SERVICE), TURNS)


def _by_turns(
    one: Callable[[], None], other: Callable[[], None], turns: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median of one, of the median of the other."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(2 * turns):
        start = clock()
        (one, other)[turn % 2]()
        taken[turn % 2].append(clock() - start)
    return median(taken[0]) / median(taken[1])


def _answer_times(built: Built) -> tuple[float, float]:
    """By the clock, and by what the processor did."""
    house = replace(built.house, identity=Named({"clinic": RECIPIENT, "service": SERVICE}))
    doors = make_doors(replace(built, house=house))
    query = f"type={HEART}&q={DEF}heartRate%3E145".replace(":", "%3A").replace("/", "%2F")

    async def ask(who: str) -> None:
        INLINE.set(True)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "GET", "path": "/ngsi-ld/v1/entities", "raw_path": b"/ngsi-ld/v1/entities",
            "query_string": query.encode(), "headers": [(b"authorization", f"Bearer {who}".encode())],
            "scheme": "http", "server": ("door", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
            "asgi": {"version": "3.0"},
        }  # fmt: skip
        await doors.front(scope, receive, send)
        assert sent[0]["status"] == 200, sent

    with asyncio.Runner() as runner:
        consented, free = (partial(lambda who: runner.run(ask(who)), who) for who in ("clinic", "service"))
        taken = _by_turns(consented, free, ANSWERS)
        return taken, _by_turns(consented, free, ANSWERS, time.process_time)


def _create_percent(consented: Built, plain: Built) -> float:
    """The rate with access of that without, of so many rounds by turns; of two writers, that of the slower one."""
    return min(_percent_of(consented, plain, who) for who in (SERVICE, WRITER))


def _percent_of(consented: Built, plain: Built, who: Principal) -> float:
    taken: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(2 * ROUNDS):
        built = (consented, plain)[turn % 2]
        start = time.perf_counter()
        _create(built, turn, who)
        taken[turn % 2].append(time.perf_counter() - start)
    return 100 * median(taken[1]) / median(taken[0])


def _create(built: Built, turn: int, who: Principal) -> None:
    """Create entities about persons, each with an id that nobody ever had: `new-operator-3-17` in the third turn."""
    broker, waiting = built.house.broker, list[Future[Any]]()
    for number in range(CREATED):
        if len(waiting) >= UNDER_WAY:
            waiting.pop(0).result()
        entity_id = f"urn:ngsi-ld:HeartRateObservation:new-{who.name}-{turn}-{number}"
        call = _call(built, who, "create_entity")
        waiting.append(create_entity(broker, call, heart(entity_id, subject_of(number), 60)))
    for one in waiting:
        one.result()


if __name__ == "__main__":
    main()
