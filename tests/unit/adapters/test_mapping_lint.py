"""Mappings beside the models: what a gate would refuse is a fault, what a person should know a note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.checking import check_files, check_folder
from adapters.mapping.lint import lint
from adapters.mapping.reading import read_mapping
from broker.commands._city import checked, faults_of
from datamodels.library import Library, read_beside_built_in
from tests.fakes.mapped import RESOLVE

CONTEXT = "https://misono.example/contexts/sdm-battery-v1.jsonld"
MISONO = Path(__file__).resolve().parents[3] / "examples/misono"


@pytest.fixture(scope="module")
def library() -> Library:
    return read_beside_built_in()


def found(library: Library, attributes: dict[str, Any], **entity: Any) -> dict[bool, list[str]]:
    """Faults (True) and notes (False), without the file and the type."""
    rule = {"id": "urn:x:{device}", "type": "StorageBatteryMeasurement", "attributes": attributes, **entity}
    rules = read_mapping({"mapping": "m", "context": CONTEXT, "entities": [rule]}, RESOLVE, "m.yaml")
    told: dict[bool, list[str]] = {True: [], False: []}
    for finding in lint(rules, library):
        told[finding.wrong].append(f"{finding.where.removeprefix('m.yaml: StorageBatteryMeasurement')}: {finding.what}")
    return told


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"activPower": "p"}, ".activPower: it is no term of the @context, and would be nobody's name"),
        ({"storableEnergy": "p"}, ".storableEnergy: StorageBatteryMeasurement has no such attribute"),
        ({"activePower": {"from": "p", "unit": "KWH"}}, ".activePower: unit: KWH; the model has KWT or WTT"),
        (
            {"activePower": {"from": "p", "unit": "KWT", "from_unit": "KWH"}},
            ".activePower: KWH does not convert to KWT",
        ),
        ({"activePower": {"from": "p", "vocab": True}}, ".activePower: a VocabProperty; the model has a Property"),
        (
            {"batteryStatus": {"from": "p", "words": {"1": "charging"}}},
            ".batteryStatus: words: charging: the model has consumingEnergy, givingEnergy, standby",
        ),
        (
            {"batteryStatus": {"from": "p", "words": {"1": "standby"}, "otherwise": "off"}},
            ".batteryStatus: words: off: the model has consumingEnergy, givingEnergy, standby",
        ),
    ],
)
def test_what_no_model_has_is_a_fault(library: Library, attributes: dict[str, Any], fault: str) -> None:
    assert found(library, attributes)[True] == [fault]


def test_a_mapping_as_the_model_has_it_has_no_faults_and_says_what_devices_must_have(library: Library) -> None:
    attributes: dict[str, Any] = {
        "activePower": {"from": "p", "unit": "WTT"},
        "stateOfCharge": {"from": "s", "unit": "C62", "least": 0, "most": 1},
        "batteryStatus": {"from": "m", "words": {"1": "standby"}},
        "refStorageBatteryDevice": {"relationship": "urn:ngsi-ld:StorageBatteryDevice:{device}"},
        "dateObserved": {"from": "@observedAt", "as": "instant"},
    }
    told = found(library, attributes)
    assert told[True] == []
    assert told[False] == [": location: required, so that each device has to have it in `fixed`"]


def test_a_number_without_unit_and_a_ratio_without_bounds_are_notes(library: Library) -> None:
    told = found(library, {"activePower": "p", "stateOfCharge": {"from": "s", "unit": "C62"}})
    assert told[True] == []
    assert ".activePower: no `unit`: the model has KWT" in told[False]
    assert ".stateOfCharge: from 0 to 1 in the model, and no `least`, `most`" in told[False]


def test_types_that_nobody_has_are_told_apart(library: Library) -> None:
    unknown = found(library, {"x": "x"}, type="Nobodys")
    [fault] = unknown[True]
    assert fault.endswith("it is no term of the @context, and would be nobody's type")
    unmodelled = found(library, {"activePower": "x"}, type="https://example.org/Own")
    assert unmodelled[True] == []
    assert unmodelled[False][0].endswith("no package has a model of it")


def test_commands_on_attributes_that_the_model_lacks_are_notes(library: Library) -> None:
    rule = {"id": "urn:x:{device}", "type": "StorageBatteryMeasurement", "attributes": {"activePower": "p"}}
    body: dict[str, Any] = {"mapping": "m", "context": CONTEXT, "entities": [rule]}
    body["commands"] = [{"attribute": "limit", "name": "x"}, {"attribute": "activePower", "name": "y"}]
    told = [one for one in lint(read_mapping(body, RESOLVE, "m.yaml"), library) if "commands" in one.where]
    assert [str(one) for one in told] == [
        "m.yaml: commands: limit: note: StorageBatteryMeasurement has no such attribute"
    ]


GOOD = """
mapping: things
codec: {kind: json}
context: https://misono.example/contexts/sdm-battery-v1.jsonld
entities:
  - id: "urn:x:{device}"
    type: StorageBatteryMeasurement
    attributes: {stateOfCharge: {from: s, unit: C62, from_unit: P1}}
samples:
  - about: half full
    frame: {device: d1, json: {s: 50}}
    entities: [{id: "urn:x:d1", type: StorageBatteryMeasurement, stateOfCharge: 0.5}]
"""
ADAPTER = """
adapter: a
link: {kind: mqtt, url: "mqtt://127.0.0.1", topics: iota-json}
codec: {kind: json}
mapping: things
"""


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"m": GOOD.replace("s: 50", "s: 60")}, "m.yaml: half full: urn:x:d1 stateOfCharge: 0.6, not 0.5"),
        (
            {"m": GOOD.replace("s: 50", "s: 500").replace("0.5}", "5.0}")},
            "m.yaml: half full: /stateOfCharge/value: 5 is greater than the maximum of 1",
        ),
        ({"m": GOOD.replace("half full", "x").replace("codec: {kind: json}", "")}, "m.yaml: x: codec: {kind: …}"),
        ({"m": GOOD.replace("from: s", "form: s")}, "m.yaml.entities.0.attributes.stateOfCharge.form: not known"),
        ({"m": GOOD, "n": GOOD}, "n.yaml: mapping: m.yaml has the name things already"),
        ({"m": GOOD, "a": ADAPTER.replace("things", "others")}, "a.yaml: mapping: no file says mapping: others"),
        ({"m": GOOD, "a": ADAPTER.replace("mqtt,", "pigeon,")}, "a.yaml: link: pigeon is none of b-route,"),
        ({"m": GOOD, "a": ADAPTER.replace("kind: json", "kind: morse")}, "a.yaml: codec 'morse' is not known"),
        ({"m": GOOD, "a": ADAPTER, "b": ADAPTER}, "b.yaml: adapter: another file has the name a"),
        ({"m": GOOD, "x": "colour: red\n"}, "x.yaml: neither `adapter: NAME` nor `mapping: NAME` says what it is"),
        ({"m": "mapping: [\n"}, "m.yaml: line"),
    ],
)
def test_a_folder_with_a_fault_says_which(tmp_path: Path, library: Library, files: dict[str, str], fault: str) -> None:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    faults = check_folder(tmp_path, library, RESOLVE).faults
    assert any(one.startswith(fault) for one in faults), faults
    assert len(faults) == 1


def test_a_link_that_could_not_begin_is_a_fault_where_links_are_looked_at(tmp_path: Path, library: Library) -> None:
    (tmp_path / "m.yaml").write_text(GOOD)
    adapter = tmp_path / "a.yaml"
    adapter.write_text(ADAPTER.replace('url: "mqtt', 'qos: 7, url: "mqtt'))
    paths = sorted(tmp_path.glob("*.yaml"))
    assert check_files(paths, library, RESOLVE, links=False).faults == []
    [fault] = check_files(paths, library, RESOLVE).faults
    assert fault.startswith("a.yaml: link/qos:")


def test_a_folder_in_order_says_how_much_there_is(tmp_path: Path, library: Library) -> None:
    (tmp_path / "m.yaml").write_text(GOOD.replace("codec: {kind: json}\n", ""))
    (tmp_path / "a.yaml").write_text(ADAPTER)
    checked_ = check_folder(tmp_path, library, RESOLVE)
    assert (checked_.faults, checked_.samples, len(checked_.adapters)) == ([], 1, 1)


def test_a_city_is_checked_with_its_adapters(tmp_path: Path) -> None:
    home = tmp_path / "misono"
    for path in MISONO.rglob("*"):
        if path.is_file():
            (home / path.relative_to(MISONO)).parent.mkdir(parents=True, exist_ok=True)
            (home / path.relative_to(MISONO)).write_bytes(path.read_bytes())
    wrong = home / "adapters/smart-meters.yaml"
    wrong.write_text(wrong.read_text(encoding="utf-8").replace("unit: WTT", "unit: KWH"), encoding="utf-8")
    faults = faults_of(checked(home))
    assert "adapters/smart-meters.yaml: ACMeasurement.totalActivePower: unit: KWH; the model has WTT or KWT" in faults
    assert all(fault.startswith("adapters/smart-meters.yaml: ") for fault in faults), "all else is in order"
