"""How long a message of five readings takes to map: the pipeline does it for every one."""

from __future__ import annotations

import time

from adapters.device import Device
from adapters.mapping.applying import apply
from adapters.mapping_files import read_mappings
from adapters.readings import Reading, Readings
from tests.fakes.mapped import NOON, RESOLVE
from tests.unit.adapters.test_mapping_lint import MISONO

ROUNDS, MESSAGES = 7, 1_000
BAR_US = 30
READINGS = Readings(
    "h1",
    (
        Reading("normalDirectionCumulativeElectricEnergy", 24_691.2, "KWH"),
        Reading("reverseDirectionCumulativeElectricEnergy", 864_200, "WHR"),
        Reading("instantaneousElectricPower", -1_250, "WTT"),
        Reading("instantaneousCurrentRPhase", 5.2, "AMP"),
        Reading("operationStatus", value=True),
    ),
    part="0288-1",
    at=NOON,
)


def test_a_message_of_five_readings_is_mapped_in_microseconds() -> None:
    mapping = read_mappings(MISONO / "adapters", RESOLVE)["smart-meters"]
    device = Device("h1", "meters")
    assert len(apply(mapping, READINGS, device, NOON).fragments) == 1
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(MESSAGES):
            apply(mapping, READINGS, device, NOON)
        took.append((time.process_time() - began) / MESSAGES * 1e6)
    print(f"figure mapping_us {min(took):.1f} {ROUNDS * MESSAGES}")
    assert min(took) < 2 * BAR_US, "twice the bar, on whatever machine this is"
