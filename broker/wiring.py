"""The one place that builds objects and hands them to each other."""

from __future__ import annotations

import gc
import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop

from broker.admitting import Admitted, BadAccess, admit
from broker.contexts.copies import BadMap, read_copies
from broker.contexts.loading import HttpLoader
from broker.contexts.resolving import Contexts
from broker.contexts.shelf import Shelf
from broker.contexts.usage import Usage
from broker.doors import Built, make_doors
from broker.http.exchange import House, Limits
from broker.http.front import Attachment
from broker.http.proxied import Proxied
from broker.http.server import Binding, Moments, serve
from broker.joining import (
    BadModels,
    among,
    begun,
    beside,
    describe,
    gated,
    guard_claims,
    make_federation,
    make_packages,
    public_url_of,
    start_subscribing,
)
from broker.ldcontext.core import core_context
from broker.model.values import Instant
from broker.notify.attempts import Attempts
from broker.notify.composing import Composer
from broker.notify.counted import CountedOutbox
from broker.notify.courier import Limits as DeliveryLimits
from broker.notify.dispatch import Delivering, Dispatch
from broker.notify.message import BadKey, Transports
from broker.notify.queues import Policy
from broker.notify.transports import Makers
from broker.notify.watch import Watches
from broker.operations.broker import Broker, Lifetimes
from broker.operations.read_only import frozen
from broker.operations.retain import BadRules, read_rules, retain
from broker.operations.snapshot_tending import tend_snapshots
from broker.ports import Access, Clock, DocumentStore
from broker.ports.disclosing import Telling
from broker.ports.erasures import Erasures, Unrecorded
from broker.ports.outbox import Probed, undelivered
from broker.ports.places import News, to_nobody
from broker.settings import Settings, is_url, without_secrets
from broker.stores.ledger import NAME as LEDGER
from broker.stores.ledger import Ledger
from broker.stores.moving import COPY_ID, COPY_KIND
from broker.stores.opening import Store, UnusableEngine, directory, memory, server
from broker.timers import Background, Repeating, UnderLease
from datamodels.at_need import AtNeed
from datamodels.installed import Copies
from federation.health import Book
from federation.snapshots import FarSnapshots
from linkeddata.described import BadDescription, Described
from linkeddata.serving import Catalogues

if TYPE_CHECKING:
    from broker.stores.mongo.store import MongoStore

log = logging.getLogger("misono")

GC_THRESHOLD = 50_000
"""New containers between two looks for cycles: a batch of a hundred entities makes about 6,000."""
RETENTION_S = 3_600.0
"""How often old history is looked for."""
MODELS_S = 0.25
"""How often it is looked whether a package of --models changed."""
SWEEP_LEASES = 3
"""Sweeps that one process may miss before another one takes over."""


class StartError(Exception):
    """Something that was named at the start is not in order; the message says what."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Instant:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000


def build(
    settings: Settings,
    clock: Clock | None = None,
    access: Access | None = None,
    *,
    worker: str = "0",
    deliver: bool = False,
) -> Built:
    """The broker of these settings; notifications are kept, and sent where `deliver` says so.

    Raises StartError where the data directory or a file that was named is not in order.
    """
    clock, closing, watches = clock or SystemClock(), ExitStack(), Watches()
    admitted = _admit(settings, clock, packages := _start_packages(settings, closing), access)
    access, telling = admitted.access, _telling(settings, admitted, clock, closing)
    store = _in_service(_open_store(settings, clock, admitted, watches), settings, closing)
    worker = f"broker-{cast('MongoStore', store).number}" if is_url(settings.store) else worker
    closing.callback((contexts := _make_contexts(settings, store, clock, worker, packages)).flush)
    _start_sweep(settings, store, closing)
    dispatch: Dispatch | None = None
    outgoing: tuple[Callable[[News], None], Callable[[str, str], Future[Probed]]] = to_nobody, undelivered
    if deliver:
        composer = Composer(store, contexts, access, clock, telling)
        dispatch = _start_delivery(settings, store, composer, clock, watches)
        closing.callback(dispatch.stop)
        outgoing = dispatch.announce, dispatch.probe
    outbox = CountedOutbox(store.outbox, Attempts() if dispatch is None else dispatch.attempts)
    entities, history, models, guard = gated(settings, store, admitted, packages, closing)
    parts = store.held, outbox, store.leases, history
    rest = _new_id, store.places, _background(closing), Lifetimes(settings.entity_map_s, settings.snapshot_s)
    told = *outgoing, _make_erasures(settings), (described := _described(settings)).personal
    last = FarSnapshots(), beside(settings), admitted.of_persons(described.personal)
    broker = frozen(
        Broker(entities, store, store, store, access, clock, *parts, *rest, *told, *last), when=settings.read_only
    )
    _start_timers(settings, broker, closing)
    far = make_federation(settings, broker, contexts, Book(store.held, clock, worker), closing)
    catalogues, who = Catalogues(described, public_url_of(settings), settings.alias), (admitted.identity, telling)
    more = far, catalogues, models, settings.read_only, store.inline, *who
    limits, now = Limits(instances_max=settings.temporal_page), clock.now()
    house = begun(House(broker, contexts, contexts, core_context(), settings.alias, now, limits, *more), far)
    if dispatch is not None:
        closing.callback(start_subscribing(settings, house, store, far, dispatch).close)
    return Built(house, store, closing, None if dispatch is None else dispatch.alive, guard, packages, admitted)


def _admit(settings: Settings, clock: Clock, packages: AtNeed, access: Access | None) -> Admitted:
    try:
        return admit(settings, clock, packages, access)
    except BadAccess as error:
        raise StartError(str(error)) from error


def _background(closing: ExitStack) -> Background:
    background = Background("background")
    closing.callback(background.stop)
    return background


def _telling(settings: Settings, admitted: Admitted, clock: Clock, closing: ExitStack) -> Telling | None:
    """What exits write down what leaves with; None where no access is configured."""
    if settings.access is None:
        return None
    from broker.audit.opening import BadAudit, open_audit  # noqa: PLC0415  a broker without residents shall not carry it

    try:
        audit = open_audit(None if settings.store == "memory" else settings.data, clock, admitted.city, closing)
    except BadAudit as error:
        raise StartError(f"--access {settings.access}: {error}") from error
    audit.begin()
    admitted.audit = audit
    return Telling(audit, admitted.consents.epoch, clock)


def _start_timers(settings: Settings, broker: Broker, closing: ExitStack) -> None:
    if settings.read_only:
        return
    closing.callback(Repeating("snapshots", settings.sweep_s, partial(tend_snapshots, broker)).stop)
    if settings.retention is not None:
        closing.callback(_start_retention(settings.retention, broker).stop)


def _start_sweep(settings: Settings, store: Store, closing: ExitStack) -> None:
    if settings.read_only:
        return
    sweep = UnderLease(store.leases, "sweep", _new_id(), SWEEP_LEASES * settings.sweep_s, store.sweep)
    closing.callback(sweep.release)
    closing.callback(Repeating("sweep", settings.sweep_s, sweep).stop)


def _described(settings: Settings) -> Described:
    try:
        return describe(settings)
    except BadDescription as error:
        raise StartError(str(error)) from error


def _start_retention(path: Path, broker: Broker) -> Repeating:
    try:
        rules = read_rules(path.read_text(), core_context().expand)
    except (OSError, UnicodeDecodeError, BadRules) as error:
        raise StartError(f"--retention {path}: {error}") from error
    work = UnderLease(broker.leases, "retention", _new_id(), 2 * RETENTION_S, lambda: retain(broker, rules))
    return Repeating("retention", RETENTION_S, work)


def _start_delivery(settings: Settings, store: Store, composer: Composer, clock: Clock, watches: Watches) -> Dispatch:
    policy = Policy(settings.notify_attempts, settings.notify_backoff_s, settings.notify_backoff_max_s)
    makers = _make_makers(settings, clock)
    parts = Delivering(
        outbox=store.outbox,
        held=store.held,
        marks=store.held,
        leases=store.leases,
        changes=store,
        watches=watches,
        composer=composer,
        transports=lambda: Transports(makers.make, makers.load),
        clock=clock,
        chance=random.random,
        new_loop=uvloop.new_event_loop,
        limits=DeliveryLimits(policy, settings.notify_timeout_s),
        among=among(settings, store, _new_id()),
    )
    dispatch = Dispatch(parts)
    dispatch.start()
    return dispatch


def _make_makers(settings: Settings, clock: Clock) -> Makers:
    try:
        return Makers(
            clock, allow_private=settings.allow_private, ca=settings.notify_ca, key=settings.notify_key,
            key_id=settings.notify_key_id,
        )  # fmt: skip
    except BadKey as error:
        raise StartError(f"--notify-key {settings.notify_key}: {error}") from error


def _new_id() -> str:
    return uuid.uuid4().hex


def _make_erasures(settings: Settings) -> Erasures:
    return Unrecorded() if settings.store == "memory" else Ledger(erasures_of(settings))


def erasures_of(settings: Settings) -> Path:
    """Where the ledger of erasures is."""
    return settings.erasures or settings.data / LEDGER


def _start_packages(settings: Settings, closing: ExitStack) -> AtNeed:
    try:
        packages = make_packages(settings)
    except BadModels as error:
        raise StartError(str(error)) from error
    if settings.models is not None:
        closing.callback(Repeating("models", MODELS_S, packages.look).stop)
    return packages


def _make_contexts(settings: Settings, store: DocumentStore, clock: Clock, worker: str, packages: AtNeed) -> Contexts:
    try:
        copies = Copies(packages, read_copies(settings.contexts) if settings.contexts else {})
    except BadMap as error:
        raise StartError(f"--contexts {settings.contexts}: {error}") from error
    usage, url = Usage(store, worker), public_url_of(settings)
    shelf = Shelf(store, clock, usage, _new_id, url, copies, clock.now(), packages.changes)
    return Contexts(shelf, HttpLoader(clock, settings.allow_private))


def _open_store(settings: Settings, clock: Clock, admitted: Admitted, watches: Watches) -> Store:
    named, opened = f"--data {settings.data}", directory(settings.data, admitted.personal)
    if settings.store == "memory":
        named, opened = "--store memory", memory()
    elif is_url(settings.store):
        named, opened = f"--store {without_secrets(settings.store)}", server(settings.store)
    try:
        return opened(clock, admitted.access.label, watches)
    except UnusableEngine as error:
        raise StartError(f"{named}: {error}") from error


def _in_service(store: Store, settings: Settings, closing: ExitStack) -> Store:
    """The store, which from now on is no copy of another one. Raises StartError for a copy that is not whole."""
    closing.callback(store.close)
    copied = None if settings.read_only else store.find(COPY_KIND, COPY_ID)
    if copied is not None and not copied.body["whole"]:
        closing.close()
        raise StartError(f"a copy of {copied.body['from']} was begun here and did not end: run `misono copy` again")
    if copied is not None:
        store.delete(COPY_KIND, COPY_ID)
    return store


def _collect_rarely() -> None:
    """Spare the cycle collector what lives as long as the process, and the documents that come and go.

    A batch makes tens of thousands of containers and no cycle: with CPython's default of 700 the collector walks them
    many times, a tenth of the CPU of a load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)


def _attach(settings: Settings, built: Built) -> Iterator[Attachment]:
    """The services of --access and the adapters of --adapters, started; they stop before the store does."""
    if settings.access is not None:
        yield _attach_services(settings, built)
    if settings.adapters is not None:
        yield _attach_adapters(settings, built)


def _attach_services(settings: Settings, built: Built) -> Attachment:
    from broker.serving_city import furnish  # noqa: PLC0415  a broker without residents shall not carry them

    assert built.admitted is not None
    assert built.packages is not None
    try:
        served = furnish(settings, built.house, built.admitted, built.packages, built.closing)
    except BadAccess as error:
        raise StartError(str(error)) from error
    served.start()
    return served


def _attach_adapters(settings: Settings, built: Built) -> Attachment:
    from broker.attaching import BadSettings, Commands, attach  # noqa: PLC0415  a broker without devices shall not carry them

    try:
        attached = attach(settings, built.house, built.closing, Commands(built.guard, built.packages))
    except BadSettings as error:
        raise StartError(f"--adapters {settings.adapters}: {error}") from error
    attached.start()
    return attached


def run(settings: Settings, worker: str) -> None:
    """Serve until told to stop; then drain, commit and close. Raises StartError."""
    built = build(settings, worker=worker, deliver=True)
    try:
        guard_claims(settings, built.store, built.guard, built.house.broker.clock)
        doors = make_doors(built, *_attach(settings, built))
        binding = Binding(settings.host, settings.port, settings.tls_cert, settings.tls_key, settings.client_ca)
        log.info(
            "serving on %s:%d, %s in %s", settings.host, settings.port, without_secrets(settings.store), settings.data
        )
        _collect_rarely()
        door = doors.front if built.house.identity is None else Proxied(doors.front, settings.trusted_proxy)
        serve(door, binding, Moments(doors.front.warm, doors.stop))
        doors.close()
    finally:
        built.close()
