"""Houses: entities with eight attributes, as large as those of a smart district, to count with."""

from __future__ import annotations

from typing import Any


def house(number: int) -> dict[str, Any]:
    """Five readings, a place, an owner, a name."""
    readings = {
        f"reading{place}": {"type": "Property", "value": number + place / 8, "unitCode": "KWH"} for place in range(5)
    }
    point = {"type": "Point", "coordinates": [139.7 + number % 90 / 1000, 35.8 + number % 100 / 1000]}
    return {
        "id": f"urn:ngsi-ld:House:{number:06}",
        "type": "House",
        **readings,
        "location": {"type": "GeoProperty", "value": point},
        "owner": {"type": "Relationship", "object": f"urn:ngsi-ld:Household:{number}"},
        "name": {"type": "Property", "value": f"House {number}"},
    }
