"""A device that has been silent for too long is told of by an Alert (package sdm-alert), until it speaks again. Pure.

raised(device, since, now)  ->  ("", {"id": "urn:ngsi-ld:Alert:meters:h1:offline", "type": …, …})
withdrawn(device)           ->  ("", {"id": "urn:ngsi-ld:Alert:meters:h1:offline"})
"""

from __future__ import annotations

from typing import Final

from adapters.device import Device
from adapters.mapping.templates import escaped
from adapters.queue import Write
from broker.model.values import Instant, Json, to_text

_SUBJECT: Final = "https://smartdatamodels.org/dataModel.Alert/"
ALERT: Final = _SUBJECT + "Alert"
NAMES: Final = {
    "category": _SUBJECT + "category",
    "severity": _SUBJECT + "severity",
    "alertSource": _SUBJECT + "alertSource",
    "dateIssued": _SUBJECT + "dateIssued",
    "validFrom": "https://smartdatamodels.org/validFrom",
    "description": "http://purl.org/dc/terms/description",
}
"""Its attributes as the package's @context names them."""
_CATEGORY: Final = "security"
"""Of the words that the model knows, the nearest to a thing that watches no more."""


def alert_id(device: Device) -> str:
    """The Alert of a device."""
    return f"urn:ngsi-ld:Alert:{escaped(device.adapter)}:{escaped(device.id)}:offline"


def raised(device: Device, since: Instant, now: Instant) -> Write:
    """The device has said nothing since then."""
    said: dict[str, Json] = {
        "category": _CATEGORY,
        "severity": "medium",
        "alertSource": f"{device.adapter}/{device.id}",
        "dateIssued": {"@type": "DateTime", "@value": to_text(now)},
        "validFrom": {"@type": "DateTime", "@value": to_text(since)},
        "description": f"Device {device.id} has said nothing for {device.offline_after_s:g} s",
    }
    attributes: dict[str, Json] = {NAMES[name]: {"type": "Property", "value": value} for name, value in said.items()}
    return device.tenant, {"id": alert_id(device), "type": ALERT, **attributes}


def withdrawn(device: Device) -> Write:
    """It speaks again, or is no longer anybody's."""
    return device.tenant, {"id": alert_id(device)}
