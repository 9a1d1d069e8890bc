"""The room of childcare that neighbours share.

[childcare]
tenant = "misono"
currency = "JPY"           or POINT: what fees are paid in
zone = "Asia/Tokyo"        weekdays are the city's
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.childcare.doors import Doors
from services.childcare.sharing import Sharing
from services.ledger.postings import JPY, POINT
from services.pattern.cases import Cases
from services.pattern.room import CityRoom, Service
from services.room import BadCity, Ground

if TYPE_CHECKING:
    from services.ledger.room import LedgerRoom

NAME: Final = "childcare"


def open_room(ground: Ground) -> CityRoom:
    """The room. Raises BadCity."""
    said = ground.city[NAME]
    if not isinstance(said, dict) or (said.keys() - {"tenant", "currency", "zone"}):
        raise BadCity("[childcare] is a table of tenant, currency and zone")
    currency = said.get("currency", JPY)
    if currency not in (JPY, POINT):
        raise BadCity(f"[childcare] currency is one of {JPY}, {POINT}")
    try:
        zone = ZoneInfo(str(said.get("zone", "Asia/Tokyo")))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadCity("[childcare] zone is a name like Asia/Tokyo") from error
    cases = Cases(ground, NAME)
    sharing = Sharing(ground, cases, cast("LedgerRoom", ground.rooms["ledger"]), str(currency), zone)
    return CityRoom(ground, cases, Service(NAME, Doors(sharing).routes(), sharing.render, sharing.due))
