"""An identity over one issuer, made as the file of --access has it made."""

from __future__ import annotations

from typing import Any

from broker.access.configured import read_configured
from broker.access.identity import Identified, Tokens
from broker.access.issuers import IssuerKeys
from broker.access.keys import Keys
from broker.access.signed import Signed
from broker.nonces import Nonces
from broker.ports import ROLES, Principal
from tests.fakes.clock import FakeClock
from tests.fakes.issuing import AUDIENCE, URL, Issuer, Message

WORDS = {"WatchOver": "https://misono.example/def/WatchOver", "Marketing": "https://misono.example/def/Marketing"}


def section(**more: Any) -> dict[str, Any]:
    """[issuers.city] of an issuer that may give every role in the default tenant."""
    return {"issuer": URL, "audience": AUDIENCE, "roles": sorted(ROLES), **more}


class City:
    """`City(issuer).who("Bearer …")`; `keys` is the section [keys]."""

    def __init__(
        self, issuer: Issuer, clock: FakeClock | None = None, keys: dict[str, Any] | None = None, **more: Any
    ) -> None:
        self.clock = clock or FakeClock()
        configured = read_configured({"issuers": {"city": section(**more)}, "keys": keys or {}})
        self.issuer_keys = IssuerKeys(configured.issuers["city"], issuer.fetch, self.clock)
        held, words = Keys(configured.keys, self.clock), lambda: WORDS
        signed = Signed(held.signing, self.clock, Nonces(None, self.clock).first)
        self.identity = Identified(Tokens({"city": self.issuer_keys}, words, self.clock), held, signed, words)

    def who(self, token: str = "", **headers: str) -> Principal:
        """Who a request with these headers is from (`misono_purpose="…"`)."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        if token:
            given["authorization"] = f"Bearer {token}"
        return self.identity.identify(Message(headers=given))
