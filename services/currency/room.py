"""The room of the life of points: accounts, transfers and statements are the ledger's (docs/bank.md).

GET /services/currency/points      a resident (`for`): what expires when

[currency]
tenant = "misono"
life_days = 365
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json, to_text
from services.currency.purses import PURSE, TABLES, Purses
from services.following import Wish
from services.ledger.amounts import told
from services.pattern.answering import FOR, Desk, Doors, answered
from services.pattern.cases import Cases
from services.pattern.room import CityRoom, Service
from services.room import BadCity, Ground

if TYPE_CHECKING:
    from services.ledger.room import LedgerRoom

NAME: Final = "currency"
LIFE_MAX: Final = 3_660
TEXT: Final[dict[str, Json]] = {
    "ja": "古いポイントから使われ、期限が来ると失効します",
    "en": "The oldest points are spent first; they expire",
}


def open_room(ground: Ground) -> CityRoom:
    """The room. Raises BadCity."""
    said = ground.city[NAME]
    if not isinstance(said, dict) or said.keys() - {"tenant", "life_days"}:
        raise BadCity("[currency] is a table of tenant and life_days")
    life = said.get("life_days", 365)
    if type(life) is not int or not 1 <= life <= LIFE_MAX:
        raise BadCity(f"[currency] life_days: a whole number from 1 to {LIFE_MAX}")
    cases, tenant = Cases(ground, NAME), str(said.get("tenant", ""))
    ground.file.tables("currency_purses", TABLES)
    purses = Purses(ground, cases, cast("LedgerRoom", ground.rooms["ledger"]), life)
    account = ground.library().packages["misono-currency"].models["LocalCurrencyAccount"].iri
    ground.following.register(Wish(NAME, tenant, frozenset({account}), partial(purses.took, tenant), purses.begin))
    service = Service(NAME, _routes(ground, cases), lambda _tenant, _case: [], purses.due)
    return CityRoom(ground, cases, service, purses.look)


def _routes(ground: Ground, cases: Cases) -> Sequence[Route]:
    desk = Desk(ground)

    def points(asked: Asked) -> Response:
        found = cases.of(asked.tenant, PURSE, desk.person(asked))
        lots: list[Json] = [
            {"amount": told(held), "expiresAt": to_text(end)} for purse in found for end, held in purse.body["lots"]
        ]
        return answered({"points": lots, "text": TEXT})

    rows = Doors("/services/currency", NAME)
    rows.get("/points", "list_points", points, FOR)
    return rows.all
