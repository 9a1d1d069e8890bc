"""What an organisation without consents puts into a request to get at a person's data: every place, on every engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import pytest

from broker.model.values import Json
from broker.signing import Signer
from tests.contract.engines import ROOMY
from tests.fakes.clock import FakeClock
from tests.fakes.issuing import HANA, NOW_S, WELL
from tests.http.doors import ROOT, Door, Reply, broker, front_door

DEF: Final = "https://misono.example/def/"
SECRET: Final = "Wakaba-no-Hanako"  # noqa: S105  what is looked for in answers
KEY: Final = "mk_of-her-own-bell"
EVENT: Final = "urn:ngsi-ld:WatchOverEvent:hidden-one"
TAG: Final = f"{DEF}acknowledgedBy"
STRINGS: Final = (
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE entity; --",
    "x') UNION SELECT document FROM entity --",
    "1; ATTACH DATABASE 'other.sqlite' AS other",
    "%' OR '%'='",
    '{"$gt": ""}',
    "{$where: 'return true'}",
    "$where",
    "$ne",
    "[$regex]=.*",
    "a.$.b",
    "\x00",
    "%00",
    "../../etc/passwd",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    ".*",
    "(?s).*",
    "(a+)+$",
    "*",
    "urn:*",
    "a|b",
    "~=",
    '"',
    "\\",
    "(((((((((((((((((((((((((",
    "\U0001d4bd",
)
QUERIES: Final = (
    f"{TAG}=={SECRET!r}",
    f'{TAG}=="{SECRET}"',
    f'{TAG}~="^W.*"',
    f'!{TAG}=="x"',
    f"{TAG}",
    f'({TAG}=="{SECRET}"|a==1)',
    f'{TAG}!="x"',
    f'{TAG}>"A"',
    f'{TAG}=="A".."Z"',
    f'{TAG}[x]=="{SECRET}"',
    f'{TAG}.observedAt>"2000-01-01"',
    f"https://misono.example/def/dataSubject==%22{HANA}%22",
)
NONE: Final[Mapping[str, str]] = {}
OPERATORS: Final[tuple[Json, ...]] = (
    {"$gt": ""}, {"$ne": None}, [{"$regex": ".*"}], {"$where": "1"}, "$where", True, 1, None,
)  # fmt: skip
PARAMETERS: Final = (
    "q", "id", "idPattern", "type", "attrs", "pick", "omit", "scopeQ", "orderBy", "geoproperty", "georel", "geometry",
    "coordinates", "lang", "datasetId", "csf", "join", "expandValues", "jsonKeys", "entityMap", "limit", "offset",
)  # fmt: skip


@pytest.fixture(scope="module", params=ROOMY)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A hub with one entity of a person in it; who asks is an organisation that nobody consented to."""
    directory: Path = tmp_path_factory.mktemp("hub")
    file = directory / "access.toml"
    digest = sha256(KEY.encode()).hexdigest()
    file.write_text(f'[issuers.local]\n[keys.bell]\ndigest = "sha256:{digest}"\n')
    with broker(clock=FakeClock(), city=file, store=request.param, data=str(directory)) as (_, doors):
        door, signer = front_door(doors), Signer.opened(directory / "issuer")
        base = {"iss": "urn:misono:issuer:local", "aud": "misono", "sub": "x", "iat": NOW_S, "exp": NOW_S + 600}
        told = {"roles": ["recipient"], "recipient": WELL, "scope": "purpose:WatchOver"}
        recipient = signer.sign({**base, **told}, "at+jwt")
        entity = {
            "id": EVENT, "type": f"{DEF}WatchOverEvent", f"{DEF}dataSubject": HANA, TAG: SECRET,
        }  # fmt: skip
        made = door("POST", f"{ROOT}/entities", {"X-API-Key": KEY}, json.dumps(entity).encode())
        assert made.status == 201, made.body

        def ask(method: str, path: str, headers: Mapping[str, str] = NONE, body: bytes | None = None) -> Reply:
            return door(method, path, {"Authorization": f"Bearer {recipient}", **headers}, body)

        hana = signer.sign({**base, "roles": ["resident"], "subject": HANA}, "at+jwt")
        hers = door("GET", f"{ROOT}/entities/{EVENT}", {"Authorization": f"Bearer {hana}"})
        assert SECRET in hers.body.decode()
        yield ask


def tried(door: Door, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> int:
    """The status; nothing of what is hidden is in the answer, and the hub did not fail."""
    reply = door(method, path, headers or {}, body)
    said = reply.body.decode(errors="replace").replace(path, "")
    assert reply.status < 500 or reply.status in (501, 503, 504), (path, reply.body)
    asked_for = f"{unquote(path)} {headers} {body!r}"
    for hidden in (EVENT, SECRET):
        assert hidden not in said or hidden in asked_for, (path, said)
    if reply.status == 200 and path.startswith(f"{ROOT}/entit"):
        assert json.loads(reply.body) in ([], {"type": "FeatureCollection", "features": []}), (path, said)
    return reply.status


def test_no_parameter_opens_anything(asked: Door) -> None:
    """28 texts in 22 parameters of a query."""
    for parameter, text in product(PARAMETERS, STRINGS):
        beside = "" if parameter == "type" else f"&type={DEF}WatchOverEvent"
        tried(asked, "GET", f"{ROOT}/entities?{parameter}={quote(text, safe='')}{beside}")


def test_no_query_tells_of_what_is_hidden(asked: Door) -> None:
    """Whether it matches or not: the same empty answer, also counted, ordered, and as an entity map's."""
    for q in QUERIES:
        for more in ("", "&count=true", f"&orderBy={TAG}", "&options=keyValues"):
            path = f"{ROOT}/entities?type={DEF}WatchOverEvent&q={quote(q, safe='')}{more}"
            tried(asked, "GET", path)
        body = json.dumps({"type": "Query", "entities": [{"type": f"{DEF}WatchOverEvent"}], "q": q}).encode()
        tried(asked, "POST", f"{ROOT}/entityOperations/query", {}, body)


def test_no_body_is_an_operator_of_the_engine(asked: Door) -> None:
    """Objects where texts belong."""
    for member in ("id", "idPattern", "type"):
        for value in OPERATORS:
            body = json.dumps({"type": "Query", "entities": [{"type": f"{DEF}WatchOverEvent", member: value}]})
            tried(asked, "POST", f"{ROOT}/entityOperations/query", {}, body.encode())
    for member in ("q", "attrs", "geoQ", "scopeQ", "ordering", "temporalQ", "entities"):
        for value in OPERATORS:
            body = json.dumps({"type": "Query", "entities": [{"type": f"{DEF}WatchOverEvent"}], member: value})
            tried(asked, "POST", f"{ROOT}/entityOperations/query", {}, body.encode())


def test_no_path_and_no_header_opens_anything(asked: Door) -> None:
    """Ids, attributes and types in paths; tenants, purposes and recipients in headers."""
    for text in (*STRINGS, EVENT, TAG):
        value = quote(text, safe="")
        for place in (
            "entities",
            "types",
            "attributes",
            "subscriptions",
            "temporal/entities",
            "snapshots",
            "entityMaps",
        ):
            tried(asked, "GET", f"{ROOT}/{place}/{value}")
        if text.isascii() and text.isprintable():
            for name in ("NGSILD-Tenant", "NGSILD-Snapshot", "Misono-Purpose", "Misono-Recipient", "Link", "Prefer"):
                tried(asked, "GET", f"{ROOT}/entities?type={DEF}WatchOverEvent", {name: text})


def test_the_hub_is_as_it_was(asked: Door) -> None:
    """After all of it: who may see nothing sees nothing, and what is counted is nothing."""
    reply = asked("GET", f"{ROOT}/entities?type={DEF}WatchOverEvent&count=true&limit=0")
    assert (reply.status, reply.headers["ngsild-results-count"], reply.body) == (200, "0", b"[]")
    assert SECRET not in asked("GET", f"{ROOT}/types").body.decode()
