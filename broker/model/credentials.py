"""How this hub proves to a context source who it is: a registration's own member `credentials`, never in an answer.

    {"header": {"name": "X-Api-Key", "value": "…"}}                                   a static header
    {"oauth2": {"tokenUrl": "https://…/token", "clientId": "misono", "clientSecret": "…", "scope": "read"}}
    {"certificate": "aizu"}                                     aizu.crt and aizu.key of --source-certificates (TLS)

Any of them may stand together. A certificate is named and never given: no registration reads this hub's files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from broker.errors import BadRequestData
from broker.model.values import Json

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_TEXT_MAX: Final = 8192
_REMEDY: Final = '{"header": {"name": "X-Api-Key", "value": "…"}}, {"oauth2": {…}} or {"certificate": "NAME"}'
_OAUTH2: Final = ("tokenUrl", "clientId", "clientSecret")


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Client credentials (RFC 6749, 4.4)."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a registration's credentials say; nothing at all where it has none."""

    header: tuple[str, str] | None = None
    oauth2: OAuth2 | None = None
    certificate: str = ""


NO_CREDENTIALS: Final = Credentials()


def read_credentials(body: Json) -> Credentials:
    """The credentials of a registration, checked. Raises BadRequestData, which repeats none of them."""
    if body is None:
        return NO_CREDENTIALS
    if not isinstance(body, dict) or not body:
        raise _refused("", "credentials are a JSON object")
    if unknown := sorted(set(body) - {"header", "oauth2", "certificate"}):
        raise _refused("", f"credentials have no member {unknown[0][:40]}")
    certificate = body.get("certificate", "")
    if not isinstance(certificate, str) or (certificate and not _NAME.fullmatch(certificate)):
        raise _refused("/certificate", "a certificate is given by its name: letters, digits, _ - and .")
    return Credentials(_header(body.get("header")), _oauth2(body.get("oauth2")), certificate)


def _header(body: Json) -> tuple[str, str] | None:
    if body is None:
        return None
    members = _texts(body, "/header", ("name", "value"), ())
    if not _TOKEN.fullmatch(members["name"]):
        raise _refused("/header/name", "this is no name of a header (RFC 9110, 5.1)")
    return members["name"], members["value"]


def _oauth2(body: Json) -> OAuth2 | None:
    if body is None:
        return None
    members = _texts(body, "/oauth2", _OAUTH2, ("scope", "audience"))
    url = urlsplit(members["tokenUrl"])
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _refused("/oauth2/tokenUrl", "this is no http or https URL")
    rest = members.get("scope", ""), members.get("audience", "")
    return OAuth2(members["tokenUrl"], members["clientId"], members["clientSecret"], *rest)


def _texts(body: Json, pointer: str, wanted: tuple[str, ...], more: tuple[str, ...]) -> Mapping[str, str]:
    if not isinstance(body, dict) or not set(wanted) <= set(body) <= {*wanted, *more}:
        raise _refused(pointer, f"it holds {', '.join(wanted)}" + (f", and may hold {', '.join(more)}" if more else ""))
    found: dict[str, str] = {}
    for name, value in body.items():
        if not isinstance(value, str) or len(value) > _TEXT_MAX or not _PRINTABLE.fullmatch(value):
            raise _refused(f"{pointer}/{name}", f"a text of printable ASCII, at most {_TEXT_MAX} characters")
        found[name] = value
    if empty := next((name for name in wanted if not found[name]), None):
        raise _refused(f"{pointer}/{empty}", "it is empty")
    return found


def _refused(pointer: str, detail: str) -> BadRequestData:
    return BadRequestData(detail, pointer=f"/credentials{pointer}", clause="5.2.9", remedy=_REMEDY)
