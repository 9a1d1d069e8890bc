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
from broker.model.subjects import DATA_SUBJECT
from broker.model.terms import HEADERS
from broker.operations.broker import Call
from federation.messages import Forward

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
