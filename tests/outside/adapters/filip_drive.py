"""Provisions devices with the PyPI client `filip` as it comes; runs in an environment of its own.

python filip_drive.py http://127.0.0.1:PORT      prints `done`, or fails with what went wrong
"""

from __future__ import annotations

import json
import sys
from urllib.request import Request, urlopen

from filip.clients.ngsi_v2 import IoTAClient
from filip.models.base import FiwareHeader
from filip.models.ngsi_v2.iot import Device, DeviceAttribute, DeviceCommand, ServiceGroup, StaticDeviceAttribute

KEY = "filip-api-key-0123456789"


def drive_groups(client: IoTAClient) -> None:
    """Groups; the last one stays."""
    assert client.get_version()["libVersion"], "about"
    other = ServiceGroup(entity_type="Other", resource="/iot/json", apikey="another-key-012345")
    client.post_group(other)
    assert client.get_group_list()[0].apikey == "****2345", "a key is never shown"
    client.delete_group(resource=other.resource, apikey=other.apikey)
    assert client.get_group_list() == [], "a group is deleted"
    client.post_group(ServiceGroup(entity_type="Thing", resource="/iot/json", apikey=KEY))
    assert [one.entity_type for one in client.get_group_list()] == ["Thing"], "groups"
    changed = ServiceGroup(entity_type="Sensor", resource="/iot/json", apikey=KEY)
    client.post_group(changed, update=True)  # 409, then it updates
    assert client.get_group_list()[0].entity_type == "Sensor", "a group is updated"


def drive_devices(client: IoTAClient, root: str) -> None:
    """Devices and measures; each with what it must have changed."""
    client.post_device(device=make_device())
    assert client.does_device_exists("sensor-1"), "exists"
    assert not client.does_device_exists("sensor-2"), "does not exist"
    known = client.get_device(device_id="sensor-1")
    assert known.entity_name == "urn:ngsi-ld:Sensor:1", "entity"
    assert [one.object_id for one in known.attributes] == ["t"], "attributes"
    assert known.commands[0].name == "blink", "commands"
    measure(root, {"t": 21.5})
    device = make_device()
    device.add_attribute(DeviceAttribute(name="humidity", object_id="h", type="Number"))
    client.update_device(device=device)
    measure(root, {"t": 22, "h": 40})
    listed = client.get_device_list(device_ids=["sensor-1"])
    assert [one.name for one in listed[0].attributes] == ["temperature", "humidity"], "list after update"
    client.post_device(device=make_device("sensor-2"))
    assert len(client.get_device_list(limit=10)) == 2, "two devices"
    client.delete_device(device_id="sensor-2")
    assert [one.device_id for one in client.get_device_list()] == ["sensor-1"], "one is deleted"


def make_device(name: str = "sensor-1") -> Device:
    """A sensor with a lamp."""
    return Device(
        device_id=name,
        entity_name=f"urn:ngsi-ld:Sensor:{name.rpartition('-')[2]}",
        entity_type="Sensor",
        transport="HTTP",
        attributes=[DeviceAttribute(name="temperature", object_id="t", type="Number")],
        commands=[DeviceCommand(name="blink")],
        static_attributes=[StaticDeviceAttribute(name="floor", type="Number", value=2)],
    )


def measure(root: str, body: dict[str, float]) -> None:
    """What the device sends."""
    url = f"{root}/iot/json?k={KEY}&i=sensor-1"
    with urlopen(Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=10) as sent:
        assert sent.status == 200, sent.read()


if __name__ == "__main__":
    agent = IoTAClient(url=sys.argv[1], fiware_header=FiwareHeader(service="filip", service_path="/lab"))
    drive_groups(agent)
    drive_devices(agent, sys.argv[1])
    print("done")
