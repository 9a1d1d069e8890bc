"""Files of entities: told apart by how they begin, and one bad neighbour harms none."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from broker.decode.files import entities_in, in_utc
from broker.errors import NgsiError
from broker.model.values import Json


def read(text: str) -> list[dict[str, Json] | str]:
    """Bodies, and the clause of each refusal, in the order of their positions."""
    found = list(entities_in(text.encode().splitlines(keepends=True)))
    assert [one.position for one in found] == list(range(len(found)))
    return [one.body.clause if isinstance(one.body, NgsiError) else one.body for one in found]


def test_an_array_of_entities() -> None:
    assert read('[{"id": "urn:a:1"},\n {"id": "urn:a:2"}]') == [{"id": "urn:a:1"}, {"id": "urn:a:2"}]


def test_one_entity_over_several_lines() -> None:
    assert read('{\n "id":\n "urn:a:1"}\n') == [{"id": "urn:a:1"}]


def test_one_entity_on_one_line() -> None:
    assert read('\n\ufeff{"id": "urn:a:1"}') == [{"id": "urn:a:1"}]


def test_ndjson_with_empty_lines() -> None:
    assert read('{"id": "urn:a:1"}\n\n{"id": "urn:a:2"}\r\n') == [{"id": "urn:a:1"}, {"id": "urn:a:2"}]


def test_a_bad_line_harms_no_neighbour() -> None:
    assert read('{"id": "urn:a:1"}\n{"id": "urn:a:2", }\n7\n{"id": "urn:a:3"}') == [
        {"id": "urn:a:1"},
        "5.5.4",
        "5.2.4",
        {"id": "urn:a:3"},
    ]


def test_an_array_element_that_is_no_object() -> None:
    assert read('[{"id": "urn:a:1"}, "urn:a:2", [1]]') == [{"id": "urn:a:1"}, "5.2.4", "5.2.4"]


def test_a_file_of_nothing_and_a_file_of_something_else() -> None:
    assert read(" \n\n") == ["5.5.4"]
    assert read("id,type\n1,House\n") == ["5.5.4"]
    assert read('[{"id": "urn:a:1"}') == ["5.5.4"]


def test_ndjson_is_read_as_it_comes() -> None:
    """The first entity is there before the second line is asked for."""

    def asked_for() -> Iterator[bytes]:
        yield b'{"id": "urn:a:1"}\n'
        raise AssertionError("asked too early")

    assert next(entities_in(asked_for())).body == {"id": "urn:a:1"}


def test_times_of_other_zones_become_utc() -> None:
    body: dict[str, Json] = {
        "expiresAt": "2026-01-01T00:30:00+09:00",
        "speed": [
            {"value": 1, "observedAt": "2026-01-01T09:00:00.25+09:00"},
            {
                "value": {"@type": "DateTime", "@value": "2025-12-31T19:00:00-05:00"},
                "observedAt": "2026-01-01T00:00:00Z",
            },
        ],
        "note": {"value": {"observedAt": "2026-01-01T09:00:00+09:00"}},
        "text": {"value": "2026-01-01T09:00:00+09:00", "sub": {"value": 2, "observedAt": "2026-01-01T00:00:00+00:00"}},
    }
    assert in_utc(body) == {
        "expiresAt": "2025-12-31T15:30:00Z",
        "speed": [
            {"value": 1, "observedAt": "2026-01-01T00:00:00.250000Z"},
            {"value": {"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}, "observedAt": "2026-01-01T00:00:00Z"},
        ],
        "note": {"value": {"observedAt": "2026-01-01T09:00:00+09:00"}},
        "text": {"value": "2026-01-01T09:00:00+09:00", "sub": {"value": 2, "observedAt": "2026-01-01T00:00:00Z"}},
    }


def test_a_time_that_is_none_is_left_for_the_decoder_to_refuse() -> None:
    body: dict[str, Json] = {"a": {"value": 1, "observedAt": "2026-13-01T09:00:00+09:00"}}
    assert in_utc(body) == body


@given(st.lists(st.sampled_from(['{"id": "urn:a:1"}', "{", "}", "[", "]", "1", "", '"', "\\"]), max_size=6))
def test_any_text_gives_bodies_or_refusals(lines: list[str]) -> None:
    read("\n".join(lines))
