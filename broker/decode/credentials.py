"""How a source is asked, and under which terms, from the members of a registration (clauses 4.3.6.6, 5.2.22).

`credentials` and `contract` are members of this hub's own:

    {"kind": "header", "name": "Authorization", "value": "Bearer …"}
    {"kind": "oauth2", "tokenUrl": "https://…", "clientId": "misono", "clientSecret": "…", "scope": "…"}
    {"kind": "mtls", "name": "aizu"}
    {"licence": "https://…", "purpose": "disaster response", "recipient": "Aizuwakamatsu", "reuse": "…"}
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from broker.decode.given import Given
from broker.decode.reading import refusal
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json

_CLAUSE: Final = "5.2.9"
_INFO_CLAUSE: Final = "4.3.6.6"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION: Final = re.compile(r"[1-9]\d{0,3}\.\d{1,4}")
_MEDIA: Final = ("application/json", "application/ld+json")
_MEMBERS: Final = {
    "header": (frozenset({"name", "value"}), frozenset[str]()),
    "oauth2": (frozenset({"tokenUrl", "clientId", "clientSecret"}), frozenset({"scope", "audience"})),
    "mtls": (frozenset({"name"}), frozenset[str]()),
}
"""Kind of credentials -> the members it must have and those it may have."""
_TERMS: Final = frozenset({"licence", "purpose", "recipient", "reuse", "validUntil", "contact", "agreement"})


def header_text(given: Given) -> str:
    """A text that can stand in a header: printable ASCII. Raises BadRequestData."""
    text = given.text()
    if not (text.isascii() and text.isprintable()):
        raise given.refused("a text of printable ASCII characters")
    return text


def decode_info(given: Given, _: ActiveContext) -> tuple[tuple[str, str], ...]:
    """contextSourceInfo: pairs of texts, each as it can be sent as a header. Raises BadRequestData."""
    found = []
    for one in given.each():
        key, value = one.needed("key"), one.needed("value")
        if not _TOKEN.fullmatch(key.text()):
            raise key.refused("the name of a header, or a key of clause 4.3.6.6")
        if value.value != "":
            header_text(value)
        _check_known(key.text().lower(), value)
        found.append((key.text(), str(value.value)))
    return tuple(found)


def _check_known(key: str, value: Given) -> None:
    """Raise BadRequestData where the value is not what the key means (clause 4.3.6.6)."""
    value = Given(value.value, value.pointer, _INFO_CLAUSE)
    if key in ("accept", "contenttype"):
        value.one_of(*_MEDIA)
    elif key == "jsonldcontext":
        value.uri()
    elif key == "ngsildconformance" and not _VERSION.fullmatch(value.text()):
        raise value.refused("a version of the specification such as '1.6'")


def decode_credentials(given: Given, _: ActiveContext) -> Json:
    """How this hub proves who it is there. Raises BadRequestData."""
    held = given.members()
    kind = given.needed("kind").one_of(*_MEMBERS)
    needed, may = _MEMBERS[kind]
    for name in sorted(needed):
        given.needed(name)
    for name in held:
        if name != "kind" and name not in needed and name not in may:
            raise refusal(
                f"Credentials of this kind have no '{name}'.", f"{given.pointer}/{name}", _CLAUSE, "leave it out"
            )
        header_text(given.member(name))
    if kind == "header" and not _TOKEN.fullmatch(given.member("name").text()):
        raise given.member("name").refused("the name of a header")
    if kind == "mtls" and not _NAME.fullmatch(given.member("name").text()):
        raise given.member("name").refused("the name of a certificate that this hub was started with")
    if kind == "oauth2":
        _check_url(given.member("tokenUrl"))
    return dict(held)


def _check_url(given: Given) -> None:
    parts = urlsplit(given.uri())
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc or "@" in parts.netloc or parts.fragment:
        raise given.refused("the URL of a token endpoint")


def decode_contract(given: Given, _: ActiveContext) -> Json:
    """Terms between the two sides, each a text. Raises BadRequestData."""
    held = given.members()
    if not held:
        raise given.refused("an object with one or more of: " + ", ".join(sorted(_TERMS)))
    for name in held:
        if name not in _TERMS:
            raise given.member(name).refused("one of: " + ", ".join(sorted(_TERMS)))
        given.member(name).text()
    return dict(held)
