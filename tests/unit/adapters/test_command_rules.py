"""What a mapping's file may say of commands: each wrong member is named; what models and other entities limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.commands.rules import read_rules
from adapters.mapping.members import BadMapping
from adapters.mapping.reading import read_mapping
from broker.ldcontext.active import DEFAULT_VOCABULARY
from datamodels.yaml_text import parse_yaml
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import RESOLVE, commanded

ENERGY = "https://misono.example/contexts/misono-energy-v1.jsonld"
HEAD = f"""
mapping: legs
version: 1
context: [{ENERGY}]
entities:
  - id: "urn:ngsi-ld:DigitalGridLeg:misono:{{device}}"
    type: DigitalGridLeg
    attributes: {{current: amps}}
commands:
"""


def rules(command: str) -> Any:
    return read_rules(read_mapping(parse_yaml(HEAD + command), RESOLVE, "legs.yaml"))


def test_a_command_is_read_with_all_that_limits_it() -> None:
    (rule,) = rules("""
  - attribute: currentLimit
    name: dig
    unit: AMP
    min: 0
    max: [2.3, {of: refRouter.ratedPower, times: 0.5}]
    only_when: {refRouter.operationMode: [autonomous], refRouter.stateOfCharge: {min: 0.2}}
    rate_per_min: 6
    ttl_s: 10
    once: true
""")
    assert rule.is_energy
    assert (rule.rate_per_min, rule.ttl_s, rule.once) == (6, 10, True)
    assert [str(one) for one in rule.most] == ["2.3 AMP", "0.5 times refRouter.ratedPower"]
    assert [one.text for one in rule.only_when] == ["refRouter.operationMode", "refRouter.stateOfCharge"]
    assert rule.status == f"{DEFAULT_VOCABULARY}currentLimitStatus"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("{attribute: currentLimit, name: dig, maximum: 3}", "commands.0.maximum: not known"),
        ("{attribute: currentLimit, name: dig, max: true}", "commands.0.max: a number, the name of an attribute"),
        ("{attribute: currentLimit, name: dig, max: {times: 2}}", "commands.0.max.of: a text"),
        ("{attribute: currentLimit, name: dig, max: a.b.c}", "commands.0.max: an attribute, or one of the entity"),
        ("{attribute: currentLimit, name: dig, max: 'a..b'}", "commands.0.max: an attribute, or one of the entity"),
        ("{attribute: currentLimit, name: dig, max: 'a b'}", "commands.0.max: "),
        ("{attribute: currentLimit, name: dig, ttl_s: 0}", "commands.0.ttl_s: a number of seconds"),
        ("{attribute: currentLimit, name: dig, ttl_s: 90000}", "commands.0.ttl_s: a number of seconds"),
        ("{attribute: currentLimit, name: dig, rate_per_min: 0}", "commands.0.rate_per_min: a whole number"),
        ("{attribute: currentLimit, name: dig, once: perhaps}", "commands.0.once: true or false"),
        ("{attribute: currentLimit, name: dig, only_when: yes}", "commands.0.only_when"),
        ("{attribute: currentLimit, name: dig, only_when: {voltage: {}}}", "commands.0.only_when.voltage: min, max"),
        ("{attribute: currentLimit, name: dig, only_when: {voltage: []}}", "commands.0.only_when.voltage: a value"),
        ("{attribute: on, name: dig, words: {a: 1}, min: 1}", "commands.0.min: no bounds: words have none"),
        ("{attribute: current, name: dig, unit: AMP}", "commands.0.attribute: another name: 'current' is an attribute"),
    ],
)
def test_what_cannot_be_is_refused_by_name(command: str, why: str) -> None:
    with pytest.raises(BadMapping) as refused:
        rules(f"  - {command}")
    assert str(refused.value).startswith("legs.yaml: ")
    assert why in str(refused.value)


def test_one_attribute_is_one_command() -> None:
    with pytest.raises(BadMapping, match=r"commands\.0 has 'currentLimit' already"):
        rules("  - {attribute: currentLimit, name: a}\n  - {attribute: currentLimit, name: b}")


LEG, ROUTER = "urn:ngsi-ld:DigitalGridLeg:misono:l1", "urn:ngsi-ld:DigitalGridRouter:misono:r1"
LINK = f'<{ENERGY}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
ADAPTER = f"""
adapter: chargers
link: {{kind: hand}}
codec: {{kind: json}}
mapping: legs
devices:
  - {{id: l1, entity_id: "{LEG}"}}
"""


@pytest.mark.parametrize(
    ("command", "value", "mode", "told"),
    [
        ("unit: AMP, max: 3", 2, "autonomous", 2),
        ("unit: AMP, max: 3", 3.5, "autonomous", "3.5 AMP is more than 3 AMP (the mapping's limit)"),
        # the model says that it is 0 at least, and nothing of the most
        ("unit: AMP, max: 3", -1, "autonomous", "-1 is less than the minimum of 0 (DigitalGridLeg 1.0.0)"),
        ("unit: AMP", 2, "autonomous", "no upper limit of currentLimit is known"),
        ("unit: AMP, max: 3, only_when: {refRouter.operationMode: autonomous}", 2, "autonomous", 2),
        (
            "unit: AMP, max: 3, only_when: {refRouter.operationMode: autonomous}", 2, "manual",
            "refRouter.operationMode is manual; only with autonomous is this command sent",
        ),
        ("unit: AMP, max: 3, only_when: {refRouter.stateOfCharge: {min: 0.2}}", 2, "manual", 2),
        (
            "unit: AMP, max: 3, only_when: {refRouter.stateOfCharge: {min: 0.6}}", 2, "manual",
            "refRouter.stateOfCharge is 0.5; below 0.6 this command is not sent",
        ),
        (
            "unit: AMP, max: 3, only_when: {connectedTo.stateOfCharge: {min: 0.6}}", 2, "manual",
            "connectedTo.stateOfCharge is not known, and this command depends on it",
        ),
        ("unit: AMP, max: 3, times: 10", 2, "manual", 20),
    ],
)  # fmt: skip
def test_models_and_other_entities_limit(tmp_path: Path, command: str, value: float, mode: str, told: Any) -> None:
    mapping = HEAD + f"  - {{attribute: currentLimit, name: dig, {command}}}"
    files = {"a.yaml": ADAPTER, "m.yaml": mapping}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        router = {
            "id": ROUTER, "type": "DigitalGridRouter",
            "operationMode": {"type": "VocabProperty", "vocab": mode},
            "stateOfCharge": {"type": "Property", "value": 0.5},
        }  # fmt: skip
        leg = {"id": LEG, "type": "DigitalGridLeg", "refRouter": {"type": "Relationship", "object": ROUTER}}
        for entity in (router, leg):
            assert city.send("POST", "/entities", entity, LINK).status == 201
        limit = {"currentLimit": {"type": "Property", "value": value, "unitCode": "AMP"}}
        assert city.send("PATCH", f"/entities/{LEG}/attrs", limit, LINK).status == 204 or (
            city.send("POST", f"/entities/{LEG}/attrs", limit, LINK).status == 204
        )
        city.settle()
        (given,) = city.commands()
        if isinstance(told, str):
            assert given.status == "ERROR"
            assert told in str(given.result)
            assert city.link.orders == []
        else:
            assert [order.value for order in city.link.orders] == [told]
