"""A package with a model of what the load generator writes: every attribute is described, and most are bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.models.written import write

NAMESPACE = "https://uri.etsi.org/ngsi-ld/default-context/"


def _measured(unit: str, least: float, most: float, *units: str) -> dict[str, Any]:
    return {"type": "number", "unit": unit, "units": list(units), "least": least, "most": most, "presence": "required"}


METER: dict[str, Any] = {
    "serialNumber": {"type": "string", "longest": 64, "pattern": "^SN-", "presence": "required"},
    "status": {"type": "string", "fixed": ["on", "off"], "presence": "required", "iri": "https://uri.etsi.org/ngsi-ld/status"},
    "temperature": _measured("CEL", -60, 90, "FAH"),
    "voltage": _measured("VLT", 0, 1000, "KVT"),
    "current": _measured("AMP", 0, 400),
    "activePower": _measured("WTT", -100_000, 100_000, "KWT"),
    "energy": _measured("KWH", 0, 1e9),
    "frequency": _measured("HTZ", 45, 65),
    "location": {
        "kind": "GeoProperty", "geometries": ["Point"], "presence": "required", "iri": "https://uri.etsi.org/ngsi-ld/location",
    },
    "refBuilding": {"kind": "Relationship", "targets": ["Building"], "presence": "required"},
}  # fmt: skip
BUILDING: dict[str, Any] = {"name": {"type": "string", "presence": "recommended"}}


def write_bench_models(folder: Path) -> Path:
    """The folder for `misono serve --models`."""
    write(folder, "bench", namespace=NAMESPACE, models={"SmartMeter": METER, "Building": BUILDING})
    return folder
