"""Serve with a city in it that is alive: `misono demo`, which `make demo` runs.

This process becomes the broker, as `misono serve` would, with the city's adapters in it; a second one waits until it is
ready, loads the city's package over HTTP as any client could, prints requests to try, and then lets its simulated day
go until the broker ends: devices that are not there speak their own protocols to the adapters.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from adapters.link import BadSettings
from broker.commands import serve
from broker.commands._city import checked, send_all, tell_rules
from broker.commands._sinks import HttpSink
from broker.decode.text import parse_json
from broker.errors import NgsiError
from datamodels.city.checking import Checked
from datamodels.city.day import Day, changes, moving
from datamodels.city.source import CONTEXT, HEAD, City
from datamodels.contexts import TermClash
from datamodels.reading import BadSource

_HOST = "127.0.0.1"
_READY_S_MAX = 30.0
_LOADER = "MISONO_DEMO_LOADER"
_CANNOT = 2
ADAPTERS = "adapters"
_LOOK_S = 0.1
_LINK = '<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


def add_arguments(parser: ArgumentParser) -> None:
    """Where to serve, and what to load."""
    parser.add_argument("--port", type=int, default=1026)
    parser.add_argument("--data", metavar="DIR", default="var")
    parser.add_argument("--city", metavar="DIR", type=Path, default=Path("examples/misono"), help="a city's folder")
    parser.add_argument("--speed", type=float, help="simulated seconds in a second; 0: the data stay as they are")


def run(arguments: Namespace) -> int:
    """Serve until told to stop."""
    if os.environ.get(_LOADER):
        return _second(arguments)
    if not (arguments.city / HEAD).is_file():
        print(f"misono demo: no {HEAD} in {arguments.city}; --city DIR", file=sys.stderr)
        return _CANNOT
    if _is_taken(arguments.port):
        print(f"misono demo: port {arguments.port} is taken; stop what listens there, or take another", file=sys.stderr)
        return _CANNOT
    environment = {**os.environ, _LOADER: str(os.getpid())}
    words = [sys.executable, "-m", "broker", *sys.argv[1:]]
    subprocess.Popen(words, env=environment)  # noqa: S603  our own words
    options = {"port": str(arguments.port), "data": arguments.data, "contexts": str(arguments.city / "contexts.tsv")}
    if (arguments.city / "models").is_dir():
        options["models"] = str(arguments.city / "models")
    if (arguments.city / ADAPTERS).is_dir() and arguments.speed != 0:
        options["adapters"] = str(arguments.city / ADAPTERS)
    return serve.run(Namespace(config="", host=_HOST, **options))


def _second(arguments: Namespace) -> int:
    """What the second process does, and what it says where it cannot."""
    try:
        return _load(arguments)
    except KeyboardInterrupt:  # Ctrl-C is for all processes of the terminal
        return 0
    except (BadSettings, BadSource, NgsiError, TermClash) as fault:
        print(f"misono demo: {arguments.city}: {fault}", file=sys.stderr)
    except HTTPError as error:
        print(f"misono demo: the broker ended before the city was in: {error}", file=sys.stderr)
    return 1


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _load(arguments: Namespace) -> int:
    """The second process: wait, load, tell. It ends with the broker where that does not start."""
    root = f"http://{_HOST}:{arguments.port}"
    pool = PoolManager(retries=False, timeout=10.0)
    if not _wait_until_ready(pool, root, int(os.environ[_LOADER])):
        return 1
    one = checked(arguments.city)
    documents = [document for _, _, document in one.entities]
    refusals = [refusal for refusal in send_all(HttpSink(root), documents) if refusal is not None]
    for refusal in (*refusals, *tell_rules(root, "", one.modes())):
        print(refusal)
    print(f"{len(documents)} entities = {len(documents) - len(refusals)} loaded + {len(refusals)} refused")
    day = one.city.day
    if day is not None and arguments.speed is not None:
        day = replace(day, speed=arguments.speed) if arguments.speed > 0 else None
    _tell(root, _host_context(pool, root, arguments.city / CONTEXT), one.city, day)
    if day is not None:
        with _devices(arguments.city / ADAPTERS, day):
            _live(root, one, day)
    return int(bool(refusals))


@contextmanager
def _devices(folder: Path, day: Day) -> Iterator[None]:
    """The city's devices speak while the block runs."""
    if not folder.is_dir():
        yield
        return
    from broker.commands._playing import playing  # noqa: PLC0415  a city without devices needs no protocol

    begins = day.start.astimezone(day.zone)
    with playing(folder, day.day_s, begins.hour + begins.minute / 60) as parts:
        if parts:
            kinds = ", ".join(f"{part.adapter} ({part.kind})" for part in parts)
            print(f"\n  # devices speak their own protocols to the adapters: {kinds}", flush=True)
        yield


def _live(root: str, one: Checked, day: Day) -> None:
    """Merge what changes, step by step, until the broker is gone."""
    going, broker = (
        moving(day, [document for _, _, document in one.entities], one.day_terms()),
        int(os.environ[_LOADER]),
    )
    sink, begun = HttpSink(root, operation="merge"), time.monotonic()
    for step in count(1):
        while time.monotonic() < begun + step * day.pause_s:
            if os.getppid() != broker:
                return
            time.sleep(min(_LOOK_S, day.pause_s))
        sink.send(changes(day, going, step))


def _wait_until_ready(pool: PoolManager, root: str, broker: int) -> bool:
    end = time.monotonic() + _READY_S_MAX
    while time.monotonic() < end and os.getppid() == broker:
        try:
            if pool.request("GET", root + "/ready").status == 200:  # noqa: PLR2004  HTTP's OK
                return True
        except HTTPError:
            pass
        time.sleep(0.1)
    return False


def _host_context(pool: PoolManager, root: str, file: Path) -> str:
    """The URL at which the broker hosts the district's @context; hosted now where it is not yet."""
    body = file.read_bytes()
    listed = parse_json(pool.request("GET", root + "/ngsi-ld/v1/jsonldContexts?kind=Hosted").data)
    for url in listed if isinstance(listed, list) else []:
        held = pool.request("GET", str(url))
        if held.status == 200 and parse_json(held.data) == parse_json(body):  # noqa: PLR2004  HTTP's OK
            return str(url)
    headers = {"Content-Type": "application/ld+json"}
    made = pool.request("POST", root + "/ngsi-ld/v1/jsonldContexts", body=body, headers=headers)
    return root + made.headers["Location"]


def _tell(root: str, context: str, city: City, day: Day | None) -> None:
    lines = ["", f"{city.title.en} is running: {root}/ngsi-ld/v1. Ctrl-C ends it. In another terminal:", ""]
    lines += [f"  CONTEXT='Link: {_LINK.format(url=context)}'"]
    for one in city.requests:
        lines += ["", f"  # {one.about.en}", f"  curl -gs '{root}/ngsi-ld/v1/{one.path}' -H \"$CONTEXT\""]
    if day is not None:
        lines += ["", f"  # a day goes by in {day.day_s / 60:.0f} minutes; what changes, as it changes"]
        lines += [f"  curl -N '{root}/events'"]
    print("\n".join(lines), flush=True)
