"""The words of `misono adapter` that run adapters in a process of their own: run, replay.

misono adapter run [NAME|FILE …] --hub URL --data DIR [--port N]
misono adapter replay NAME FRAMES.jsonl --speed 60 --hub URL --data DIR
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

from adapters.assembling import Around, Assembled, assemble
from adapters.commands.asking import Desk
from adapters.commands.assembled import Answering, make_commanding
from adapters.commands.commanding import Ways
from adapters.commands.modelled import LibraryModels
from adapters.configuring import read_adapter
from adapters.door.app import Door
from adapters.door.commands import CommandDoor
from adapters.door.making import make_door
from adapters.link import BadSettings, Ground, Link
from adapters.links.replay import SPEED_MAX, ReplayLink, read_frames
from adapters.mapping_files import packaged_contexts
from adapters.store import AdapterStore
from adapters.table import make_link
from broker.access.policies import AllowAll
from broker.contexts.copies import BadMap, read_copies
from broker.http.rooms.door import Rights
from broker.hub.over_http import HubOverHttp
from broker.settings import is_loopback
from broker.wiring import SystemClock
from datamodels.at_need import AtNeed
from datamodels.installed import Installed
from datamodels.library import built_in

log = logging.getLogger("misono.adapters")

TOKEN: Final = "MISONO_HUB_TOKEN"  # noqa: S105  the name of a variable
LOOK_S: Final = 0.1
_INCOMPLETE: Final = 1
_PORT_MAX: Final = 65_535
MakeLink = Callable[[str, Ground], Link]


def add_running_words(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    """Add the words to the subparsers of `misono adapter`."""
    below: ArgumentParser = doing.add_parser("run", help="adapters in a process of their own, until SIGTERM")
    below.add_argument("names", metavar="NAME|FILE", nargs="*", help="adapters; all of the folder where none is named")
    below.add_argument(
        "--port", metavar="N", type=_port, help="serve /iot and /admin of these adapters on loopback there; 0: any"
    )
    _add_options(below)
    below.set_defaults(do=_run)
    below = doing.add_parser("replay", help="recorded frames through an adapter")
    below.add_argument("name", metavar="NAME", help="the adapter that they are given to")
    below.add_argument("frames", metavar="FRAMES.jsonl", type=Path, help="a frame a line; see adapters/recorded.py")
    below.add_argument("--speed", metavar="N", type=_speed, default=1.0, help="N times as fast; 0: as fast as it goes")
    _add_options(below)
    below.set_defaults(do=_replay)


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--hub", metavar="URL", default="http://127.0.0.1:1026", help="the hub that they write to")
    parser.add_argument("--adapters", metavar="DIR", type=Path, default=Path("adapters"), help="the folder of files")
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path("var/adapters"), help="queue and quarantine")
    parser.add_argument("--models", metavar="DIR", type=Path, help="model packages beside those that come along")
    parser.add_argument("--contexts", metavar="MAP.tsv", type=Path, help="local copies of @contexts")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _PORT_MAX:
        raise ValueError
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed <= SPEED_MAX:
        raise ValueError
    return speed


def _run(arguments: Namespace) -> int:
    """Until SIGTERM or SIGINT."""
    folder, names = _folder(arguments)
    with _assembled(arguments, folder, names, make_link) as assembled:
        if not assembled.running.adapters:
            raise BadSettings(f"{folder} has no file that says adapter: NAME")
        _warn_of_plain_http(arguments.hub)
        with _until_told() as told:
            log.info("running %s, writing to %s", ", ".join(assembled.running.adapters), arguments.hub)
            told.wait()
    log.info("stopped")
    return 0


def _warn_of_plain_http(url: str) -> None:
    hub = urlsplit(url)
    if hub.scheme != "https" and not is_loopback(hub.hostname or ""):
        log.warning("by http the key of commands is in clear on the network on its way to %s: use https", hub.hostname)


def _replay(arguments: Namespace) -> int:
    """Until the hub has every frame; 1 where it was ended before that, or where some are quarantined."""
    for _ in read_frames(arguments.frames):  # first all of it: half a recording helps nobody
        pass
    link = ReplayLink(arguments.frames, arguments.speed)
    with _assembled(arguments, arguments.adapters, [arguments.name], lambda _kind, _ground: link) as assembled:
        running = assembled.running
        with _until_told() as told:
            while not told.wait(LOOK_S) and not (link.finished and running.queue.depth == 0):
                pass
        counts = running.adapters[arguments.name].counts
    bad = sum(counts.quarantined.values())
    print(f"{counts.frames} frames, {counts.readings} readings, {counts.written} written, {counts.repeated} repeated")
    for reason, number in sorted(counts.quarantined.items()):
        print(f"  {number} quarantined: {reason}")
    return 0 if link.finished and not bad else _INCOMPLETE


def _folder(arguments: Namespace) -> tuple[Path, Sequence[str]]:
    """Where the files are and which of them run: names in --adapters, or one file. Raises BadSettings."""
    files = [Path(name) for name in arguments.names if name.endswith(".yaml")]
    if not files:
        return arguments.adapters, arguments.names
    if len(arguments.names) > 1:
        raise BadSettings("name adapters of --adapters DIR, or one file")
    found = read_adapter(files[0])
    if found is None:
        raise BadSettings(f"{files[0]}: no adapter: NAME in it")
    return files[0].parent, [found.name]


@contextmanager
def _assembled(arguments: Namespace, folder: Path, names: Sequence[str], link: MakeLink) -> Iterator[Assembled]:
    """The adapters, started; what they took is in the file at the end. Raises BadSettings, UnusableFile."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        more = read_copies(arguments.contexts) if arguments.contexts else None
    except BadMap as error:
        raise BadSettings(f"--contexts: {error}") from error
    token = os.environ.get(TOKEN)
    resolve = packaged_contexts(*([arguments.models] if arguments.models else []), more=more)
    with ExitStack() as closing:
        store = AdapterStore(arguments.data)
        closing.callback(store.close)
        hub = closing.enter_context(HubOverHttp(arguments.hub, {"Authorization": f"Bearer {token}"} if token else None))
        answering = Answering()
        around = Around(
            hub,
            store,
            SystemClock(),
            resolve,
            answering,
            uvloop.new_event_loop,
            link,
            device_entities=link is make_link,
        )
        assembled = assemble(folder, around, names)
        closing.callback(assembled.stop)
        ways = Ways(claims=hub, followed=hub) if link is make_link else Ways()
        commanding = answering.to = make_commanding(assembled, around, ways, _models(arguments.models))
        closing.callback(commanding.stop)
        assembled.start()
        commanding.start()
        if getattr(arguments, "port", None) is not None:
            desk = Desk(commanding, lambda _principal: hub, lambda: uuid.uuid4().hex)
            _open_door(
                arguments.port,
                make_door(assembled, resolve, Rights(AllowAll(), hosts=frozenset()), CommandDoor(desk).routes()),
                closing,
            )
        yield assembled


def _models(folder: Path | None) -> LibraryModels:
    """What the models say of commands; read when the first one is judged."""
    folders = () if folder is None else (folder,)
    return LibraryModels(AtNeed(lambda: Installed(built_in(), *folders)).now)


def _open_door(port: int, door: Door, closing: ExitStack) -> None:
    """Serve it on loopback. Raises BadSettings."""
    from adapters.door.shell import Shell  # noqa: PLC0415  aiohttp's server is for who asks for it

    closing.callback(door.close)
    shell = Shell(door, port, uvloop.new_event_loop)
    closing.callback(shell.stop)
    log.info("serving /iot and /admin on 127.0.0.1:%d", shell.port)


@contextmanager
def _until_told() -> Iterator[Event]:
    """Set by SIGTERM and SIGINT."""
    told = Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
