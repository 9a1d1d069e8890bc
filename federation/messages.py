"""What is asked of a context source, and what came back: plain values between planning, asking and merging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from broker.model.registration import Information, Registration
from broker.model.values import Json

Trouble: TypeAlias = Literal["", "timeout", "unreachable", "cooldown", "loop", "invalid", "too large", "refused"]


TEXT_MAX = 200
_UNFIT = re.compile(r"[^ !#-\[\]-~]+")
"""What cannot stand in a quoted text of a header: a source's words end up there."""


@dataclass(frozen=True, slots=True)
class Match:
    """A registration that a request is about, and those parts of it that match (clause 5.12)."""

    registration: Registration
    information: tuple[Information, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What is known here of an entity, or of several, that something is written of at a source.

    `types` are IRIs, those of the entity that is held here among them; `marked`: what is held says itself whom it is
    about, or how sensitive it is.
    """

    types: frozenset[str] = frozenset()
    marked: bool = False


NOTHING_KNOWN: Final = Head()


@dataclass(frozen=True, slots=True)
class Forward:
    """One request to one source, in the names of the request or of the source's own @context (clause 4.3.6.6).

    `path` is relative to the API's root and percent-encoded: `/entities/urn%3Angsi-ld%3AHouse%3A1`. `parameters` are
    decoded pairs. `body` is without @context: it goes by Link, or into the body where the source wants it there.
    `operation` is its name of Table 4.20-1. `context` is the source of the @context that the names are of. `head` is
    what a write is about, where that decides whether it may go there.
    """

    registration: Registration
    operation: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: Json = None
    context: Json = None
    headers: tuple[tuple[str, str], ...] = ()
    head: Head = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Answered:
    """What a source answered: parsed JSON, or why there is none.

    `status` is 0 where nothing came; `headers` have lower-case names; `trouble` is empty for any answer that is JSON
    as it should be, a problem body included, and for one without a body.
    """

    forward: Forward
    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble = ""
    detail: str = ""
    took_ms: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether the source did what it was asked."""
        return 200 <= self.status < 300 and not self.trouble  # noqa: PLR2004  success is 2xx


@dataclass(frozen=True, slots=True)
class Warned:
    """One NGSILD-Warning (clause 6.3.17): code, who warns, and what of."""

    code: Literal[110, 111, 199, 299]
    agent: str
    text: str

    def header(self) -> tuple[str, str]:
        """The header of this warning."""
        agent, text = (_UNFIT.sub(" ", one)[:TEXT_MAX] for one in (self.agent, self.text))
        return "NGSILD-Warning", f'{self.code} {agent.replace(" ", "_") or "-"} "{text}"'
