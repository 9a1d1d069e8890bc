"""What the hub shows of the market: orders and contracts, each to those whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.energy.configured import Community
from services.energy.market.agreed import Contract
from services.energy.market.book import Book, Kept
from services.energy.market.configured import Settings
from services.energy.market.people import People
from services.energy.market.schedule import current, power
from services.ledger.amounts import told
from services.shaping import Shaper
from services.showing import show

PACKAGE: Final = "misono-energy"
AT_ONCE: Final = 500
_MILLI: Final = 1_000


class Projector:
    """Shows what changed; what could not be shown waits."""

    def __init__(self, hub: Hub, library: Callable[[], Library], book: Book, people: People) -> None:
        self._hub, self._library, self._book, self._people = hub, library, book, people

    def catch_up(self, settings: Settings, community: Community) -> None:
        """Show what is not shown as it is. Raises ServiceUnavailable: it is kept, and shown later."""
        if not (marks := self._book.unshown()):
            return
        self._people.look()
        ids = [*marks]
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            show(self._hub, community.tenant, self._fragments(some, settings, community), "agreed")
            self._book.was_shown({one: marks[one] for one in some})

    def _fragments(self, ids: Iterable[str], settings: Settings, community: Community) -> Mapping[str, Fragment | None]:
        library = self._library()
        orders = Shaper(library, PACKAGE, "PowerInterchangeOrder")
        contracts = Shaper(library, PACKAGE, "PowerInterchangeContract")
        found: dict[str, Fragment | None] = {}
        for one in ids:
            if ":PowerInterchangeOrder:" in one:
                found[one] = self._order(orders, self._book.order(one), community)
            else:
                found[one] = self._contract(contracts, self._book.contract(one), settings, community)
        return found

    def _order(self, shaper: Shaper, kept: Kept, community: Community) -> Fragment | None:
        order = kept.order
        if order.participant not in self._people.look():
            return None  # whose it is nobody knows (any more): then nobody sees it
        return shaper.entity(order.id, {
            "dataSubject": self._people.named(order.participant), "participant": order.participant,
            "refCommunity": community.id, "side": order.side, "deliveryStart": to_text(order.start),
            "deliveryEnd": to_text(order.start + community.slots.length), "quantity": order.wh,
            "priceLimit": told(order.price), "divisible": order.divisible, "sourceType": order.source,
            "priority": order.priority, "orderStatus": kept.status,
        })  # fmt: skip

    def _contract(
        self, shaper: Shaper, contract: Contract, settings: Settings, community: Community
    ) -> Fragment | None:
        both = (contract.seller, contract.buyer)
        if not {*both} <= self._people.look().keys():
            return None
        milliamps = current(power(contract.wh, community.slots.minutes), settings.limits.volts)
        return shaper.entity(contract.id, {
            "dataSubject": sorted({one for name in both for one in self._people.named(name)}),
            "seller": contract.seller, "buyer": contract.buyer, "deliveryStart": to_text(contract.start),
            "deliveryEnd": to_text(contract.end), "quantity": contract.wh, "unitPrice": told(contract.price),
            "contractState": contract.state, "referenceCurrent": milliamps / _MILLI,
            "deliveredEnergy": contract.delivered, "receivedEnergy": contract.received,
            "orders": [one for one in (contract.sold, contract.bought) if one], "marketRun": contract.run,
        })  # fmt: skip
