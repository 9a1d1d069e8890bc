"""What all parts of the engine share of other processes: opened before the first write, closed after the last."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.errors import PyMongoError

from broker.stores.mongo.beat import Beat
from broker.stores.mongo.bell import MongoBell
from broker.stores.mongo.documents import MongoDocuments
from broker.stores.mongo.generations import Generations
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.leases import MongoLeases
from broker.stores.mongo.pulse import POLL_S, Pulse
from broker.stores.mongo.slots import RENEW_S, Slots
from broker.stores.mongo.tenants import MongoTenants


class Hub:
    """Tenants, generations, leases, the number of this process, hub-wide documents, and who listens to commits."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.pulse = Pulse(ground.hub)
        self.tenants = MongoTenants(ground.hub, self.pulse)
        self.generations = Generations(ground.held, self.pulse)
        self._of_documents = Generations(ground.hub, self.pulse)
        self.documents = MongoDocuments(ground.hub, ground.stamps, self.pulse, self._of_documents)
        self.leases = MongoLeases(ground.hub, ground.clock)
        self.slots = Slots(ground.hub, ground.clock, ground.stamps, self.pulse)
        self.bell = MongoBell(ground, self.pulse, self.slots)
        self._beats = [Beat("pulse", POLL_S, self.pulse.look), Beat("slot", RENEW_S, self.slots.renew)]
        self._listening: list[Callable[[str], None]] = []

    def every(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        """Call `work` so often between `open` and `close`, on a thread of its own; said before `open`."""
        self._beats.append(Beat(name, seconds, work))

    def open(self) -> None:
        """Take a number and begin to look at the others. Raises PyMongoError, UnusableStore."""
        self.slots.take()
        self.documents.generation("context")  # what the event loop asks for is there from the first request
        for beat in self._beats:
            beat.start()

    def state(self) -> str:
        """Whether the store answers: `ok` or `failing`."""
        return "failing" if self.pulse.slots() is None else "ok"

    def rest(self) -> None:
        """Nothing is done any more by itself."""
        for beat in self._beats:
            beat.end()
        for beat in self._beats:
            beat.stop()

    def close(self) -> None:
        """Give the number back; nothing is written any more."""
        self.rest()
        try:
            self.slots.release()
        except PyMongoError:
            return  # the number comes free by itself

    def listen_to_commits(self, told: Callable[[str], None]) -> None:
        """Call `told(tenant)` right after each commit of this process, on the thread that wrote."""
        self._listening.append(told)

    def tell(self, tenant: str) -> None:
        """Something was committed."""
        for told in self._listening:
            told(tenant)
