"""A watch on somebody's wrist: another process of the same hub that writes a new pulse ten times a second.

python watch_beside.py DATA ACCESS TENANT SUBJECT...      ends when its input does; prints `.` after each write
"""

from __future__ import annotations

import select
import sys
from argparse import Namespace

from broker.hub.inside import HubInside
from broker.model.values import Json, to_text
from broker.ports import SYSTEM, Principal
from broker.settings import read_settings
from broker.wiring import build

DEF = "https://misono.example/def/"
PERIOD_S = 0.1


def main(data: str, access: str, tenant: str, *subjects: str) -> None:
    """Write until nobody listens any more."""
    built = build(read_settings(Namespace(config=""), {"MISONO_DATA": data, "MISONO_ACCESS": access}), deliver=False)
    hub, number = HubInside(built.house, Principal("watch", roles=frozenset({SYSTEM}))), 60
    try:
        while not select.select([sys.stdin], [], [], PERIOD_S)[0]:
            number += 1
            observed = to_text(built.house.broker.clock.now())
            pulse: Json = {"type": "Property", "value": number, "observedAt": observed}
            refused = hub.upsert(tenant, [
                {
                    "id": f"urn:ngsi-ld:HeartRateObservation:{one.rpartition(':')[2]}",
                    "type": f"{DEF}HeartRateObservation",
                    f"{DEF}dataSubject": {"type": "Property", "value": one},
                    f"{DEF}heartRate": pulse,
                }
                for one in subjects
            ])  # fmt: skip
            if any(refused):
                sys.exit(str(refused))
            print(".", end="", flush=True)
    finally:
        built.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
