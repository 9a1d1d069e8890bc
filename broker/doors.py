"""What was built, and its doors: the front, and Flask behind it, over one operation table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from broker.admitting import Admitted
from broker.http.events import PATH, Events
from broker.http.exchange import House
from broker.http.exports import PATH as EXPORT_PATH
from broker.http.exports import Exports
from broker.http.front import Application, Attachment, Beside, Front
from broker.http.health import Readiness, make_pages, text_page
from broker.http.route import Routes
from broker.http.table import OPERATIONS
from broker.joining import merged
from broker.model.values import Json
from broker.stores.opening import Store
from datamodels.at_need import AtNeed

if TYPE_CHECKING:
    from flask import Flask

    from adapters.commands.guarding import Guard

FLASK_THREADS, FLASK_WAITING_THREADS = 8, 32
"""Threads behind the front for what is not hot, the latter where they wait for a server; what is beyond them waits."""


@dataclass(frozen=True, slots=True)
class Built:
    """A broker without a door: what other commands than `serve` and what tests work with.

    `close` ends its timers and its store; the order is that of building, backwards.
    """

    house: House
    store: Store
    closing: ExitStack
    delivers: Callable[[], bool] | None = None
    guard: Guard | None = None
    packages: AtNeed | None = None
    admitted: Admitted | None = None

    def close(self) -> None:
        """Finish and let go."""
        self.closing.close()


@dataclass(frozen=True, slots=True)
class Doors:
    """Both doors of one broker."""

    front: Front
    app: Callable[[], Flask]
    readiness: Readiness
    events: Events

    def stop(self) -> None:
        """The stop begins: say so, and end the streams, which would hold it."""
        self.readiness.stop()
        self.events.stop()

    def close(self) -> None:
        """Nothing is served any more: end the threads."""
        self.events.close()
        self.front.close()


def make_doors(built: Built, *beside: Attachment) -> Doors:
    """The front and Flask, over one operation table; Flask is made when it is first needed."""
    routes, readiness = Routes(OPERATIONS), Readiness()

    def parts() -> Mapping[str, Json]:
        found = dict(built.store.state())
        if built.delivers is not None:
            found["delivery"] = "ok" if built.delivers() else "failing"
        return {**found, **merged(one.state() for one in beside)}

    def others() -> Mapping[str, Any]:
        return merged(one.described() for one in beside)

    pages = make_pages(OPERATIONS, version("misono"), parts, readiness, others)
    pages += (("/metrics", partial(text_page, partial(_metrics, built.house, beside))),)

    @cache
    def app() -> Flask:
        from broker.http.app import make_app  # noqa: PLC0415  half of the start is importing Flask

        return make_app(built.house, OPERATIONS, routes, pages)

    def behind() -> Application:
        from a2wsgi import WSGIMiddleware  # noqa: PLC0415  as Flask

        threads = FLASK_THREADS if built.store.inline else FLASK_WAITING_THREADS
        return cast("Application", WSGIMiddleware(cast("Any", app()), workers=threads))

    events = Events(built.house)
    streams: Mapping[str, Application] = {PATH: events, EXPORT_PATH: Exports(built.house)}
    mounts = Beside(streams, merged(one.mounts for one in beside))
    return Doors(Front(built.house, routes, pages, behind, mounts), app, readiness, events)


def _metrics(house: House, beside: Iterable[Attachment]) -> str:
    return "".join(part.metrics() for part in (house.far, house.models, *beside) if part is not None)
