"""What sources are told and asked where not everybody sees everything: who asks what for, and whom answers are about.

A part of an entity without its DATA_SUBJECT would be judged as if it were about nobody. So whom it is about is always
asked for beside what is wanted; and whoever asks for an organisation and a purpose says so to the source, whose own
consents decide what it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from broker.model.entity import ENTITY_MEMBERS, Entity
from broker.model.subjects import DATA_SUBJECT, JUDGED_BY
from broker.model.terms import HEADERS, NEEDED
from broker.model.values import Json
from broker.operations.broker import Call
from federation.messages import Forward

_MARKS: Final = frozenset(one.rpartition("/")[2] for one in JUDGED_BY)
_HEAD: Final = ENTITY_MEMBERS | {DATA_SUBJECT}
BEHALF: Final = "Misono-On-Behalf-Of"
_PLAIN: Final = " !\"#$&'()*+,/:;<=>?@[]^`{|}"


def on_behalf(call: Call, forwards: Sequence[Forward]) -> list[Forward]:
    """The requests as they go to sources for this caller."""
    if call.restriction.view is None and not call.principal.purposes:
        return [*forwards]
    more = _headers(call)
    asked = forwards if call.restriction.view is None else map(_about_whom, forwards)
    return [replace(one, headers=(*one.headers, *more)) for one in asked] if more else [*asked]


def says_more(entity: Entity) -> bool:
    """Whether a part of an entity tells anything but whom it is about, which nobody wanted of it."""
    document = entity.document
    return DATA_SUBJECT not in document or any(name not in _HEAD for name in document)


def lacking_terms(forward: Forward) -> tuple[str, ...]:
    """Which of NEEDED a registration lacks that is to be sent something that says itself whom it is about."""
    if forward.method == "GET" or not _is_of_persons(forward.body):
        return ()
    contract = forward.registration.contract
    known = contract if isinstance(contract, dict) else {}
    return tuple(name for name in NEEDED if not str(known.get(name, "")).strip())


def _is_of_persons(body: Json) -> bool:
    """Whether a payload, in whatever names, has a member that says whom it is about, or how sensitive it is."""
    if isinstance(body, list):
        return any(map(_is_of_persons, body))
    if not isinstance(body, dict):
        return False
    return any(name.rpartition("/")[2] in _MARKS or _is_of_persons(value) for name, value in body.items())


def _headers(call: Call) -> tuple[tuple[str, str], ...]:
    purposes = " ".join(quote(one, safe=_PLAIN.replace(" ", "")) for one in sorted(call.principal.purposes))
    found = ((HEADERS["purpose"], purposes), (BEHALF, quote(call.principal.recipient, safe=_PLAIN)))
    return tuple((name, text) for name, text in found if text)


def _about_whom(forward: Forward) -> Forward:
    """The request, which asks for DATA_SUBJECT too where it names what it wants."""
    body = forward.body
    if forward.method == "GET":
        if not any(name == "attrs" for name, _ in forward.parameters):
            return forward
        return replace(forward, parameters=tuple(_widened(name, text) for name, text in forward.parameters))
    attrs = body.get("attrs") if isinstance(body, dict) and forward.operation.startswith("query") else None
    if isinstance(body, dict) and isinstance(attrs, list):
        return replace(forward, body={**body, "attrs": [*attrs, DATA_SUBJECT]})
    return forward


def _widened(name: str, text: str) -> tuple[str, str]:
    return name, f"{text},{DATA_SUBJECT}" if name == "attrs" else text
