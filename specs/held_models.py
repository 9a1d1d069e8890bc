"""What the features say of data models: how entities are held to them, as an operator sets it."""

from __future__ import annotations

import json
from typing import Protocol

from specs.door import Door

JSON = {"Content-Type": "application/json"}


class Speaks(Protocol):
    """Who talks to the broker."""

    @property
    def door(self) -> Door:
        """The way in."""


def the_model_policy(client: Speaks, name: str, mode: str) -> None:
    """From now on entities of this model's type are held to it so."""
    body = json.dumps({"mode": mode}).encode()
    assert client.door("PUT", f"/admin/models/policies/{name}", JSON, body).status == 204
