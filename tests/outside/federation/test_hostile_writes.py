"""Writes to a proxied attribute whose source behaves badly: refused in time, and nothing of them is held here.

Where a refusal is late, the write is sent in up to three windows, and the quietest counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.quiet import quietest
from tests.outside.federation.hostile import GARBAGE, Behaviour, hangs, source
from tests.outside.federation.hubs import hub, register
from tests.outside.served import Served

TIMEOUT_S, MARGIN_S = 1.0, 0.7
DOOR = "urn:ngsi-ld:Door:1"
BAD = {
    "hangs": hangs,
    **{
        name: GARBAGE[name] for name in ("closes", "cut off", "drips", "error", "long headers", "never ends", "no http")
    },
    "redirect": GARBAGE["redirect"],
}


@pytest.fixture(scope="module")
def middle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub that waits a second for others."""
    place = tmp_path_factory.mktemp("hostile-writes") / "middle"
    with hub(place, "middle", "--forward-timeout-s", str(TIMEOUT_S)) as served:
        yield served


@pytest.mark.parametrize("behaviour", [pytest.param(BAD[name], id=name) for name in sorted(BAD)])
def test_a_proxied_write_that_its_source_does_not_do_is_refused(middle: Served, behaviour: Behaviour) -> None:
    door = {"entities": [{"id": DOOR, "type": "Door"}], "propertyNames": ["open"]}
    with source(behaviour) as endpoint:
        one = register(middle, endpoint, mode="exclusive", operations=["redirectionOps"], information=[door])

        def window() -> list[float]:
            begin = time.monotonic()
            answer = middle.http.patch(f"/entities/{DOOR}/attrs/open", json={"type": "Property", "value": True})
            took = time.monotonic() - begin
            assert answer.status_code >= httpx.codes.BAD_REQUEST, answer.text
            assert answer.headers["content-type"] == "application/json", answer.headers
            return [took]

        assert max(quietest("write", TIMEOUT_S + MARGIN_S, window)) < TIMEOUT_S + MARGIN_S
        assert middle.http.get(f"/entities/{DOOR}?local=true").status_code == httpx.codes.NOT_FOUND
        assert middle.http.delete(f"/csourceRegistrations/{one}").status_code == httpx.codes.NO_CONTENT
