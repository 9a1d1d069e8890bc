"""What reaches beyond one broker, built: sources and those who follow them, and the catalogue for strangers.

For `wiring`, which knows the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import uvloop

from adapters.commands.claimed import HeldClaims
from adapters.commands.guarding import Guard, Guarded
from broker.admitting import Admitted
from broker.contexts.resolving import Contexts
from broker.errors import ServiceUnavailable
from broker.http.exchange import House, Models
from broker.ldcontext.core import core_context
from broker.notify.among import SERVER_LEASE_S, Among
from broker.notify.dispatch import Dispatch
from broker.notify.doorbell import Doorbell
from broker.notify.slots import Slot, taken
from broker.operations.broker import Broker
from broker.ports import Access, Clock, DocumentStore, EntityStore
from broker.ports.erasures import Beside
from broker.ports.evolution import EvolutionStore
from broker.ports.held import HeldStore
from broker.ports.outbox import Leases
from broker.settings import Settings, is_url
from broker.stores.opening import Documents, Store
from datamodels.at_need import AtNeed
from datamodels.contexts import TermClash
from datamodels.gate import Counts, Gate, Gated
from datamodels.gate_history import GatedHistory
from datamodels.installed import Installed
from datamodels.library import built_in
from datamodels.policies import HeldPolicies, Mode
from datamodels.reading import BadSource
from datamodels.serving import Served
from federation.answers import AnswerLimits
from federation.asking import HttpSources, Terms
from federation.distribute import Distributor
from federation.distribute import Parts as CopyParts
from federation.health import Book
from federation.hub import Federation, Hub
from federation.registry import LOOK_S, Registry
from federation.relay import Relays
from federation.snapshots import FarSnapshots
from federation.standing import Ground, Standing, Subscribing
from federation.table import HANDLERS
from federation.tell import Patience, Post, Teller
from linkeddata.described import BadDescription, Described, read_description

if TYPE_CHECKING:
    from broker.stores.mongo.store import MongoStore

T = TypeVar("T")
DEVICES = "adapters.sqlite"
"""The file of adapters in the data directory."""
SERVING = "serving"
"""The kind of the hub's document that every process writes that begins to serve."""
LOOK_ALONE_S = 1.0
"""How often it is looked for registrations and subscriptions of other processes, where none are known to be."""


class BadModels(Exception):
    """The packages of --models cannot be used; the text says which and why."""


class Kept(Protocol):
    """What of an engine is needed here."""

    @property
    def held(self) -> Documents:
        """Documents of a tenant, and its marks."""

    @property
    def leases(self) -> Leases:
        """Who of several processes does a job."""


class Serving(DocumentStore, Protocol):
    """What of an engine is needed to know what adapters claim, and who else serves."""

    @property
    def held(self) -> HeldStore:
        """Documents of a tenant."""


def make_federation(
    settings: Settings, broker: Broker, contexts: Contexts, book: Book, closing: ExitStack
) -> Federation:
    """The port of the doors to the sources that are registered."""
    terms = Terms(
        alias=settings.alias,
        public_url=public_url_of(settings),
        timeout_s=settings.forward_timeout_s,
        answers=AnswerLimits(settings.forward_bytes),
        certificates=settings.source_certificates,
        pass_tenant=settings.pass_tenant,
        allow_private=settings.allow_private,
        personal=broker.of_persons,
    )
    sources = HttpSources(terms, contexts, book, uvloop.new_event_loop)
    closing.callback(sources.close)
    hub = Hub(Registry(broker.held, book.clock), sources, settings.alias, public_url_of(settings))
    return Federation(hub, HANDLERS, book)


def start_subscribing(
    settings: Settings, house: House, store: Kept, far: Federation, dispatch: Dispatch
) -> Subscribing:
    """What is done for subscriptions that reach beyond this broker, and for those to registrations."""
    broker, hub = house.broker, far.hub
    patience = Patience(settings.notify_backoff_s, settings.notify_backoff_max_s)
    teller = Teller(store.held, Post(dispatch.send, house.names, broker.clock, patience))
    parts = CopyParts(
        store.held, house.names, broker.clock, hub.registry, hub.sources, hub.alias, hub.public_url, broker.new_id
    )
    alone = settings.workers == 1 and not is_url(settings.store)
    ground = Ground(store.held, store.leases, hub.registry, dispatch.holder, LOOK_ALONE_S if alone else LOOK_S)
    standing = Standing(ground, (teller.work, Distributor(parts).work))
    standing.start()
    subscribing = Subscribing(standing, teller, Relays(hub, store.held, broker.outbox, dispatch.send))
    far.begin(subscribing)
    return subscribing


def begun(house: House, far: Federation) -> House:
    """The house, whose snapshots ask sources from now on."""
    assert isinstance(house.broker.elsewhere, FarSnapshots)
    house.broker.elsewhere.begin(far.hub, house)
    return house


def describe(settings: Settings) -> Described:
    """What the file of --catalogue says. Raises BadDescription, naming the option."""
    if settings.catalogue is None:
        return Described()
    try:
        return read_description(settings.catalogue.read_text(encoding="utf-8"), core_context().expand)
    except (OSError, UnicodeDecodeError, BadDescription) as error:
        raise BadDescription(f"--catalogue {settings.catalogue}: {error}") from error


def make_packages(settings: Settings) -> AtNeed:
    """The models that come with Misono and those of --models; the latter are read at once. Raises BadModels."""
    models = settings.models
    if models is None:
        return AtNeed(_alone)
    packages = AtNeed(lambda: Installed(built_in(), models))
    try:
        packages.look()
    except (BadSource, TermClash, OSError) as error:
        raise BadModels(f"--models {models}: {error}") from error
    return packages


@cache
def _alone() -> Installed:
    """The packages that come with Misono: the same for every broker of a process."""
    return Installed(built_in())


def _guarded(settings: Settings, store: EntityStore, access: Access) -> tuple[EntityStore, Guard | None]:
    """The store, whose writes are asked for the right to command devices, once somebody says which do."""
    if settings.read_only:
        return store, None
    guard = Guard(access)
    return Guarded(store, guard), guard


def guard_claims(settings: Settings, store: Serving, guard: Guard | None, clock: Clock) -> None:
    """From now on this process serves: what adapters claim is asked for in its writes."""
    if guard is not None:
        guard.keep(HeldClaims(store.held), _alone_with(settings, store, clock))


def _alone_with(settings: Settings, documents: DocumentStore, clock: Clock) -> Callable[[], bool]:
    """Tells whether no other process has served this store since now; never again once one has.

    Each says that it begins before it serves; those from before hold a slot in the directory as long as they live.
    """
    if settings.store == "memory":
        return lambda: True
    before = documents.generation(SERVING)
    documents.put(SERVING, "broker", {}, clock.now())
    mine = documents.generation(SERVING)
    many = settings.workers > 1 or is_url(settings.store) or mine != before + 1 or taken(settings.data) > 1
    return lambda: not many and documents.generation(SERVING) == mine


def gated(
    settings: Settings, store: Store, admitted: Admitted, packages: AtNeed, closing: ExitStack
) -> tuple[EntityStore, EvolutionStore, Models, Guard | None]:
    """What is written to, behind access, the gate and the guard of commands; what the doors know of it; that guard."""
    policies = HeldPolicies(store.held, cast("Mode", settings.gate))
    gate = Gate(packages, policies, Counts(), converts=settings.convert_units)
    entities, guard = _guarded(settings, store, admitted.access)
    history, served = GatedHistory(store.history, gate), Served(packages, policies, gate.counts)
    return *admitted.begin(Gated(entities, gate), history, store, closing), served, guard


def among(settings: Settings, store: Kept, holder: str) -> Among:
    """Which of those that deliver for one store this process is."""
    if settings.store == "memory":
        return Among("process-0")
    if is_url(settings.store):
        return Among(holder, settings.workers, cast("MongoStore", store).bell, lease_s=SERVER_LEASE_S)
    slot = Slot(settings.data)
    bell = Doorbell(settings.data, slot.number, settings.workers)
    return Among(f"process-{slot.number}", settings.workers, bell, slot)


def beside(settings: Settings) -> list[Beside]:
    """What adapters left in the data directory, for erasures; who runs them takes that over."""
    if settings.store == "memory":
        return []

    def erase_from_file(tenant: str, entity_id: str) -> Mapping[str, int]:
        if not (settings.data / DEVICES).is_file():
            return {}
        from adapters.erasing_asked import Asking  # noqa: PLC0415  a broker without devices shall not carry them
        from adapters.store import AdapterStore, NotKept, UnusableFile  # noqa: PLC0415

        try:
            with closing(AdapterStore(settings.data)) as store:
                return Asking(store).erase(tenant, entity_id)
        except (NotKept, UnusableFile) as error:
            raise ServiceUnavailable(str(error)) from error

    return [erase_from_file]


def merged(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    """All of them in one; of two that name the same the later one."""
    return {name: one for part in parts for name, one in part.items()}


def public_url_of(settings: Settings) -> str:
    """The URL at which others reach this broker, without its path."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"
