"""A mapping's file that cannot be is refused with file, member and what would do; nothing of it is passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.link import BadSettings
from adapters.mapping.reading import is_mapping, read_mapping
from adapters.mapping_files import packaged_contexts, read_mappings
from tests.fakes.mapped import ENERGY, OWN, RESOLVE

ENTITY: dict[str, Any] = {"id": "urn:x:{device}", "type": "Thing", "attributes": {"a": "a"}}


def with_entity(**members: Any) -> dict[str, Any]:
    return {"mapping": "m", "entities": [{**ENTITY, **members}]}


def with_attribute(rule: Any) -> dict[str, Any]:
    return with_entity(attributes={"a": rule})


WRONG = [
    ([], "m.yaml: members"),
    ({"mapping": "m"}, "m.yaml.entities: at least one"),
    ({"mapping": "", "entities": [ENTITY]}, "m.yaml.mapping: a text"),
    ({"mapping": "a b", "entities": [ENTITY]}, "m.yaml.mapping: a name of letters"),
    ({"mapping": "m", "entities": [ENTITY], "colour": 1}, "m.yaml.colour: not known; there are codec,"),
    ({"mapping": "m", "entities": [ENTITY], "version": "1"}, "m.yaml.version: a whole number from 1"),
    ({"mapping": "m", "entities": {}}, "m.yaml.entities: a list"),
    ({"mapping": "m", "entities": [ENTITY], "context": "https://example.org/none"}, "context of no package"),
    (with_entity(id="{device}"), "gives no URI: write it as urn:ngsi-ld:"),
    (with_entity(id="urn:x:{value}"), "entities.0.id: {value} is known to `relationship` only"),
    (with_entity(type="a b"), "entities.0.type: 'a b' is no legal name"),
    (with_entity(attributes={}), "entities.0.attributes: at least one that is taken from a quantity"),
    (with_entity(attributes={"at": "@observedAt"}), "at least one that is taken from a quantity"),
    (with_entity(attributes={"a b": "q"}), "'a b' is no legal name"),
    (with_entity(when={"parts": "x"}), "entities.0.when.parts: not known"),
    (with_entity(when={"has": [1]}), "when.has: a text, or a list of texts"),
    (with_entity(fixed={"a": {"b": 1}}), "fixed.a: a value, or an attribute"),
    (with_entity(fixed={"a": {"type": "Property"}}), "entities.0.fixed.a"),
    (with_entity(fixed={"id": "urn:x:1"}), "entities.0.fixed.id: no attribute"),
    (with_entity(others="yes"), "entities.0.others: true or false"),
    (with_attribute({}), "attributes.a.from: the quantity that it is taken from"),
    (with_attribute({"from": "q", "geo": "q"}), "attributes.a.from"),
    (with_attribute({"from": "q", "vocab": True, "json": True}), "attributes.a.vocab: not beside json"),
    (with_attribute({"geo": ["a", "b", "c", "d"]}), "attributes.a.geo: one quantity"),
    (with_attribute({"from": "q", "unit": "kWh"}), "attributes.a.unit: a UN/CEFACT code"),
    (with_attribute({"from": "q", "from_unit": "kWh"}), "attributes.a.from_unit: a UN/CEFACT code"),
    (with_attribute({"from": "q", "as": "float"}), "attributes.a.as: one of boolean,"),
    (with_attribute({"from": "q", "times": "2"}), "attributes.a.times: a number"),
    (with_attribute({"from": "q", "round": 1.5}), "attributes.a.round: a whole number"),
    (with_attribute({"from": "q", "words": ["a"]}), "attributes.a.words: members"),
    (with_attribute({"from": "q", "relationship": "{value}"}), "gives no URI"),
    (with_attribute({"members": {"L1": {}}}), "attributes.a.members.L1.from"),
    (with_attribute({"members": {"L1": {"from": "q", "vocab": True}}}), "members.L1.vocab: not known"),
    (with_attribute([{"from": "p"}, {"from": "q"}]), "differ by their `dataset`"),
    ({**with_entity(), "commands": [{"attribute": "a"}]}, "commands.0.name: a text"),
    ({**with_entity(), "commands": [{"attribute": "a", "name": "x", "type": "Other"}]}, "commands.0.type: the type of"),
    ({**with_entity(), "samples": ["x"]}, "samples.0: members"),
]


@pytest.mark.parametrize(("body", "message"), WRONG)
def test_what_cannot_be_is_refused_where_it_stands(body: Any, message: str) -> None:
    with pytest.raises(BadSettings) as refusal:
        read_mapping(body, RESOLVE, "m.yaml")
    assert str(refusal.value).startswith("m.yaml")
    assert message in str(refusal.value)


def test_names_are_those_of_the_context_of_the_file_or_of_the_entity() -> None:
    typed: dict[str, Any] = {**ENTITY, "type": "ACMeasurement"}
    body: dict[str, Any] = {"mapping": "m", "context": ENERGY, "entities": [typed, {**typed, "context": []}]}
    first, second = read_mapping(body, RESOLVE).entities
    assert first.type == "https://smartdatamodels.org/dataModel.Energy/ACMeasurement"
    assert second.type == OWN + "ACMeasurement"


def test_a_command_keeps_what_others_read_of_it() -> None:
    body = with_entity() | {
        "commands": [{"attribute": "limit", "name": "Set", "unit": "WTT", "times": 0.1, "words": {"on": 1}, "max": 5}]
    }
    [command] = read_mapping(body, RESOLVE).commands
    assert (command.attribute, command.name, command.unit, command.times) == (OWN + "limit", "Set", "WTT", 0.1)
    assert (command.words, dict(command.settings)) == ({"on": 1}, {"max": 5})
    assert command.entity_type == OWN + "Thing"


def test_a_folder_holds_mappings_beside_other_files(tmp_path: Path) -> None:
    one = "mapping: one\nentities: [{id: 'urn:x:{device}', type: Thing, attributes: {a: a}}]\n"
    (tmp_path / "one.yaml").write_text(one)
    (tmp_path / "two.yaml").write_text(one.replace("one", "two"))
    (tmp_path / "an.yaml").write_text("adapter: an\nmapping: one\n")
    assert set(read_mappings(tmp_path, packaged_contexts())) == {"one", "two"}
    (tmp_path / "three.yaml").write_text(one)
    with pytest.raises(BadSettings, match=r"three\.yaml\.mapping: one\.yaml has the name one already"):
        read_mappings(tmp_path, packaged_contexts())
    (tmp_path / "three.yaml").write_text("a: [\n")
    with pytest.raises(BadSettings, match=r"three\.yaml: line"):
        read_mappings(tmp_path, packaged_contexts())


def test_a_file_of_an_adapter_is_no_mapping_though_it_names_one() -> None:
    assert is_mapping({"mapping": "m", "entities": []})
    assert not is_mapping({"adapter": "a", "mapping": "m"})
    assert not is_mapping([])
