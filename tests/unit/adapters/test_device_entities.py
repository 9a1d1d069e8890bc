"""The hub holds an entity of each device that is provisioned, as it is provisioned now."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from adapters.assembling import Around, Assembled, assemble
from adapters.device import Device
from adapters.link import Ground, Link
from adapters.mapping_files import packaged_contexts, read_mappings
from adapters.provisioning.as_entity import CATEGORY, DEVICE, NAME, PROPERTY, PROTOCOL, Spoken, as_entity
from adapters.provisioning.book import Row
from adapters.provisioning.group_as_entity import group_as_entity, mapping_as_entity
from adapters.provisioning.provision import Group
from adapters.store import AdapterStore
from broker.hub.inside import HubInside
from broker.ports.hub import HubAway
from broker.settings import read_settings
from broker.wiring import build
from tests.fakes.clock import FakeClock
from tests.fakes.piped import HandLink, until

OURS = "https://misono.example/def/"
METERS = """
adapter: meters
link: {kind: mqtt}
codec: json
mapping: houses
devices: [{id: m1, entity_id: "urn:x:house-1", key: its-own-key-of-m1}, {id: m2}]
"""
HOUSES = """
mapping: houses
context: [https://misono.example/contexts/sdm-energy-v1.jsonld]
entities:
  - id: "urn:ngsi-ld:ACMeasurement:{device}"
    type: ACMeasurement
    attributes:
      totalActiveEnergyImport: {from: e, unit: KWH}
      totalActivePower: {from: p, unit: WTT}
      location: {geo: [lon, lat]}
commands: [{attribute: limit, name: limit}]
"""


class Hub:
    """What was written; away where `away` says so."""

    def __init__(self) -> None:
        self.away = False
        self.entities: dict[tuple[str, str], dict[str, Any]] = {}
        self.writes = 0

    def upsert(self, tenant: str, fragments: Any) -> list[None]:
        """As the port says, as far as this needs it."""
        if self.away:
            raise HubAway
        for one in fragments:
            self.writes += 1
            self.entities.setdefault((tenant, one["id"]), {}).update(one)
        return [None for _ in fragments]

    def entity(self, tenant: str, entity_id: str) -> dict[str, Any] | None:
        """As the port says."""
        if self.away:
            raise HubAway
        return self.entities.get((tenant, entity_id))

    def delete(self, tenant: str, ids: Any) -> list[None]:
        """As the port says."""
        if self.away:
            raise HubAway
        for one in ids:
            self.entities.pop((tenant, one), None)
        return [None for _ in ids]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "city"
    made.mkdir()
    (made / "meters.yaml").write_text(METERS)
    (made / "houses.yaml").write_text(HOUSES)
    return made


def started(folder: Path, hub: Any, store: AdapterStore) -> Assembled:
    def hand(_kind: str, _ground: Ground) -> Link:
        return HandLink()

    made = assemble(folder, Around(hub, store, FakeClock(), packaged_contexts(), make_link=hand, device_entities=True))
    made.start()
    return made


def names(hub: Hub, kind: str = "Device") -> list[str]:
    return sorted(name for _, name in hub.entities if name.startswith(f"urn:ngsi-ld:{kind}:"))


def kept(assembled: Assembled) -> None:
    """Return once the hub has what is provisioned."""
    assembled.devices.refresh()
    assembled.keep_devices()
    until(lambda: assembled.running.queue.depth == 0)


def test_entities_come_and_go_with_devices(tmp_path: Path, folder: Path) -> None:
    hub, store = Hub(), AdapterStore(tmp_path)
    made = started(folder, hub, store)
    kept(made)
    assert names(hub) == ["urn:ngsi-ld:Device:meters:m1", "urn:ngsi-ld:Device:meters:m2"]
    made.book.add([Row("device", "meters", "city", "m 3", {"id": "m 3"})])
    kept(made)
    assert ("city", "urn:ngsi-ld:Device:meters:m%203") in hub.entities
    made.book.remove([("device", "meters", "city", "m 3")])
    kept(made)
    made.stop()
    (folder / "meters.yaml").write_text(METERS.replace(", {id: m2}", ""))
    again = started(folder, hub, store)
    kept(again)
    assert names(hub) == ["urn:ngsi-ld:Device:meters:m1"]
    again.stop()
    store.close()


def test_a_restart_writes_nothing_twice_and_an_absent_hub_hears_of_it_later(tmp_path: Path, folder: Path) -> None:
    hub, store = Hub(), AdapterStore(tmp_path)
    made = started(folder, hub, store)
    kept(made)
    hub.away = True
    made.book.add([Row("device", "meters", "", "m3", {"id": "m3"})])
    made.devices.refresh()
    for _ in range(3):
        made.keep_devices()
    made.stop()
    hub.away, before = False, hub.writes
    again = started(folder, hub, store)
    kept(again)
    assert hub.writes == before + 1
    assert "urn:ngsi-ld:Device:meters:m3" in names(hub)
    again.stop()
    store.close()


def test_an_entity_says_what_the_device_is_for_and_nothing_of_its_key(tmp_path: Path, folder: Path) -> None:
    hub, store = Hub(), AdapterStore(tmp_path)
    made = started(folder, hub, store)
    made.keep_devices()
    until(lambda: made.running.queue.depth == 0)
    made.stop()
    store.close()
    one = hub.entities["", "urn:ngsi-ld:Device:meters:m1"]
    assert one["type"] == DEVICE
    values = {name: one[name]["value"] for name in (NAME, CATEGORY, PROPERTY, PROTOCOL)}
    assert values == {
        NAME: "m1",
        CATEGORY: ["meter", "actuator"],
        PROPERTY: ["energy", "location", "power"],
        PROTOCOL: ["mqtt"],
    }
    assert "key" not in repr(hub.entities)


def test_ids_of_devices_become_ids_of_entities() -> None:
    made = as_entity(Device("a:b c", "x"), Spoken("ocpp", "ultralight"), None)
    assert made["id"] == "urn:ngsi-ld:Device:x:a%3Ab%20c"
    assert made[PROTOCOL] == {"type": "Property", "value": ["ul20", "websocket"]}
    assert PROPERTY not in made
    assert as_entity(Device("a", "x"), Spoken("ocpp", "ocpp"), None)[PROTOCOL] == {
        "type": "Property",
        "value": ["websocket"],
    }


def test_groups_and_mappings_are_entities_too_as_long_as_they_are_there(tmp_path: Path, folder: Path) -> None:
    (folder / "meters.yaml").write_text(
        METERS + "groups: [{name: g 1, key: a-key-0123456789, mapping: houses, new: true}]\n"
    )
    hub, store = Hub(), AdapterStore(tmp_path)
    made = started(folder, hub, store)
    kept(made)
    assert names(hub, "DeviceGroup") == ["urn:ngsi-ld:DeviceGroup:meters:g%201"]
    assert names(hub, "DeviceMapping") == ["urn:ngsi-ld:DeviceMapping:houses"]
    group = hub.entities["", "urn:ngsi-ld:DeviceGroup:meters:g%201"]
    assert group[OURS + "takesNew"]["value"] is True
    assert group[OURS + "keyEnd"]["value"].endswith("6789")
    assert group[OURS + "refDeviceMapping"]["object"] == "urn:ngsi-ld:DeviceMapping:houses"
    assert "a-key-012345" not in repr(hub.entities)
    mapping = hub.entities["", "urn:ngsi-ld:DeviceMapping:houses"]
    assert mapping[OURS + "entityTypes"]["value"] == ["https://smartdatamodels.org/dataModel.Energy/ACMeasurement"]
    assert len(mapping[OURS + "filledAttributes"]["value"]) == 3
    assert len(mapping[OURS + "commandNames"]["value"]) == 1
    before = hub.writes
    made.stop()
    (folder / "meters.yaml").write_text(METERS)
    again = started(folder, hub, store)
    kept(again)
    assert (names(hub, "DeviceGroup"), hub.writes) == ([], before)
    again.stop()
    store.close()


def test_an_entity_holds_to_the_model_of_devices(folder: Path) -> None:
    settings = read_settings(Namespace(config=""), {"MISONO_STORE": "memory", "MISONO_GATE": "reject"})
    built = build(settings)
    mapping = read_mappings(folder, packaged_contexts())["houses"]
    devices = [Device("m1", "meters", entity_id="urn:x:house-1"), Device("m2", "meters")]
    made = [as_entity(one, Spoken("mqtt", "ultralight"), mapping) for one in devices]
    group = Group("g", "meters", hint="…6789", mapping="houses")
    assert HubInside(built.house).upsert("", [*made, mapping_as_entity(mapping), group_as_entity(group)]) == [None] * 4
    wrong: dict[str, Any] = {**made[0], PROTOCOL: {"type": "Property", "value": ["pigeons"]}}
    assert HubInside(built.house).upsert("", [wrong]) != [None], "the gate is shut"
    built.close()
