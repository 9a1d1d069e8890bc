"""A process that commands its charger as fast as it can, until it is killed: `python -m tests.fakes.commanded_process`.

Its directory holds `acked` (ids of commands whose write was answered 204) and `sent` (ids that the link was handed), a
line each, on the disk before anything else happens.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path
from typing import Any, Final

from adapters.order import Delivered, Order
from tests.fakes.commanded import CHARGER, FILES, MAPPING, commanded

QUICK: Final = {
    **FILES,
    "mapping.yaml": MAPPING.replace("ttl_s", "rate_per_min: 6000\n    ttl_s", 1).replace(
        "once: true", "once: true, rate_per_min: 6000"
    ),
}
"""Devices that take as many commands as come."""


def noted(path: Path, line: str) -> None:
    """Append a line, durable on return."""
    with path.open("a") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def main(directory: Path, life: str) -> None:
    """Command for ever."""

    def outcome(order: Order) -> Delivered:
        noted(directory / "sent", f"{order.name} {order.id}")
        return Delivered("OK")

    with commanded(directory, QUICK, store="sqlite", start=True, outcome=outcome) as city:
        power = {"type": "Property", "value": 7400, "unitCode": "WTT"}
        status = {"type": "Property", "value": "working"}
        city.create({"id": CHARGER, "type": "EVChargingStation", "status": status, "ratedPower": power})
        print("ready", flush=True)
        for number in count():
            name = {"type": "Property", "value": f"urn:x:{life}:{number}"}
            if number % 2:
                fragment: dict[str, Any] = {"charging": {"type": "Property", "value": "start", "commandId": name}}
            else:
                fragment = {
                    "chargingLimit": {"type": "Property", "value": number % 7000, "unitCode": "WTT", "commandId": name}
                }
            if city.patch(CHARGER, fragment).status == 204:
                noted(directory / "acked", str(name["value"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
