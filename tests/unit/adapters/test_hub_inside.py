"""The port Hub inside of the broker: names are whole, without what the system keeps of its own; rights are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.access.policies import AllowAll
from broker.doors import Built
from broker.errors import NgsiError, ResourceNotFound
from broker.hub.inside import HubInside
from broker.model.values import Json
from broker.ports import Principal
from broker.wiring import build
from specs.door import settings_of

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
STATUS = "https://uri.etsi.org/ngsi-ld/status"


class OnlyAyumi(AllowAll):
    """The port Access: one person does everything, the others nothing."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:  # noqa: ARG002 - the port's
        """Turns the others away."""
        if principal.name != "ayumi":
            raise ResourceNotFound("there is nothing here")


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Built]:
    found = build(settings_of("--store", "memory", "--data", str(tmp_path)), access=OnlyAyumi())
    yield found
    found.close()


def test_entities_come_with_whole_names_and_without_stamps(built: Built) -> None:
    hub = HubInside(built.house, Principal("ayumi"))
    level: Json = {"type": "Property", "value": {"createdAt": "mine"}, f"{NS}by": {"type": "Property", "value": 1}}
    state: Json = {"type": "VocabProperty", "vocab": f"{NS}ready"}
    whole: dict[str, Json] = {"id": "urn:x:1", "type": f"{NS}Tank", f"{NS}level": level, STATUS: state}
    assert hub.upsert("", [{"id": "urn:x:1", "type": f"{NS}Tank"}]) == [None]
    assert hub.upsert("", [whole]) == [None]
    stamped = built.house.broker.entities.get("", "urn:x:1")
    assert stamped is not None
    assert "createdAt" in str(stamped.document[f"{NS}level"])
    assert hub.entity("", "urn:x:1") == whole
    assert list(hub.query("", f"{NS}Tank")) == [whole]


def test_another_principal_is_judged_for_themselves(built: Built) -> None:
    hub = HubInside(built.house, Principal("ayumi"))
    with pytest.raises(NgsiError):
        hub.acting_as(Principal("kenta")).upsert("", [{"id": "urn:x:1", "type": f"{NS}Tank"}])
    assert hub.entity("", "urn:x:1") is None
    assert hub.acting_as(Principal("ayumi")).upsert("", [{"id": "urn:x:1", "type": f"{NS}Tank"}]) == [None]
