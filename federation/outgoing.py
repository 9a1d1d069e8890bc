"""What goes over the wire to a source: URL, headers and body of one forward (clauses 4.3.6.5, 4.3.6.6, 6.3.18, 6.3.19).

Nothing here connects to anything; an @context that has no URL may be given one (`ContextNames.link`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote

from broker.encode.text import dump
from broker.encode.versions import amended, read_version
from broker.http.links import context_link
from broker.http.media import JSON, LD_JSON
from broker.http.messages import Request
from broker.http.operation import STANDARD
from broker.model.registration import Registration
from broker.model.terms import term_headers
from broker.model.values import Json
from broker.ports import ContextNames
from broker.ports.places import home_of
from federation.messages import Forward
from federation.naming import WANTED
from federation.via import via_header

FROM_REQUEST: Final = "urn:ngsi-ld:request"
_MEANT: Final = frozenset({"accept", "contenttype", WANTED.lower(), "ngsildconformance"})
_OWN: Final = frozenset({
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "link", "ngsild-tenant", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "via",
})  # fmt: skip
"""Headers of the connection, or made of other members: contextSourceInfo does not override them (clause 6.3.19)."""
_LOCAL: Final = ("/entities", "/types", "/attributes", "/entityOperations", "/temporal/")
"""Where the parameter `local` is known (clause 6.3.18)."""


def nobody() -> Request:
    """What triggered a forward that no request did: nothing to pass on."""
    return Request("", "", "", {})


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: this broker's alias, the tenant, and the request that made it ask.

    `pass_tenant` is the hub's setting: sources whose registration names no tenant get that of the request.
    """

    names: ContextNames
    alias: str
    tenant: str
    request: Request = field(default_factory=nobody)
    pass_tenant: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request, ready to go but for its credentials; `safe` says that asking twice changes nothing."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = None
    safe: bool = False


def compose(asking: Asking, forward: Forward) -> Outgoing:
    """The request of a forward. Raises NgsiError where its @context can be given no URL."""
    registration = forward.registration
    headers = {"Via": via_header(asking.request, asking.alias, home_of(asking.tenant))}
    headers["Accept"] = registration.info_value("accept") or JSON
    tenant = tenant_of(asking, registration)
    if tenant:
        headers["NGSILD-Tenant"] = tenant
    body = _body(forward)
    link, sent = _with_context(asking, forward, body)
    if link is not None:
        headers["Link"] = context_link(link)
    if sent is not None:
        headers["Content-Type"] = JSON if sent is body else LD_JSON
    headers.update(_info_headers(registration, asking.request.headers))
    headers.update(term_headers(registration))
    headers.update(forward.headers)
    safe = forward.method == "GET" or forward.operation.startswith("query")
    return Outgoing(forward.method, _url(forward), headers, None if sent is None else dump(sent), safe)


def tenant_of(asking: Asking, registration: Registration) -> str:
    """The tenant at the source, `""` for its default one."""
    if registration.tenant:
        return registration.tenant
    return home_of(asking.tenant) if registration.pass_tenant or asking.pass_tenant else ""


def root_of(endpoint: str) -> str:
    """`http://aizu:1026` for `http://aizu:1026/ngsi-ld/v1/` too: peers register either."""
    return endpoint.rstrip("/").removesuffix(STANDARD)


def _url(forward: Forward) -> str:
    pairs = forward.parameters
    if forward.registration.management_local and forward.path.startswith(_LOCAL):
        pairs = (*(pair for pair in pairs if pair[0] != "local"), ("local", "true"))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe=_SAFE)}" for name, value in pairs)
    return f"{root_of(forward.registration.endpoint)}{STANDARD}{forward.path}" + (f"?{query}" if query else "")


_SAFE: Final = ":,/*()!~@$'"
"""What needs no percent-encoding in a value: `type=Vehicle,urn:x` stays readable."""


def _body(forward: Forward) -> Json:
    """The payload as the version of the standard has it that the source knows (clause 4.3.6.8)."""
    wanted = forward.registration.info_value("ngsildConformance")
    if wanted is None or forward.body is None:
        return forward.body
    version = read_version(wanted)
    if isinstance(forward.body, list):
        return [amended(one, version) if isinstance(one, dict) else one for one in forward.body]
    if not isinstance(forward.body, dict) or forward.operation.endswith(("Subscription", "EntityMap")):
        return forward.body
    return amended(forward.body, version)


def _with_context(asking: Asking, forward: Forward, body: Json) -> tuple[str | None, Json]:
    """The URL for a Link, or the body with its @context inside: as the source wants it (clause 4.3.6.6)."""
    info, source = forward.registration.info_value, forward.context
    if source is None:
        return None, body
    wanted = info("contentType") if info(WANTED) is None else JSON
    nameless = not isinstance(source, str) and wanted is None  # inside the body it needs no URL of its own
    if body is not None and (wanted == LD_JSON or nameless):
        return None, _inside(body, source)
    return asking.names.link(source, asking.tenant), body


def _inside(body: Json, source: Json) -> Json:
    if isinstance(body, list):
        return [{**one, "@context": source} if isinstance(one, dict) else one for one in body]
    return {**body, "@context": source} if isinstance(body, dict) else body


def _info_headers(registration: Registration, given: Mapping[str, str]) -> dict[str, str]:
    """What contextSourceInfo adds; `urn:ngsi-ld:request` is what the request has there, if any (clause 4.3.6.5)."""
    headers = {}
    for key, value in registration.info:
        lowered = key.lower()
        if lowered in _MEANT or lowered in _OWN:
            continue
        text = given.get(lowered) if value == FROM_REQUEST else value
        if text is not None and "\r" not in text and "\n" not in text:
            headers[key] = text
    return headers


def is_plain(url: str, credentials: Json) -> bool:
    """Whether it takes no more than HTTP and, at most, a header to ask there."""
    kind = credentials.get("kind") if isinstance(credentials, dict) else None
    return kind in (None, "header") and url.startswith("http://") and "@" not in url[: url.find("/", len("http://"))]


def with_header(outgoing: Outgoing, credentials: Json) -> Outgoing:
    """The request with the header that proves who asks, where the credentials are one."""
    if not isinstance(credentials, dict):
        return outgoing
    return replace(outgoing, headers=over(outgoing.headers, {str(credentials["name"]): str(credentials["value"])}))


def over(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The headers with these in the place of any of the same name."""
    names = {name.lower() for name in own}
    return {**{name: value for name, value in headers.items() if name.lower() not in names}, **own}
