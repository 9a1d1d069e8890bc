"""Serve with the Misono district in it: `misono demo`, which `make demo` runs.

This process becomes the broker, as `misono serve` would; a second one waits until it is ready, loads the district over
HTTP as any client could, prints three requests to try, and ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from broker.commands import serve
from broker.commands._house import context_reader
from broker.commands._report import Report
from broker.commands._sinks import HttpSink
from broker.commands.import_ import Loading
from broker.decode.files import entities_in
from broker.decode.text import parse_json

_HOST = "127.0.0.1"
_READY_S_MAX = 30.0
_LOADER = "MISONO_DEMO_LOADER"
_CANNOT = 2
_LINK = '<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
REQUESTS = (
    (
        "the buildings, in short form and in Japanese",
        "entities?type=Building&pick=id,name,address&format=simplified&lang=ja",
    ),
    (
        "batteries that are more than half full, the fullest first",
        "entities?type=StorageBatteryDevice&q=stateOfCharge%3E0.5&orderBy=stateOfCharge;desc&pick=name,stateOfCharge",
    ),
    (
        "parcel lockers within 300 metres of the convenience store",
        "entities?type=ParcelLocker&georel=near;maxDistance==300&geometry=Point&coordinates=[139.7319,35.8716]",
    ),
)
"""What to try first: README shows the same lines."""


def add_arguments(parser: ArgumentParser) -> None:
    """Where to serve, and what to load."""
    parser.add_argument("--port", type=int, default=1026)
    parser.add_argument("--data", metavar="DIR", default="var")
    parser.add_argument("--district", metavar="DIR", type=Path, default=Path("examples/misono"))


def run(arguments: Namespace) -> int:
    """Serve until told to stop."""
    if os.environ.get(_LOADER):
        try:
            return _load(arguments)
        except HTTPError as error:
            print(f"misono demo: the broker ended before the district was in: {error}", file=sys.stderr)
            return 1
    if not (arguments.district / "district.jsonld").is_file():
        print(f"misono demo: no district.jsonld in {arguments.district}; --district DIR", file=sys.stderr)
        return _CANNOT
    if _is_taken(arguments.port):
        print(f"misono demo: port {arguments.port} is taken; stop what listens there, or take another", file=sys.stderr)
        return _CANNOT
    environment = {**os.environ, _LOADER: str(os.getpid())}
    words = [sys.executable, "-m", "broker", *sys.argv[1:]]
    subprocess.Popen(words, env=environment)  # noqa: S603  our own words
    contexts = str(arguments.district / "contexts.tsv")
    return serve.run(Namespace(config="", host=_HOST, port=str(arguments.port), data=arguments.data, contexts=contexts))


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _load(arguments: Namespace) -> int:
    """The second process: wait, load, tell. It ends with the broker where that does not start."""
    root = f"http://{_HOST}:{arguments.port}"
    pool = PoolManager(retries=False, timeout=10.0)
    if not _wait_until_ready(pool, root, int(os.environ[_LOADER])):
        return 1
    report = Report()
    options = Namespace(data=arguments.data, contexts=str(arguments.district / "contexts.tsv"), offline=True)
    with (arguments.district / "district.jsonld").open("rb") as lines:
        Loading(context_reader(options), HttpSink(root), report, context=None).load(
            "district.jsonld", entities_in(lines)
        )
    for line in report.summary():
        print(line)
    _tell(root, _host_context(pool, root, arguments.district / "context.jsonld"))
    return int(bool(report.refused))


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


def _tell(root: str, context: str) -> None:
    lines = ["", f"Misono is running: {root}/ngsi-ld/v1. Ctrl-C ends it. In another terminal:", ""]
    lines += [f"  CONTEXT='Link: {_LINK.format(url=context)}'"]
    for about, path in REQUESTS:
        lines += ["", f"  # {about}", f"  curl -gs '{root}/ngsi-ld/v1/{path}' -H \"$CONTEXT\""]
    print("\n".join(lines), flush=True)
