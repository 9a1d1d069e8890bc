"""Hubs that know each other: served brokers with aliases, registered with one another over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.outside.served import Served, free_port, process_tree, serving

HOUSE = "House"


@contextmanager
def hub(data: Path, alias: str, *options: str) -> Iterator[Served]:
    """A served hub that its peers know as `alias`."""
    port = free_port()
    known = ("--alias", alias, "--public-url", f"http://127.0.0.1:{port}", "--allow-private")
    with serving(data, *known, *options, port=port) as served:
        yield served


def register(at: Served, endpoint: str, headers: dict[str, str] | None = None, **members: Any) -> str:
    """Register `endpoint` as a source of houses, unless `members` say otherwise; the registration's id."""
    body = {
        "type": "ContextSourceRegistration",
        "endpoint": endpoint,
        "information": [{"entities": [{"type": HOUSE}]}],
        **members,
    }
    answer = at.http.post("/csourceRegistrations", json=body, headers=headers)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return answer.headers["location"].rpartition("/")[2]


def house(name: str, **attributes: Any) -> dict[str, Any]:
    """A house with these properties."""
    properties = {key: {"type": "Property", "value": value} for key, value in attributes.items()}
    return {"id": f"urn:ngsi-ld:{HOUSE}:{name}", "type": HOUSE, **properties}


def load(at: Served, entities: Sequence[dict[str, Any]], chunk: int = 1000) -> None:
    """Put entities into a hub, and only there."""
    for start in range(0, len(entities), chunk):
        answer = at.http.post("/entityOperations/create?local=true", json=list(entities[start : start + chunk]))
        assert answer.status_code == httpx.codes.CREATED, answer.text[:500]


def ids(answer: httpx.Response) -> list[str]:
    """Of the entities of an answer that has them: 201 where an entity map was made beside it."""
    assert answer.status_code in (httpx.codes.OK, httpx.codes.CREATED), answer.text[:500]
    return [entity["id"] for entity in answer.json()]


def warnings(answer: httpx.Response) -> list[str]:
    """Its NGSILD-Warning headers, one each, also where several came in one."""
    found = ",".join(answer.headers.get_list("ngsild-warning"))
    return [part.strip() for part in _split_quoted(found) if part.strip()]


def _split_quoted(text: str) -> Iterator[str]:
    begin, quoted = 0, False
    for place, letter in enumerate(text):
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def cpu_s(served: Served) -> float:
    """Seconds of processor that the service has used, with its children, to the nanosecond; threads that ended not."""
    tasks = (task for pid in process_tree(served.process.pid) for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
