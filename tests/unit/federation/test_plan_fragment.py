"""What is sent to a source reads there as it was read here (clauses 5.5.4, 5.5.7)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from broker.decode.entity import decode_fragment
from broker.ldcontext.core import core_context
from broker.model.registration import Registration
from federation.merge_provide import Left, Part, batch_result, judge, looped, problem_of, unserved
from federation.messages import Answered, Forward, Trouble
from federation.plan_fragment import named_document

NULL = "urn:ngsi-ld:null"
FRAGMENTS: list[dict[str, Any]] = [
    {"id": "urn:x:1", "type": ["A", "B"], "scope": ["/a", "/b"], "expiresAt": "2027-01-01T00:00:00.000000Z"},
    {"speed": 5, "name": NULL, "gone": {"type": "Property", "value": NULL}},
    {"speed": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1", "accuracy": {"value": 3, "unitCode": "CEL"}}]},
    {"kind": {"type": "VocabProperty", "vocab": ["big", "small"]}, "gone": {"type": "VocabProperty", "vocab": NULL}},
    {"name": {"type": "LanguageProperty", "languageMap": {"ja": "美園", "@none": NULL}}},
    {"owner": {"type": "Relationship", "object": "urn:x:2", "objectType": "Person"}, "list": {"valueList": [1, 2]}},
    {"location": {"type": "Point", "coordinates": [1, 2]}, "data": {"type": "JsonProperty", "json": {"id": 1}}},
]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_fragment_is_read_there_as_here(fragment: dict[str, Any]) -> None:
    names = core_context()
    read = decode_fragment(deepcopy(fragment), names, nulls=True, merge=True)
    sent = named_document(read, names)
    assert decode_fragment(deepcopy(sent), names, nulls=True, merge=True) == read


def test_a_simplified_fragment_is_sent_simplified() -> None:
    names = core_context()
    fragment: dict[str, Any] = {"speed": 5, "name": NULL, "kind": {"vocab": "big"}, "size": {"w": 1}}
    read = decode_fragment(deepcopy(fragment), names, nulls=True, simplified=True)
    assert named_document(read, names, simplified=True) == fragment


ELSEWHERE = Registration("urn:r:1", "http://x", ())
FORWARD = Forward(ELSEWHERE, "createEntity", "POST", "/entities")


@pytest.mark.parametrize(
    ("status", "trouble", "body", "found"),
    [
        (201, "", None, None),
        (204, "invalid", None, None),
        (207, "", None, None),
        (207, "invalid", None, None),
        (0, "timeout", None, 504),
        (0, "cooldown", None, 504),
        (0, "unreachable", None, 502),
        (200, "too large", None, 502),
        (0, "loop", None, 508),
        (508, "", None, 508),
        (404, "invalid", None, 404),
        (404, "", {"detail": 7}, 404),
        (409, "", {"title": "x", "detail": "y" * 5000}, 409),
        (401, "", [1], 502),
    ],
)
def test_what_a_source_answers_becomes_a_refusal(status: int, trouble: Trouble, body: Any, found: int | None) -> None:
    refusal = problem_of(Answered(FORWARD, status, body, trouble=trouble))
    assert (None if refusal is None else refusal.status) == found
    assert refusal is None or len(refusal.detail) < 1200


def test_parts_that_nobody_serves_are_one_conflict_and_a_mixture_is_told_part_by_part() -> None:
    left = Answered(FORWARD, 404)
    missing = problem_of(left)
    assert missing is not None
    conflict = Part(ELSEWHERE, left=(Left(unserved(ELSEWHERE, "createEntity"), unserved=True),), done=False)
    loop = Part(ELSEWHERE, left=(Left(looped(ELSEWHERE)),), done=False)
    assert judge([conflict, conflict]).refusal is conflict.left[0].refusal
    verdict = judge([conflict, loop])
    assert (verdict.refusal, verdict.mixed, verdict.done) == (None, True, False)
    told: Any = batch_result("urn:x:1", verdict)
    assert (told["success"], [one["error"]["status"] for one in told["errors"]]) == ([], [409, 508])
    assert judge([Part(None, left=(Left(missing),), done=False)] * 2).refusal is missing
