"""A path without an entity id is refused, also where sources are registered by patterns of ids."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.http.doors import ROOT, Door, broker, front_door

REQUESTS = (
    ("POST", "/entities//attrs", {"speed": {"type": "Property", "value": 1}}),
    ("PATCH", "/entities//attrs", {"speed": {"type": "Property", "value": 1}}),
    ("PATCH", "/entities//attrs/speed", {"value": 1}),
    ("DELETE", "/entities//attrs/speed", None),
    ("GET", "/temporal/entities//", None),
)


@pytest.fixture(name="door")
def one_door() -> Iterator[Door]:
    with broker(allow_private="true") as (_, doors):
        door = front_door(doors)
        for pattern in ("^urn:a:.*", "^urn:b:.*"):
            information = [{"entities": [{"type": "Vehicle", "idPattern": pattern}]}]
            body = {
                "type": "ContextSourceRegistration", "endpoint": "http://127.0.0.1:9", "mode": "redirect",
                "operations": ["redirectionOps"], "information": information,
            }  # fmt: skip
            assert door("POST", f"{ROOT}/csourceRegistrations", {}, json.dumps(body).encode()).status == 201
        yield door


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_it_is_a_bad_request(door: Door, method: str, path: str, body: object) -> None:
    reply = door(method, ROOT + path, {}, None if body is None else json.dumps(body).encode())
    assert reply.status in (400, 405), reply.body
