"""The figures of adapters, each with its bar and where it is measured."""

from __future__ import annotations

from tools.figures import runs
from tools.figures.figure import Figure, Source, none_fails

UNIT, HTTP, OUTSIDE = "tests/unit/adapters", "tests/http/adapters", "tests/outside/adapters"
LAWS, PROMISES = "tests/property/adapters", "tests/contract/adapters"
RATE, DEATHS = f"{OUTSIDE}/test_mqtt_rate.py", f"{OUTSIDE}/test_nothing_acknowledged_is_lost.py"
HOUR = f"{OUTSIDE}/test_hour_of_a_house.py"

SOURCES = (
    Source("mqtt", runs.from_tests("adapters_mqtt", RATE, environment={"MQTT_S": "60", "OUTAGE_S": "60"})),
    Source("hour", runs.from_tests("adapters_hour", HOUR, environment={"HOUR_FRAMES": "720", "HOUR_SPEED": "60"})),
    Source("deaths", runs.from_tests("adapters_deaths", DEATHS, environment={"DEATHS": "40"})),
    Source(
        "input",
        runs.from_tests(
            "adapters_input", f"{LAWS}/test_codecs_fuzzed.py", f"{UNIT}/test_intake.py",
            f"{UNIT}/test_bounds.py", f"{UNIT}/test_golden_frames.py",
        ),
    ),
    Source("demo", runs.from_tests("adapters_demo", f"{OUTSIDE}/test_demo_devices.py")),
    Source("pipeline", runs.from_tests("adapters_pipeline", UNIT, PROMISES, LAWS)),
    Source("doors", runs.from_tests("adapters_doors", HTTP)),
    Source("protocols", runs.from_tests("adapters_protocols", OUTSIDE)),
)  # fmt: skip


FIGURES = (
    Figure("MQTT messages a second, taken for a minute", "mqtt", "mqtt_rate", "at least", 2_000),
    Figure("of them lost", "mqtt", "mqtt_lost", "at most", 0),
    Figure("of them written twice", "mqtt", "mqtt_doubled", "at most", 0),
    Figure("p99 from publish to readable, s", "mqtt", "mqtt_p99_s", "at most", 1.0),
    Figure("messages lost while the hub was stopped for 60 s", "mqtt", "outage_lost", "at most", 0),
    Figure("messages written twice after that", "mqtt", "outage_doubled", "at most", 0),
    none_fails("mqtt", "tests of the rate that fail"),
    Figure("frames of a house's hour, replayed at 60 times its speed", "hour", "hour_frames", "at least", 4_320),
    Figure("values of them that the broker's history has not, or has twice", "hour", "hour_missing", "at most", 0),
    Figure("Wh between the meter's counter in the broker and its frames", "hour", "hour_counter_off_wh", "at most", 0),
    Figure("times that the pipeline was killed between two steps", "deaths", "deaths", "at least", 30),
    Figure("messages lost by that", "deaths", "lost_by_death", "at most", 0),
    Figure("messages written twice by that", "deaths", "doubled_by_death", "at most", 0),
    none_fails("input", "kinds of bad input that are not quarantined with a reason, or end an adapter"),
    Figure("protocols that simulated devices speak in the demo", "demo", "demo_protocols", "at least", 4),
    Figure("kinds of entities that move by it", "demo", "demo_moving", "at least", 4),
    none_fails("pipeline", "tests of pipeline, provisioning, mappings, commands and codecs that fail"),
    none_fails("doors", "tests of the devices' and operators' doors that fail"),
    none_fails("protocols", "tests against counterparts of others that fail"),
    Figure("of them skipped for want of a counterpart", "protocols", "skipped", "at most", 0),
)
