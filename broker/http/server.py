"""granian in this process: one event loop, one worker, a drain at the end.

granian's embedded server is used for every worker process: with one worker the process of `misono serve` is all there
is (no child that could outlive it, 30 MiB less), with several each child runs the same code.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from broker.ports import INLINE

BACKLOG = 1024
HEADER_BYTES_MAX = 64 * 1024
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WARM_AFTER_S = 0.2
"""What can wait until the first requests are answered."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where to listen, and the files of TLS: PEM certificate and key, and the CA that clients' certificates need."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """What to do once requests are taken, and when the stop begins."""

    on_start: Callable[[], None]
    on_stop: Callable[[], None]


def serve(application: Any, binding: Binding, moments: Moments) -> None:  # noqa: ANN401  an ASGI callable
    """Serve until SIGTERM or SIGINT; then take no new connection, and end what is under way."""
    uvloop.run(_serve(application, binding, moments))
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # told twice: what is left to do is done to its end


async def _serve(application: Any, binding: Binding, moments: Moments) -> None:  # noqa: ANN401  an ASGI callable
    INLINE.set(True)
    server = Server(
        application,
        binding.host,
        binding.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES_MAX),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        runtime_threads=1,
        runtime_blocking_threads=1,
        log_enabled=False,
        ssl_cert=binding.tls_cert,
        ssl_key=binding.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        ssl_ca=binding.client_ca,
        ssl_client_verify=binding.client_ca is not None,
    )

    def stop() -> None:
        moments.on_stop()
        server.stop()  # type: ignore[no-untyped-call]

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    loop.call_later(WARM_AFTER_S, moments.on_start)
    await server.serve()
