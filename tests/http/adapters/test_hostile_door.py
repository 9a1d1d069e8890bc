"""The door and what comes to it from anybody: paths, parameters and bodies that are none are refused, never a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.adapters.door_asking import FILES, ROUTES, Asker, asking, peopled


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    with asking(tmp_path) as asker:
        yield asker


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/iot", 404),
        ("GET", "/iot/", 404),
        ("GET", "/iot/other", 404),
        ("GET", "/admin/devices/hands", 404),
        ("GET", "/admin/devices/hands/a/b/c", 404),
        ("GET", "/admin/devices/%ff/x", 400),
        ("GET", "/admin/devices/" + "x" * 1025 + "/y", 400),
        ("PATCH", "/admin/devices", 405),
        ("DELETE", "/admin/quarantine", 405),
        ("BREW", "/iot/services", 405),
        ("GET", "/admin/devices?limit=x", 400),
        ("GET", "/admin/devices?limit=1&limit=2", 400),
        ("GET", "/admin/devices?drop=table", 400),
        ("GET", "/admin/devices?offset=99999999999999999999", 400),
        ("GET", "/admin/devices?adapter=%ff", 400),
        ("GET", "/admin/quarantine?after=-1", 400),
        ("GET", "/admin/devices?" + "a" * 100_000, 400),
    ],
)
def test_paths_and_parameters_that_are_none(ask: Asker, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status == status
    names = {"name", "message"} if path.startswith("/iot") else {"title", "detail"}
    assert names <= answer.json.keys()
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b'{"adapter": "hands", "adapter": "hands", "id": "x"}', {}, 400),
        (b'{"adapter": "hands", "id": "x", "rate_per_s": NaN}', {}, 400),
        (b'{"adapter": "hands", "id": "x", "rate_per_s": 1e999}', {}, 400),
        (b'{"adapter": "hands", "id": "' + b"x" * 3000 + b'"}', {}, 400),
        (b'{"adapter": "hands", "id": "x\\u0000"}', {}, 400),
        (b'{"adapter": "none", "id": "x"}', {}, 400),
        (b'{"adapter": "hands", "id": "x", "mapping": "none"}', {}, 400),
        (b'{"adapter": "hands", "id": "x", "tenant": "other"}', {}, 400),
        (b"[" * 100 + b"]" * 100, {}, 400),
        (b'{"adapter": "hands", "id": "x"}', {"content-type": "text/plain"}, 415),
        (b'{"adapter": "hands", "id": "x"}', {"content-type": "application/xml"}, 415),
        (b" " * (8 * 1024 * 1024 + 1), {}, 413),
    ],
)
def test_bodies_that_are_none(ask: Asker, body: bytes, headers: dict[str, str], status: int) -> None:
    for chunked in (False, True):
        answer = ask("POST", "/admin/devices", body, headers, chunked=chunked)
        assert answer.status == status
    assert ask("GET", "/admin/devices/hands/x").status == 404


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=10), below, max_size=3),
    max_leaves=10,
)
MEMBERS = st.sampled_from(
    ["id", "adapter", "tenant", "group", "mapping", "fixed", "options", "key", "key_digest", "entity_id", "entity_type",
     "services", "devices", "apikey", "resource", "attributes", "static_attributes", "commands", "device_id",
     "entity_name", "name", "object_id", "type", "value", "numbers", "reason", "new", "rate_per_s", "explicitAttrs"]
)  # fmt: skip
BODIES = st.recursive(
    ANY_JSON,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(MEMBERS, below, max_size=5),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with asking(tmp_path_factory.mktemp("door"), FILES) as asker:
        peopled(asker)
        yield asker


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(row=st.sampled_from([row for row in ROUTES if row[2] is not None]), body=BODIES, given_=st.data())
def test_no_body_is_answered_with_a_fault(lasting: Asker, row: tuple[str, str, Any], body: Any, given_: Any) -> None:
    method, path, good = row
    if isinstance(good, dict) and given_.draw(st.booleans()):
        name = given_.draw(st.sampled_from(sorted(good)))
        inner = good[name]
        if isinstance(inner, list) and inner and isinstance(inner[0], dict) and isinstance(body, dict):
            body = {**good, name: [{**inner[0], **body}]}
        else:
            body = {**good, name: body}
    answer = lasting(method, path, body)
    assert answer.status < 500, (path, body, answer.body)
