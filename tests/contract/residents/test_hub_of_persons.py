"""What the port Hub promises of persons, in the broker's own process and over HTTP."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import pytest

from broker.errors import BadRequestData
from broker.hub.inside import HubInside
from broker.hub.over_http import HubOverHttp
from broker.model.subjects import DATA_SUBJECT
from broker.ports.hub import Hub
from broker.settings import read_settings
from broker.wiring import build
from tests.outside.served import start, stop

NS = "https://example.org/def/"
HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
SUNDAY = 1_767_225_600_000_000


@pytest.fixture(params=["inside", "over_http"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    if request.param == "inside":
        built = build(read_settings(Namespace(config=""), {"MISONO_STORE": "memory"}))
        yield HubInside(built.house)
        built.close()
        return
    broker = start(tmp_path_factory.mktemp("hub") / "data", "--store", "memory", "--temporal-page", "2")
    with HubOverHttp(broker.root) as found:
        yield found
    stop(broker)


def weight(number: int, value: int, *subjects: str) -> dict[str, Any]:
    named: Any = subjects[0] if len(subjects) == 1 else [*subjects]
    observed = f"2026-01-0{value}T00:00:00Z"
    return {
        "id": f"urn:x:{number}", "type": NS + "Weight", DATA_SUBJECT: {"type": "Property", "value": named},
        NS + "weight": {"type": "Property", "value": value, "observedAt": observed},
    }  # fmt: skip


def test_a_person_is_found_told_and_erased(hub: Hub) -> None:
    assert hub.about("", HANA) == {}
    for one in (*(weight(1, turn, HANA) for turn in (1, 2, 3)), weight(2, 1, HANA, KEN), weight(3, 1, KEN)):
        assert hub.upsert("", [one]) == [None]
    assert hub.about("", HANA) == {"urn:x:1": {HANA}, "urn:x:2": {HANA, KEN}}
    seen, since, turns = list[Any](), SUNDAY, 0
    while since:
        past = hub.history("", "urn:x:1", since, 2)
        assert past is not None
        held: Any = past.document.get(NS + "weight", [])
        seen += [one["value"] for one in (held if isinstance(held, list) else [held])]
        since, turns = past.more or 0, turns + 1
    assert (seen, turns) == ([1, 2, 3], 2)
    assert hub.history("", "urn:x:9") is None
    erased = hub.erase("", HANA, frozenset(), frozenset())
    assert (erased.erased, erased.joint, erased.gone[""]["entity"]) == (("urn:x:1",), ("urn:x:2",), 1)
    assert hub.about("", HANA) == {"urn:x:2": {HANA, KEN}}
    assert hub.erase("", KEN, frozenset({NS + "Weight"}), frozenset({HANA})).kept.keys() == {"urn:x:2", "urn:x:3"}
    assert hub.erase("", KEN, frozenset(), frozenset({HANA})).erased == ("urn:x:2", "urn:x:3")
    assert hub.about("nobody", HANA) == {}
    with pytest.raises(BadRequestData):
        hub.erase("", "no pseudonym", frozenset(), frozenset())
