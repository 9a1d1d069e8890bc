"""What each write makes of an entity (clauses 5.5.8, 5.5.12, 5.6.1 to 5.6.5, 5.6.17 to 5.6.21)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from broker.errors import BadRequestData, ResourceNotFound
from broker.model import change
from broker.model.change import MergeOptions
from broker.model.change.sameness import same
from broker.model.entity import Entity
from broker.model.values import to_text

T0 = 1_767_225_600_000_000
T1, T2 = T0 + 1_000_000, T0 + 2_000_000
NOW1, NOW2 = to_text(T1), to_text(T2)
NULL = "urn:ngsi-ld:null"
TEMP, SPEED, NAME, REL = "https://e/temperature", "https://e/speed", "https://e/name", "https://e/rel"


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def house(**more: Any) -> Entity:
    document: dict[str, Any] = {"id": "urn:x:1", "type": "https://e/House", TEMP: prop(25, unitCode="CEL")}
    return change.create({**document, **more}, T0)


def test_create_takes_expires_at_out_of_the_document() -> None:
    entity = change.create({"id": "urn:x:1", "type": "https://e/T", "expiresAt": "2026-01-02T00:00:00Z"}, T0)
    assert entity == Entity({"id": "urn:x:1", "type": "https://e/T"}, T0, T0, T0 + 86_400_000_000)


def test_update_replaces_the_attribute_whole_and_keeps_its_created_at() -> None:
    before = house()
    after, result = change.update(before, {TEMP: prop(100)}, T1)
    assert after.document[TEMP] == prop(100, modifiedAt=NOW1)
    assert result.updated == [TEMP]
    assert result.complete
    assert before.document[TEMP] == prop(25, unitCode="CEL"), "an entity is never changed in place"
    assert (after.version, after.created_at, after.modified_at) == (2, T0, T1)


def test_update_adds_what_is_new_with_its_own_created_at() -> None:
    after, result = change.update(house(), {SPEED: prop(1, **{NAME: prop("n")})}, T1)
    assert after.document[SPEED] == prop(1, createdAt=NOW1, **{NAME: prop("n", createdAt=NOW1)})
    again, _ = change.update(after, {SPEED: prop(2)}, T2)
    assert again.document[SPEED] == prop(2, createdAt=NOW1, modifiedAt=NOW2)
    assert result.updated == [SPEED]


def test_update_with_the_same_content_changes_nothing_at_all() -> None:
    before, _ = change.update(house(), {TEMP: prop(1, **{NAME: prop("n")})}, T1)
    after, result = change.update(before, {TEMP: prop(1, **{NAME: prop("n")})}, T2)
    assert after is before
    assert result.updated == [TEMP]


@pytest.mark.parametrize("other", [True, 1.0, "1", [1], {"a": 1}])
def test_update_tells_json_kinds_apart(other: Any) -> None:
    before, _ = change.update(house(), {TEMP: prop(1)}, T1)
    after, _ = change.update(before, {TEMP: prop(other)}, T2)
    assert after is not before
    assert type(after.document[TEMP]["value"]) is type(other)  # type: ignore[index, call-overload]


def test_update_may_change_the_kind() -> None:
    after, _ = change.update(house(), {TEMP: {"type": "Relationship", "object": "urn:x:2"}}, T1)
    assert after.document[TEMP] == {"type": "Relationship", "object": "urn:x:2", "modifiedAt": NOW1}


@pytest.mark.parametrize("null", [NULL, prop(NULL), {"type": "LanguageProperty", "languageMap": {"@none": NULL}}])
def test_update_with_a_null_deletes_the_default_instance(null: Any) -> None:
    before, _ = change.append(house(), {TEMP: prop(1, datasetId="urn:d:1")}, T1)
    after, result = change.update(before, {TEMP: null}, T2)
    assert after.document[TEMP] == prop(1, datasetId="urn:d:1", createdAt=NOW1)
    gone, _ = change.update(house(), {TEMP: null}, T1)
    assert TEMP not in gone.document
    assert result.updated == [TEMP]


def test_update_targets_the_instance_of_the_dataset() -> None:
    before, _ = change.append(house(), {TEMP: prop(1, datasetId="urn:d:1")}, T1)
    after, _ = change.update(before, {TEMP: [prop(2, datasetId="urn:d:1"), prop(3, datasetId="urn:d:2")]}, T2)
    assert after.document[TEMP] == [
        prop(25, unitCode="CEL"),
        prop(2, datasetId="urn:d:1", createdAt=NOW1, modifiedAt=NOW2),
        prop(3, datasetId="urn:d:2", createdAt=NOW2),
    ]
    assert after.document[TEMP][0] is before.document[TEMP][0]  # type: ignore[index]
    left, _ = change.update(before, {TEMP: prop(NULL, datasetId="urn:d:1")}, T2)
    assert left.document[TEMP] == prop(25, unitCode="CEL")


def test_update_reports_what_it_could_not_do() -> None:
    before = house()
    after, result = change.update(before, {SPEED: NULL, "scope": "/a"}, T1)
    assert after is before
    assert [one.name for one in result.not_updated] == [SPEED, "scope"]
    assert result.updated == []


def test_update_adds_types_and_replaces_a_scope_that_is_there() -> None:
    after, result = change.update(house(scope="/a"), {"type": ["https://e/House", "https://e/Shop"], "scope": "/b"}, T1)
    assert after.document["type"] == ["https://e/House", "https://e/Shop"]
    assert after.document["scope"] == "/b"
    assert result.complete


def test_append_without_overwrite_leaves_what_exists() -> None:
    before = house(scope="/a")
    fragment: dict[str, Any] = {TEMP: [prop(1), prop(2, datasetId="urn:d:1")], SPEED: prop(3), "scope": ["/a", "/b"]}
    after, result = change.append(before, fragment, T1, overwrite=False)
    assert after.document[TEMP] == [prop(25, unitCode="CEL"), prop(2, datasetId="urn:d:1", createdAt=NOW1)]
    assert after.document["scope"] == ["/a", "/b"]
    assert result.updated == [TEMP, SPEED]
    assert [one.name for one in result.not_updated] == [TEMP]
    same, _ = change.append(before, {TEMP: prop(1)}, T1, overwrite=False)
    assert same is before


def test_append_sets_a_scope_where_there_was_none() -> None:
    assert change.append(house(), {"scope": "/a"}, T1)[0].document["scope"] == "/a"
    assert change.append(house(), {"scope": "/a"}, T1, overwrite=False)[0].document["scope"] == "/a"


def test_partial_update_patches_members_and_leaves_the_rest() -> None:
    before = house(**{TEMP: prop(25, unitCode="CEL", **{NAME: prop("a")}, observedAt="2022-03-14T01:59:26.535Z")})
    after = change.partial_update(before, TEMP, {"value": 100, "observedAt": NULL, NAME: NULL}, T1)
    assert after.document[TEMP] == prop(100, unitCode="CEL", modifiedAt=NOW1)
    assert change.partial_update(after, TEMP, {"value": 100}, T2) is after


def test_partial_update_with_a_null_value_deletes_the_instance() -> None:
    after = change.partial_update(house(), TEMP, {"type": "Property", "value": NULL}, T1)
    assert TEMP not in after.document


def test_partial_update_refuses_another_kind_and_finds_only_what_is_there() -> None:
    with pytest.raises(BadRequestData) as refusal:
        change.partial_update(house(), TEMP, {"type": "Relationship", "object": "urn:x:2"}, T1)
    assert refusal.value.pointer == "/type"
    with pytest.raises(BadRequestData):
        change.partial_update(house(), TEMP, {"object": "urn:x:2"}, T1)
    with pytest.raises(ResourceNotFound):
        change.partial_update(house(), SPEED, {"value": 1}, T1)
    with pytest.raises(ResourceNotFound):
        change.partial_update(house(), TEMP, {"value": 1, "datasetId": "urn:d:1"}, T1)


def test_delete_attribute_takes_one_instance_or_all() -> None:
    both, _ = change.append(house(), {TEMP: prop(1, datasetId="urn:d:1")}, T1)
    left = change.delete_attribute(both, TEMP, T2, dataset_id="@none", delete_all=False)
    assert left.document[TEMP] == prop(1, datasetId="urn:d:1", createdAt=NOW1)
    assert TEMP not in change.delete_attribute(both, TEMP, T2, dataset_id=None, delete_all=True).document
    with pytest.raises(ResourceNotFound):
        change.delete_attribute(left, TEMP, T2, dataset_id=None, delete_all=False)
    scoped = house(scope="/a")
    assert "scope" not in change.delete_attribute(scoped, "scope", T1, dataset_id=None, delete_all=False).document


def test_replace_attribute_needs_one_to_replace() -> None:
    assert change.replace_attribute(house(), TEMP, prop("x"), T1).document[TEMP] == prop("x", modifiedAt=NOW1)
    with pytest.raises(ResourceNotFound):
        change.replace_attribute(house(), TEMP, prop("x", datasetId="urn:d:1"), T1)
    with pytest.raises(ResourceNotFound):
        change.replace_attribute(house(), SPEED, prop("x"), T1)


def test_replace_keeps_created_at_of_the_entity_and_of_instances_that_stay() -> None:
    before, _ = change.append(house(expiresAt="2027-01-01T00:00:00Z", scope="/a"), {SPEED: prop(1)}, T1)
    after, _ = change.replace(before, {"id": "urn:x:1", "type": "https://e/Shop", SPEED: prop(2), NAME: prop("n")}, T2)
    assert after.document == {
        "id": "urn:x:1",
        "type": "https://e/Shop",
        SPEED: prop(2, createdAt=NOW1, modifiedAt=NOW2),
        NAME: prop("n", createdAt=NOW2),
    }
    assert (after.created_at, after.expires_at, after.version) == (T0, None, 3)
    same: dict[str, Any] = {"id": "urn:x:1", "type": "https://e/Shop", SPEED: prop(2), NAME: prop("n")}
    assert change.replace(after, same, T2)[0] is after


def test_merge_goes_into_values_and_takes_nulls_away() -> None:
    before = house(**{NAME: prop({"street": "Straße des 17. Juni", "city": "Berlin", "country": "Germany"})})
    fragment: dict[str, Any] = {NAME: prop({"street": "Pariser Platz", "country": NULL}), TEMP: {"unitCode": NULL}}
    after, result = change.merge(before, fragment, T1)
    assert after.document[NAME] == prop({"street": "Pariser Platz", "city": "Berlin"}, modifiedAt=NOW1)
    assert after.document[TEMP] == prop(25, modifiedAt=NOW1)
    assert result.updated == [NAME, TEMP]
    assert change.merge(after, fragment, T2)[0] is after


def test_merge_changes_sub_attributes_one_by_one() -> None:
    before = house(**{TEMP: prop(1, **{NAME: prop("a"), SPEED: prop(2)})})
    after, _ = change.merge(before, {TEMP: {NAME: prop("b"), SPEED: prop(NULL)}}, T1)
    assert after.document[TEMP] == prop(1, **{NAME: prop("b", modifiedAt=NOW1)}, modifiedAt=NOW1)


def test_merge_adds_without_nulls_and_ignores_nulls_of_what_is_not_there() -> None:
    before = house()
    after, _ = change.merge(before, {SPEED: prop({"a": NULL, "b": {"c": NULL}}, unitCode=NULL)}, T1)
    assert after.document[SPEED] == prop({"b": {}}, createdAt=NOW1)
    assert change.merge(before, {SPEED: prop(NULL), NAME: NULL}, T1)[0] is before
    with pytest.raises(BadRequestData) as refusal:
        change.merge(before, {SPEED: {"unitCode": "CEL"}}, T1)
    assert refusal.value.pointer == "/https:~1~1e~1speed"


def test_merge_refuses_another_kind_unless_simplified() -> None:
    before = house(**{REL: {"type": "Relationship", "object": "urn:x:2"}})
    with pytest.raises(BadRequestData):
        change.merge(before, {REL: prop("urn:x:3")}, T1)
    after, _ = change.merge(before, {REL: prop("urn:x:3")}, T1, MergeOptions(simplified=True))
    assert after.document[REL] == {"type": "Relationship", "object": "urn:x:3", "modifiedAt": NOW1}
    with pytest.raises(BadRequestData):
        change.merge(before, {REL: prop(7)}, T1, MergeOptions(simplified=True))


VALUES: dict[str, Any] = {
    "Relationship": ("object", "urn:x:2"),
    "ListRelationship": ("objectList", [{"object": "urn:x:2"}]),
    "VocabProperty": ("vocab", "https://e/old"),
    "ListProperty": ("valueList", [1]),
    "JsonProperty": ("json", 1),
    "LanguageProperty": ("languageMap", {"@none": "old"}),
}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("Relationship", ["urn:x:3", "urn:x:4"], ["urn:x:3", "urn:x:4"]),
        ("ListRelationship", ["urn:x:3"], [{"object": "urn:x:3"}]),
        ("VocabProperty", "new", "https://e/new"),
        ("VocabProperty", ["new"], ["https://e/new"]),
        ("ListProperty", [2, 3], [2, 3]),
        ("JsonProperty", [2], [2]),
        ("LanguageProperty", "new", {"@none": "new"}),
        ("Relationship", "no uri", None),
        ("ListRelationship", [], None),
        ("ListProperty", 1, None),
        ("VocabProperty", 1, None),
    ],
)
def test_a_simplified_merge_keeps_the_kind_that_is_there(kind: str, given: Any, expected: Any) -> None:
    member, held = VALUES[kind]
    before = house(**{REL: {"type": kind, member: held}})
    options = MergeOptions(simplified=True, expand_value=lambda term: f"https://e/{term}")
    if expected is None:
        with pytest.raises(BadRequestData):
            change.merge(before, {REL: prop(given)}, T1, options)
    else:
        after, _ = change.merge(before, {REL: prop(given)}, T1, options)
        assert after.document[REL] == {"type": kind, member: expected, "modifiedAt": NOW1}


def test_a_language_to_merge_into_is_one() -> None:
    with pytest.raises(BadRequestData):
        MergeOptions(lang="not a tag")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, {"a": 2}], [1, {"a": 2}], True),
        ([1, 2], [1, 2.0], False),
        ([1], [1, 2], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (0.0, -0.0, False),
        (0.0, float("0"), True),
        (10**30, 10**30, True),
        (1, True, False),
    ],
)
def test_same_is_written_the_same(one: Any, other: Any, expected: bool) -> None:
    assert same(deepcopy(one), deepcopy(other)) is expected


def test_nulls_of_lists_take_away_too() -> None:
    nulls: list[tuple[str, str, Any]] = [
        ("ListProperty", "valueList", [NULL]),
        ("ListProperty", "valueList", NULL),
        ("ListRelationship", "objectList", [{"object": NULL}]),
    ]
    for kind, member, null in nulls:
        before = house(**{REL: {"type": kind, member: []}})
        assert REL not in change.update(before, {REL: {"type": kind, member: null}}, T1)[0].document


def test_merging_an_object_over_a_scalar_drops_its_nulls() -> None:
    after, _ = change.merge(house(), {TEMP: prop({"a": NULL, "b": 1})}, T1)
    assert after.document[TEMP] == prop({"b": 1}, unitCode="CEL", modifiedAt=NOW1)


def test_partial_update_replaces_sub_attributes_by_dataset() -> None:
    first, second = prop("a"), prop("b", datasetId="urn:d:1")
    before = house(**{TEMP: prop(1, **{NAME: [first, second]})})
    after = change.partial_update(before, TEMP, {NAME: prop(NULL, datasetId="urn:d:1"), SPEED: prop(3)}, T1)
    assert after.document[TEMP] == prop(1, **{NAME: first, SPEED: prop(3, createdAt=NOW1)}, modifiedAt=NOW1)
    gone = change.partial_update(after, TEMP, {NAME: prop(NULL)}, T2)
    assert NAME not in gone.document[TEMP]  # type: ignore[operator]


def test_a_null_scope_goes() -> None:
    assert "scope" not in change.merge(house(scope="/a"), {"scope": NULL}, T1)[0].document


def test_merge_puts_text_into_the_language_asked_for() -> None:
    before = house(**{NAME: {"type": "LanguageProperty", "languageMap": {"en": "a", "ja": "b"}}})
    after, _ = change.merge(before, {NAME: prop("c")}, T1, MergeOptions(lang="ja"))
    assert after.document[NAME]["languageMap"] == {"en": "a", "ja": "c"}  # type: ignore[index, call-overload]


def test_merge_moves_a_common_observed_at_only_where_there_was_one() -> None:
    observed = {"observedAt": "2022-01-01T00:00:00Z"}
    before = house(**{TEMP: prop(1, **observed), SPEED: prop(1)})
    options = MergeOptions(observed_at="2023-01-01T00:00:00Z")
    after, _ = change.merge(before, {TEMP: prop(2), SPEED: prop(2)}, T1, options)
    assert after.document[TEMP]["observedAt"] == "2023-01-01T00:00:00Z"  # type: ignore[index, call-overload]
    assert "observedAt" not in after.document[SPEED]  # type: ignore[operator]


def test_merge_sets_and_takes_away_the_expiry() -> None:
    dated, _ = change.merge(house(), {"expiresAt": "2026-01-02T00:00:00Z"}, T1)
    assert dated.expires_at == T0 + 86_400_000_000
    assert "expiresAt" not in dated.document
    assert change.merge(dated, {"expiresAt": NULL}, T2)[0].expires_at is None
    assert change.update(dated, {TEMP: prop(1)}, T2)[0].expires_at == dated.expires_at


def test_purge_drops_or_keeps_attributes() -> None:
    before = house(scope="/a", **{SPEED: prop(1)})
    assert set(change.purge(before, {TEMP, "id", "scope"}, T1).document) == {"id", "type", SPEED}
    assert set(change.keep_only(before, {TEMP}, T1).document) == {"id", "type", "scope", TEMP}
    assert change.purge(before, {NAME}, T1) is before
