"""Laws of provisioning: files and people who say the same are the same; what goes out comes back; keys stay secret."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.mapping.members import BadMapping
from adapters.mapping.reading import read_mapping
from adapters.mapping_files import packaged_contexts
from adapters.provisioning.agent import check_given, mapping_of
from adapters.provisioning.book import Book
from adapters.provisioning.changing import Provisioning
from adapters.provisioning.keys import digest_of, hint_of, new_key, opens, shown
from adapters.provisioning.reading import is_id, read_provisions
from adapters.provisioning.registry import Devices
from adapters.store import AdapterStore
from broker.ldcontext.core import core_context
from tests.fakes.clock import FakeClock

RESOLVE = packaged_contexts()
IDS = st.text(min_size=1, max_size=20).filter(is_id)
KEYS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
NUMBERS = st.floats(min_value=0.001, max_value=1000)
BOTH: dict[str, st.SearchStrategy[Any]] = {
    "key": KEYS,
    "mapping": st.sampled_from(["rooms", "halls"]),
    "entity_type": st.sampled_from(["Room", "https://example.org/Room"]),
    "fixed": st.just({"floor": 2, "name": {"type": "Property", "value": "x"}}),
    "options": st.dictionaries(st.sampled_from(["unit", "part"]), st.integers() | st.text(max_size=5), max_size=2),
    "rate_per_s": NUMBERS,
    "offline_after_s": NUMBERS,
}
DEVICES = st.lists(
    st.fixed_dictionaries(
        {"id": IDS},
        optional={
            **BOTH,
            "address": st.sampled_from(["192.0.2.1", "[::1]:502"]),
            "entity_id": st.sampled_from(["urn:x:1", "urn:x:2"]),
            "group": st.just("sensors"),
        },
    ),
    max_size=4,
    unique_by=lambda one: str(one["id"]),
)
GROUP = st.fixed_dictionaries(
    {"name": st.just("sensors"), "key": KEYS},
    optional={"new": st.booleans(), **{name: one for name, one in BOTH.items() if name != "key"}},
)


def provisioned(directory: str) -> tuple[Provisioning, AdapterStore]:
    store = AdapterStore(Path(directory))
    book = Book(store, FakeClock())
    return Provisioning(Devices(book), book), store


@settings(max_examples=25)
@given(group=GROUP, devices=DEVICES)
def test_a_file_and_people_who_say_the_same_provision_the_same(group: Any, devices: list[Any]) -> None:
    told = json.dumps([group, devices])
    of_file = Devices()
    of_file.of_file(
        "a", read_provisions({"adapter": "a", "devices": json.loads(told)[1], "groups": [group]}, core_context())
    )
    with TemporaryDirectory() as directory:
        people, store = provisioned(directory)
        people.add_group("a", "", json.loads(told)[0])
        people.add_devices("a", "", json.loads(told)[1])
        assert of_file.of_adapter("a") == people.devices.of_adapter("a")
        hints = [[one.hint for one in side.provisions("a")] for side in (of_file, people.devices)]
        assert hints[0] == hints[1]
        exported = people.exported()
        store.close()
    with TemporaryDirectory() as directory:
        again, store = provisioned(directory)
        again.imported(json.loads(json.dumps(exported)))
        assert again.exported() == exported
        assert again.devices.of_adapter("a") == of_file.of_adapter("a")
        store.close()
    for one in (group, *devices):
        if len(one.get("key", "")) > 12:
            assert json.dumps(one["key"]) not in json.dumps(exported)


@given(group=GROUP, devices=DEVICES, others=st.lists(KEYS, max_size=3))
def test_only_its_key_opens_a_device(group: Any, devices: list[Any], others: list[str]) -> None:
    found = Devices()
    found.of_file("a", read_provisions({"adapter": "a", "devices": devices, "groups": [group]}, core_context()))
    for one in devices:
        key = one.get("key") or (group["key"] if "group" in one else "")
        for tried in ("", key, *others):
            assert taken(found, one["id"], tried) == (not key or tried == key)


def taken(devices: Devices, name: str, key: str) -> bool:
    try:
        return devices.find("a", name, key).id == name
    except BadFrame:
        return False


@given(key=KEYS)
def test_a_key_is_shown_by_at_most_a_third_of_it(key: str) -> None:
    assert opens(key, digest_of(key))
    assert not opens(key + "x", digest_of(key))
    told = shown(digest_of(key), hint_of(key)).removeprefix("****")
    assert key.endswith(told)
    assert 3 * len(told) <= len(key)
    assert not opens("", digest_of(key))


def test_new_keys_differ() -> None:
    assert len({new_key() for _ in range(1000)}) == 1000


GOOD = st.sampled_from(["t", "h", "temperature", "lamp1", "Room", "https://example.org/x"])
BAD = st.sampled_from(["{x}", "", "type", "@id", "a b", "lamp-1", "x" * 300]) | st.text(max_size=8)
NAMES = st.integers(0, 29).flatmap(lambda dice: BAD if dice == 0 else GOOD)
TYPES = st.sampled_from(
    ["Number", "Text", "Boolean", "DateTime", "geo:point", "geo:json", "Relationship", "LanguageProperty",
     "VocabProperty", "JsonProperty", "ListProperty", "command", "Integer", ""]
)  # fmt: skip
VALUES = st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.floats(-10, 10), max_size=3)
MORE = {"object_id": NAMES, "entity_name": NAMES, "entity_type": NAMES}
UNITS = st.sampled_from([{"unitCode": {"value": "CEL"}}, {"unitCode": "KWH"}, {}, None, {"unitCode": 7}])
ATTRIBUTES = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"type": TYPES, "metadata": UNITS, **MORE}),
    max_size=3,
    unique_by=lambda one: str(one["name"]),
)
STATIC = st.lists(st.fixed_dictionaries({"name": NAMES, "value": VALUES}, optional={"metadata": UNITS}), max_size=2)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "entity_type": NAMES,
        "entity_name": NAMES,
        "attributes": ATTRIBUTES,
        "static_attributes": STATIC,
        "commands": ATTRIBUTES,
        "explicitAttrs": st.booleans(),
    },
)


@given(group=GIVEN, device=GIVEN)
def test_whatever_a_client_of_the_agent_says_is_a_mapping_or_is_refused(group: Any, device: Any) -> None:
    try:
        document = mapping_of(check_given(group, "group"), check_given(device, "device"))
        mapping = read_mapping(dict(document), RESOLVE)
    except (BadSettings, BadMapping):
        return
    assert mapping.name == document["mapping"]
    assert mapping_of(group, device) == document, "its name says what is in it"
    named = {rule.name for entity in mapping.entities for rule in entity.attributes}
    said = {one["name"] for given_ in (group, device) for one in given_.get("attributes", [])}
    assert named == said
