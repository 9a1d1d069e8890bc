"""What answers of several hubs rest on: the numbers of their disclosures in the audits of the sources (pure).

    Misono-Disclosure: 17, aizu:4        entry 17 of this hub's audit, and entry 4 of that of the source aizu

A source's number is passed on with what it is about only: that something is hidden here must not show by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from broker.http.exchange import Exchange
from broker.model.registration import Registration
from broker.model.values import Json
from broker.ports.audit import WITNESS
from broker.ports.disclosing import HEADER, Disclosing
from federation.messages import Answered, Forward
from federation.sources import Sources
from federation.warned import agent_of

NUMBERS_MAX: Final = 32
_CHARACTERS_MAX: Final = 4096
_PLAIN: Final = ":/"
_NUMBER: Final = re.compile(r"(?:[A-Za-z0-9:/._~%-]{1,180}:)?[0-9]{1,16}")


@dataclass(slots=True)
class Listening:
    """The port Sources, which remembers what was answered to one request."""

    sources: Sources
    answers: list[Answered] = field(default_factory=list)

    def ask(self, exchange: Exchange, forwards: Sequence[Forward]) -> list[Answered]:
        """As the port says."""
        found = self.sources.ask(exchange, forwards)
        self.answers += [one for one in found if HEADER.lower() in one.headers]
        return found

    def send(self, tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """As the port says."""
        return self.sources.send(tenant, forwards)


def rests_on(exchange: Exchange, answers: Iterable[Answered]) -> list[str]:
    """The numbers of sources that what is being answered on this thread rests on."""
    told = told_of(exchange)
    found: dict[str, None] = {}
    for answered in answers:
        if answered.succeeded and (told is None or not told.isdisjoint(_ids(answered.body))):
            found.update(dict.fromkeys(passed_on(answered.headers[HEADER.lower()], answered.forward.registration)))
    return [*found][:NUMBERS_MAX]


def told_of(exchange: Exchange) -> set[str] | None:
    """Ids of what tells of persons in what leaves on this thread; None where nothing is hidden from who asks."""
    if exchange.call.restriction.view is None:
        return None
    witness = WITNESS.get()
    return witness.entities if isinstance(witness, Disclosing) else set()


def passed_on(text: str, registration: Registration) -> list[str]:
    """A source's header as this hub passes it on; what is no number is left out."""
    alias = quote(agent_of(registration), safe=_PLAIN)
    found = [one.strip() for one in text[:_CHARACTERS_MAX].split(",")]
    return [f"{alias}:{one}" for one in found if _NUMBER.fullmatch(one)][:NUMBERS_MAX]


def _ids(body: Json) -> set[str]:
    """The entities that an answer tells of."""
    found = (one.get("id") for one in (body if isinstance(body, list) else [body]) if isinstance(one, dict))
    return {one for one in found if isinstance(one, str)}
