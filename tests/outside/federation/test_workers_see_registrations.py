"""Processes of one hub: a registration made by one is seen by all, and so is its end."""

from __future__ import annotations

import time
from pathlib import Path

from tests.fakes import plain
from tests.outside.federation.hubs import house, hub, ids, load, register
from tests.outside.served import Served

SEEN_S = 0.6
"""Twice the time after which a process looks, and some."""
CONNECTIONS = 40
REMOTE = "urn:ngsi-ld:House:remote"


def seen(served: Served) -> set[bool]:
    """Whether the remote house is in a query's answer, on each of many connections."""
    found = set()
    for _ in range(CONNECTIONS):
        with plain.Client(base_url=f"{served.root}/ngsi-ld/v1", timeout=30) as client:
            found.add(REMOTE in ids(client.get("/entities?type=House")))
    return found


def test_all_workers_see_a_registration_and_its_end(tmp_path: Path) -> None:
    with hub(tmp_path / "far", "far") as far, hub(tmp_path / "near", "near", "--workers", "2") as near:
        load(far, [house("remote", rooms=1)])
        load(near, [house("own", rooms=1)])
        assert seen(near) == {False}
        one = register(near, far.root)
        time.sleep(SEEN_S)
        assert seen(near) == {True}
        assert near.http.delete(f"/csourceRegistrations/{one}").status_code == 204
        time.sleep(SEEN_S)
        assert seen(near) == {False}


def test_a_registration_survives_a_restart(tmp_path: Path) -> None:
    with hub(tmp_path / "far", "far") as far:
        load(far, [house("remote", rooms=1)])
        with hub(tmp_path / "near", "near") as near:
            register(near, far.root)
            near.kill()
        with hub(tmp_path / "near", "near") as near:
            assert ids(near.http.get("/entities?type=House")) == [REMOTE]
