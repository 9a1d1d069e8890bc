"""Entity ids in paths and arrays: URIs, or BadRequestData (clauses 4.5.1, 5.5.2)."""

from __future__ import annotations

from broker.errors import BadRequestData

_SCHEME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SCHEME = _SCHEME_START | frozenset("0123456789+-.")
_NEVER = frozenset(' "<>\\^`{|}\x7f') | frozenset(map(chr, range(32)))


def is_uri(text: str) -> bool:
    """Whether this is an absolute URI or IRI (RFC 3986, RFC 3987): `urn:ngsi-ld:House:1`."""
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest and scheme) and (
        scheme[0] in _SCHEME_START and _SCHEME.issuperset(scheme) and _NEVER.isdisjoint(text)
    )


def require_uri(entity_id: str, pointer: str = "entityId") -> None:
    """Raise BadRequestData where the id is no URI."""
    if not is_uri(entity_id):
        raise BadRequestData(
            f"The entity id {entity_id[:80]!r} is no URI.",
            pointer=pointer,
            clause="5.5.2",
            remedy='Give a URI such as "urn:ngsi-ld:House:1".',
        )
