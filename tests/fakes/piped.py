r"""A pipeline from frames to entities without sockets: a link that a test holds in its hand, a hub in this process.

with piped(tmp_path, {"meters.yaml": "adapter: meters\nlink: hand\n…", "rooms.yaml": "mapping: rooms\n…"}) as pipe:
    pipe.give("meters", Frame(b'{"t": 21}', pipe.now(), device="sensor-1"))
    assert pipe.entity("urn:ngsi-ld:Room:sensor-1")["temperature"]["value"] == 21
"""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from adapters.assembling import Around, Assembled, assemble
from adapters.counting import Counts
from adapters.frame import Frame
from adapters.link import Ground, Link, Receive
from adapters.mapping_files import packaged_contexts
from adapters.order import Delivered, Order
from adapters.quarantine import Chosen, Quarantined
from adapters.store import AdapterStore
from adapters.table import make_link
from broker.doors import Built
from broker.encode.entity import Representation, encode_document
from broker.hub.inside import HubInside
from broker.ldcontext.core import core_context
from broker.ports import Clock
from broker.ports.hub import Hub
from broker.settings import read_settings
from broker.wiring import SystemClock, build

PATIENCE_S = 30.0
T = TypeVar("T")


@dataclass
class HandLink:
    """A link whose frames a test gives; what is sent to devices is in `orders`."""

    receive: Receive | None = None
    orders: list[Order] = field(default_factory=list)

    async def run(self, receive: Receive) -> None:
        """Wait for frames."""
        self.receive = receive
        await asyncio.Event().wait()

    async def send(self, order: Order) -> Delivered:
        """Every device does what it is told."""
        self.orders.append(order)
        return Delivered("OK")


@dataclass
class Pipe:
    """Adapters that run, and the hub behind them."""

    assembled: Assembled
    hub: Hub
    clock: Clock
    links: dict[str, HandLink]
    built: Built | None = None

    def give(self, adapter: str, *frames: Frame) -> None:
        """Have the link take these frames at once; on return it may acknowledge them."""
        link = self.links[adapter]
        until(lambda: link.receive is not None)
        assert link.receive is not None
        self.assembled.running.call(_given(link.receive, frames)).result(PATIENCE_S)

    def quarantined(self, **chosen: Any) -> list[Quarantined]:
        """What is in quarantine."""
        return self.assembled.running.quarantine.find(Chosen(**chosen))

    def reasons(self) -> list[str]:
        """Why, the oldest first."""
        return [one.refused.reason for one in self.quarantined()]

    def counts(self, adapter: str) -> Counts:
        """The adapter's counters."""
        return self.assembled.running.adapters[adapter].counts

    def now(self) -> int:
        """The hub's clock."""
        return self.clock.now()

    def settle(self) -> None:
        """Return once nothing waits for the hub."""
        until(lambda: self.assembled.running.queue.depth == 0)

    def entity(self, entity_id: str, tenant: str = "") -> dict[str, Any]:
        """What became of it, once the queue is empty; names as the core @context shortens them."""
        self.settle()
        found = self.hub.entity(tenant, entity_id)
        assert found is not None, f"there is no {entity_id}"
        return encode_document(found, Representation(), core_context())


async def _given(receive: Receive, frames: tuple[Frame, ...]) -> None:
    await receive(frames)


def until(met: Callable[[], T]) -> T:
    """What `met` gives as soon as it is true."""
    end = time.monotonic() + PATIENCE_S
    while not (found := met()):
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.005)
    return found


@contextmanager
def piped(
    directory: Path,
    files: Mapping[str, str],
    *,
    clock: Clock | None = None,
    hub: Hub | None = None,
    make_store: Callable[[Path], AdapterStore] = AdapterStore,
) -> Iterator[Pipe]:
    """Adapters of these files, by name, on a memory store of entities; `link: hand` is given frames by `give`."""
    clock, folder, links = clock or SystemClock(), directory / "city", {}

    def made(name: str, ground: Ground) -> Link:
        if name != "hand":
            return make_link(name, ground)
        links[ground.adapter] = HandLink()
        return links[ground.adapter]

    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with ExitStack() as closing:
        built = None
        if hub is None:
            built = build(read_settings(Namespace(config=""), {"MISONO_STORE": "memory"}), clock=clock)
            closing.callback(built.close)
            hub = HubInside(built.house)
        store = make_store(directory / "data")
        closing.callback(store.close)
        around = Around(hub, store, clock, packaged_contexts(), make_link=made)
        assembled = assemble(folder, around)
        assembled.start()
        closing.callback(assembled.stop)
        yield Pipe(assembled, hub, clock, links, built)
