"""The port Identity for tests of services: `Authorization: Bearer NAME` is whom the test says NAME is."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import Unauthorized
from broker.ports import ANYONE, Principal
from broker.ports.identity import Asking


class Named:
    """`Named({"hana": Principal("hana", roles=frozenset({"resident"}), subject="urn:misono:subject:hana")})`."""

    def __init__(self, known: Mapping[str, Principal]) -> None:
        self.known = dict(known)

    def identify(self, asking: Asking) -> Principal:
        """Whom the bearer token names; ANYONE where there is none."""
        text = asking.headers.get("authorization", "")
        if not text:
            return ANYONE
        found = self.known.get(text.removeprefix("Bearer "))
        if found is None:
            raise Unauthorized("nobody of that name is known")
        return found
