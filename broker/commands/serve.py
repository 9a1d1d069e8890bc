"""Serve the API: `misono serve --data DIR`.

One worker is this process itself. With `--workers N` this process starts N children and waits: each child ends when
this process dies by any means, and this process ends when a child does.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from argparse import ArgumentParser, Namespace

from broker.commands._listening import checked
from broker.settings import SettingError, Settings, add_options, of_environment

log = logging.getLogger("misono")

_WORKER = "MISONO_WORKER_OF"
_PR_SET_PDEATHSIG = 1
_SETTINGS_WRONG = 2
_LEVELS = logging.getLevelNamesMapping()


def add_arguments(parser: ArgumentParser) -> None:
    """The options of the settings table."""
    add_options(parser)


def run(arguments: Namespace) -> int:
    """Serve until SIGTERM; 0 then, 2 for settings that cannot be, 1 where a worker or the store failed."""
    alone = _WORKER not in os.environ
    try:
        settings = checked(of_environment(arguments), alone=alone)
    except SettingError as error:
        print(f"misono: {error}", file=sys.stderr)
        return _SETTINGS_WRONG
    _log_to_stderr(settings)
    if settings.workers > 1 and alone:
        return _supervise(settings)
    if not alone:
        _die_with(int(os.environ[_WORKER].partition(":")[0]))
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from broker import wiring  # noqa: PLC0415  the process that only watches over workers stays small

    try:
        wiring.run(settings, os.environ.get(_WORKER, "0").rpartition(":")[2])
    except wiring.StartError as error:
        print(f"misono: {error}", file=sys.stderr)
        return _SETTINGS_WRONG
    log.info("stopped")
    return 0


def _supervise(settings: Settings) -> int:
    """Start the workers; end them all when one ends or this process is told to."""
    command = [sys.executable, "-m", "broker", *sys.argv[1:]]
    workers = [
        subprocess.Popen(command, env={**os.environ, _WORKER: f"{os.getpid()}:{number}"})  # noqa: S603  our own words
        for number in range(settings.workers)
    ]
    told = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        told.set()
        for worker in workers:
            worker.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    if not told.is_set():
        log.error("a worker ended by itself: ending the others")
        stop(signal.SIGTERM, None)
        told.clear()
    codes = {worker.wait() for worker in workers}
    return 0 if told.is_set() and codes <= {0, -signal.SIGTERM} else max(map(abs, codes)) or 1


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the supervising one is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the kernel knew
        sys.exit(1)


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(
        level=_LEVELS[settings.log_level.upper()], stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )  # fmt: skip
