"""Who may only look for somebody changes nothing of theirs, in any room; who may decide for them does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.consent_city import ConsentCity, consent_city, for_

LEDGER, PRICING, BANK = "//services/ledger", "//services/pricing", "//services/bank"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


def appoint(city: ConsentCity, *scope: str) -> None:
    city.ask("hana", "POST", "/delegations", {
        "delegate": "urn:misono:subject:taro", "kind": "chosenDelegate", "scope": [*scope],
        "validUntil": city.in_days(10),
    })  # fmt: skip
    assert city.status == 201


def opened(city: ConsentCity, who: str) -> str:
    return str(city.ask(who, "POST", f"{LEDGER}/accounts", {"currency": "POINT"})["id"])


def changes(city: ConsentCity) -> list[int]:
    """The answers when taro moves hana's points, opens an account, sets a price, complains, escalates and ends."""
    hana, taro = opened(city, "hana"), opened(city, "taro")
    city.ask("yamada", "POST", f"{LEDGER}/issuances", {"to": hana, "amount": 100}, Idempotency_Key="first")
    own = city.ask("hana", "POST", f"{BANK}/complaints", {"text": "too many letters"})["id"]
    moved = {"from": hana, "to": taro, "amount": 60}
    whose = for_("hana")
    answers = []
    for method, path, body in (
        ("POST", f"{LEDGER}/transfers", moved),
        ("POST", f"{LEDGER}/accounts{whose}", {"currency": "JPY"}),
        ("PUT", f"{PRICING}/my/reserves{whose}", {"item": "*", "amount": 1}),
        ("POST", f"{BANK}/complaints{whose}", {"text": "mine"}),
        ("POST", f"{BANK}/complaints/{own}/escalation{whose}", {"note": "no answer"}),
        ("POST", f"{BANK}/complaints/{own}/end{whose}", {}),
    ):
        city.ask("taro", method, path, body, **({"Idempotency_Key": "gift"} if body is moved else {}))
        answers.append(city.status)
    return answers


def test_who_may_only_look_changes_nothing(city: ConsentCity) -> None:
    appoint(city, "maySee")
    assert changes(city) == [403] * 6
    (account,) = city.ask("taro", "GET", f"{LEDGER}/accounts{for_('hana')}")["accounts"]
    assert account["balance"] == 100, "looking stays theirs"
    assert city.ask("taro", "GET", f"{PRICING}/my/reserves{for_('hana')}") == {"reserves": []}
    assert len(city.ask("hana", "GET", f"{BANK}/complaints")) == 1


def test_who_may_decide_does(city: ConsentCity) -> None:
    appoint(city, "maySee", "mayDecide")
    first, *rest = changes(city)
    assert (first, rest[:3]) == (201, [201, 200, 201])
    assert 403 not in rest
