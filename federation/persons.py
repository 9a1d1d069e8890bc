"""What sources are told and asked where not everybody sees everything: who asks what for, and whom answers are about.

A part of an entity without its DATA_SUBJECT would be judged as if it were about nobody. So whom it is about is always
asked for beside what is wanted; and whoever asks for an organisation and a purpose says so to the source, whose own
consents decide what it gives. Nothing that tells of persons goes to a source whose contract does not say who gets it,
and what for (decision 0021).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import core_context
from broker.model.entity import ENTITY_MEMBERS, Entity
from broker.model.subjects import DATA_SUBJECT, JUDGED_BY
from broker.model.terms import HEADERS, NOTHING_PERSONAL, Personal, may_concern_persons, unstated_terms
from broker.model.values import Json
from broker.operations.broker import Call
from broker.query.ast import Absent, And, Between, Compare, Exists, Geo, Linked, Node, OneOf, Or, Pattern
from broker.query.bind import bind
from broker.query.percent import decoded
from broker.query.q import parse_q
from federation.messages import Forward, Head

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


def lacking_terms(
    forward: Forward,
    personal: Personal = NOTHING_PERSONAL,
    names: Callable[[Forward], ActiveContext] = lambda _: core_context(),
) -> tuple[str, ...]:
    """Which of NEEDED the source's contract lacks, where the request may tell of persons; `names` are those it is in.

    So it does where the source is registered for what does, where it writes of such a type or of what says itself whom
    it is about, and where its condition looks at what tells of persons.
    """
    missing = unstated_terms(forward.registration)
    if not missing:
        return ()
    if may_concern_persons(forward.registration, personal) or _writes_of_persons(forward, personal):
        return missing
    return missing if _asks_of_persons(forward, personal, names) else ()


def is_marked(body: Json) -> bool:
    """Whether a payload, in whatever names, has a member that says whom it is about, or how sensitive it is."""
    if isinstance(body, list):
        return any(map(is_marked, body))
    if not isinstance(body, dict):
        return False
    return any(_is_mark(name) or is_marked(value) for name, value in body.items())


def together(heads: Iterable[Head]) -> Head:
    """What is known of several entities that are written of in one request."""
    known = [*heads]
    return Head(frozenset().union(*(one.types for one in known)), any(one.marked for one in known))


def _is_mark(name: str) -> bool:
    return name.rpartition("/")[2] in _MARKS


def _writes_of_persons(forward: Forward, personal: Personal) -> bool:
    if forward.method == "GET":
        return False
    head = forward.head
    return head.marked or not personal.types.isdisjoint(head.types) or is_marked(forward.body)


def _asks_of_persons(forward: Forward, personal: Personal, names: Callable[[Forward], ActiveContext]) -> bool:
    """Whether the condition of a request names what tells of persons in some type that may be meant.

    What cannot be read counts as if it did.
    """
    body = forward.body if isinstance(forward.body, dict) else {}
    text = dict(forward.parameters).get("q")
    if text is None:
        text = decoded(given) if isinstance(given := body.get("q"), str) else ""
    if not text:
        return False
    types = {one for part in forward.registration.information for info in part.entities for one in info.types}
    sure = bool(types) and all(part.entities for part in forward.registration.information) and types <= personal.known
    try:
        asked = set(_names_in(bind(parse_q(text), names(forward)), linked=False))
    except NgsiError:
        return True
    return any(_is_mark(name) or (name in personal.attributes and (linked or not sure)) for name, linked in asked)


def _names_in(node: Node, *, linked: bool) -> Iterator[tuple[str, bool]]:
    """The names in a condition, and whether they are looked for in linked entities, which are of any type."""
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _names_in(term, linked=linked)
        case Linked(path, _, inner):
            yield from ((name, linked) for name in (path.name, *path.subs))
            yield from _names_in(inner, linked=True)
        case Exists(path) | Absent(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path) | Geo(path):
            yield from ((name, linked) for name in (path.name, *path.subs))
        case _:
            return


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
