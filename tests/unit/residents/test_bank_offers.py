"""No offer is live without a decision of the board that holds for it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import Conflict
from tests.fakes.bank_city import BankCity, bank_city

STATE = "https://misono.example/def/offerState"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path) as found:
        found.board()
        yield found


def test_an_offer_is_live_once_the_board_allows_it(city: BankCity) -> None:
    offer = city.offer()
    assert city.shown(offer)[STATE]["vocab"] == f"{STATE}/offerDraft"
    with pytest.raises(Conflict, match="without a valid decision"):
        city.ask("operator", "POST", f"/offers/{offer}/publication", {})
    assert city.ask("university", "GET", "/offers") == []
    city.review(offer)
    city.ask("operator", "POST", f"/offers/{offer}/publication", {})
    assert city.shown(offer)[STATE]["vocab"] == f"{STATE}/offerLive"
    assert [one["id"] for one in city.ask("university", "GET", "/offers")] == [offer]
