"""What a source says of persons is shown to who may see it, whatever was asked of it; it is told who asks what for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.doors import make_doors
from broker.model.registration import EntityInfo, Information
from broker.model.subjects import DATA_SUBJECT
from tests.fakes.clock import FakeClock
from tests.fakes.few_consents import ALIAS, CLINIC, HEART_RATE, NS, READING, City, clinic, person
from tests.fakes.named import Named
from tests.fakes.neighbours import Neighbour, neighbours
from tests.fakes.unmistakable import UNMISTAKABLE

ID = "urn:ngsi-ld:Reading:hana:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
BEARER = {"Authorization": "Bearer clinic"}


@pytest.fixture
def asked() -> Iterator[tuple[Neighbour, City]]:
    """Misono, where consents decide, and Aizu, which has a reading and shows it to everybody."""
    with neighbours("misono", "aizu") as (misono, aizu):
        house, city = misono.built.house, City(FakeClock())
        broker = replace(house.broker, access=city.policy)
        guarded = replace(house, broker=broker, identity=Named({"clinic": clinic()}))
        misono.doors = make_doors(replace(misono.built, house=guarded))
        property_ = {"type": "Property", "value": UNMISTAKABLE}
        body = {"id": ID, "type": READING, HEART_RATE: property_, ALIAS: {**property_, "value": "my watch"}}
        aizu.json("POST", "/entities", body={**body, DATA_SUBJECT: {**property_, "value": person("hana")}})
        yield misono, city


def registered(misono: Neighbour, *attributes: str) -> None:
    information = (Information((EntityInfo((READING,)),), attributes),)
    misono.register(REG, "aizu", information=information, operations=("federationOps", "retrieveTemporal"))


READS = [
    f"/entities?type={READING}",
    f"/entities?type={READING}&attrs={ALIAS}",
    f"/entities?type={READING}&pick=id,{ALIAS}",
    f"/entities?type={READING}&q=alias==%22my%20watch%22",
    f"/entities?type={READING}&entityMap=true",
    f"/entities/{ID}",
    f"/entities/{ID}?pick={ALIAS}",
]


@pytest.mark.parametrize("attributes", [(), (ALIAS,), (ALIAS, HEART_RATE)], ids=["all", "alias", "two"])
@pytest.mark.parametrize("path", READS)
def test_nothing_is_shown_without_a_consent(
    asked: tuple[Neighbour, City], path: str, attributes: tuple[str, ...]
) -> None:
    misono, city = asked
    registered(misono, *attributes)
    hidden = misono.send("GET", path, BEARER)
    assert b"watch" not in hidden.body
    assert str(UNMISTAKABLE).encode() not in hidden.body
    assert hidden.status in (200, 201, 404)
    assert misono.sources.asked
    city.give("hana", HEART_RATE)
    if attributes != (ALIAS,) and "attrs=" not in path and "?pick=" not in path:
        # of whom nothing is asked that was agreed to, nothing is seen that is not personal itself
        assert b"watch" in misono.send("GET", path, BEARER).body, path
    city.withdraw("hana")
    assert b"watch" not in misono.send("GET", path, BEARER).body


def test_a_source_is_told_who_asks_what_for(asked: tuple[Neighbour, City]) -> None:
    misono, _ = asked
    registered(misono, ALIAS)
    misono.send("GET", f"/entities/{ID}", BEARER)
    told: dict[str, Any] = dict(misono.sources.asked[-1].headers)
    assert told == {"Misono-Purpose": clinic_purpose(), "Misono-On-Behalf-Of": CLINIC}
    [attrs] = [text for name, text in misono.sources.asked[-1].parameters if name == "attrs"]
    assert attrs.split(",")[-1] == DATA_SUBJECT
    assert attrs.split(",")[0] == ALIAS.removeprefix(NS)


def clinic_purpose() -> str:
    [purpose] = clinic().purposes
    return purpose
