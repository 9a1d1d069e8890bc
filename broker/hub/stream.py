"""The change stream of a hub over HTTP, one connection a tenant, kept while who reads goes on from where it stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from time import sleep
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from broker.decode.entity import decode_fragment
from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.ldcontext.core import core_context
from broker.model.values import Json, to_instant
from broker.ports.hub import Followed, HubAway, HubChange, HubForgot

log = logging.getLogger("misono.hub")

CHANGES_MAX: Final = 256
WAITING_MAX: Final = 1024
CONNECT_S: Final = 5.0
SILENCE_S: Final = 60.0
"""The hub sends a heartbeat every 15 s: one that is silent for longer is gone."""
ATTRIBUTES_MAX: Final = 40
"""So many are asked for by name: more make a URL that proxies refuse, and all changes are read."""
_LINE_MAX: Final = 64 << 20
Item: TypeAlias = "HubChange | HubAway | HubForgot | NoTenant | int"
"""What a connection gives: a change, a position that is reached, or why it ended."""


class NoTenant(Exception):
    """Nothing was ever written to it: nothing changes there so far."""


class Streams:
    """The connections of one hub."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url, self._headers = url, headers
        self._open: dict[str, Stream] = {}
        self._chosen: dict[str, tuple[frozenset[str], Stream]] = {}
        self._lock = Lock()
        self._told: list[Callable[[], None]] = []

    def listen(self, told: Callable[[], None]) -> None:
        """Be told when something came on a stream that `follow` reads; be quick."""
        self._told.append(told)

    def newest(self, tenant: str) -> int:
        """The position of the last change: what a stream without a position begins with. Raises HubAway."""
        stream = Stream(self._url, {**self._headers, **_of(tenant)}, None)
        try:
            return stream.begin()
        except NoTenant:
            return 0
        finally:
            stream.close()

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """What changed after that position, oldest first. Raises HubAway, HubForgot."""
        with self._lock:
            stream = self._open.get(tenant)
            if stream is None or stream.position != after:
                if stream is not None:
                    stream.close()
                stream = self._open[tenant] = Stream(self._url, {**self._headers, **_of(tenant)}, after)
        try:
            return stream.take(wait_s)
        except NoTenant:
            self._forget(tenant, stream)
            sleep(wait_s)
            return []
        except (HubAway, HubForgot):
            self._forget(tenant, stream)
            raise

    def follow(self, tenant: str, after: int, attributes: frozenset[str]) -> Followed:
        """What came after that position and touches one of the attributes. Raises HubAway, HubForgot."""
        with self._lock:
            known = self._chosen.get(tenant)
            if known is None or known[0] != attributes or known[1].position != after:
                if known is not None:
                    known[1].close()
                headers = {**self._headers, **_of(tenant)}
                known = (attributes, Stream(self._url, headers, after, Chosen(attributes, self._tell)))
                self._chosen[tenant] = known
        stream = known[1]
        try:
            found = stream.take(0.0)
        except NoTenant:
            found = []
            self._leave(tenant, stream)
        except (HubAway, HubForgot):
            self._leave(tenant, stream)
            raise
        assert stream.position is not None
        return Followed([one for one in found if not attributes or attributes & one.after.keys()], stream.position)

    def _leave(self, tenant: str, stream: Stream) -> None:
        with self._lock:
            stream.close()
            known = self._chosen.get(tenant)
            if known is not None and known[1] is stream:
                del self._chosen[tenant]

    def _tell(self) -> None:
        for told in self._told:
            told()

    def _forget(self, tenant: str, stream: Stream) -> None:
        with self._lock:
            stream.close()
            if self._open.get(tenant) is stream:
                del self._open[tenant]

    def close(self) -> None:
        """End them all."""
        with self._lock:
            for stream in (*self._open.values(), *(stream for _, stream in self._chosen.values())):
                stream.close()
            self._open.clear()
            self._chosen.clear()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Changes of some attributes (IRIs) only; positions count that are passed over. `told` of all that comes."""

    attributes: frozenset[str]
    told: Callable[[], None]


class Stream:
    """One connection, read by a thread of its own; `position` is how far who takes from it has come."""

    def __init__(self, url: str, headers: Mapping[str, str], after: int | None, chosen: Chosen | None = None) -> None:
        self.position = after
        self._chosen = chosen
        self._url, self._headers, self._after = url, headers, after
        self._items: Queue[Item] = Queue(WAITING_MAX)
        self._closed = Event()
        self._thread = Thread(target=self._read, name="hub-stream", daemon=True)
        self._thread.start()

    def begin(self) -> int:
        """The position that the stream begins after."""
        item = self._items.get()
        if isinstance(item, int):
            return item
        assert isinstance(item, Exception)
        raise item

    def take(self, wait_s: float) -> list[HubChange]:
        """What came; waits so long for the first one."""
        found: list[HubChange] = []
        timeout: float | None = wait_s
        while len(found) < CHANGES_MAX:
            try:
                item = self._items.get(timeout=timeout) if timeout else self._items.get_nowait()
            except Empty:
                break
            if isinstance(item, HubChange):
                found.append(item)
                self.position = item.sequence
                timeout = None
            elif isinstance(item, int):
                self.position = item if self._chosen is not None else self.position
            else:
                if found:
                    self._items.put(item)
                    break
                raise item
        return found

    def close(self) -> None:
        """End it; the thread goes when the hub says something next."""
        self._closed.set()

    def _read(self) -> None:
        http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=CONNECT_S, read=SILENCE_S))
        try:
            answer = http.request(
                "GET", self._url + self._path(), headers={**self._headers, "Accept": "text/event-stream"},
                preload_content=False, redirect=False,
            )  # fmt: skip
            with answer:
                if answer.status != HTTPStatus.OK:
                    raise _ended(answer.status, answer.read(1 << 16))
                for event in _events(answer):
                    if self._closed.is_set():
                        return
                    self._tell(event)
            raise HubAway(f"{self._url} ended its stream")  # noqa: TRY301
        except (HubAway, HubForgot, NoTenant) as end:
            self._put(end)
        except (HTTPError, OSError, NgsiError, KeyError, ValueError) as error:
            self._put(HubAway(f"{self._url}: {error}"))
        finally:
            http.clear()

    def _path(self) -> str:
        asked = {} if self._after is None else {"after": str(self._after)}
        if self._chosen is not None and 0 < len(self._chosen.attributes) <= ATTRIBUTES_MAX:
            asked["attrs"] = ",".join(sorted(self._chosen.attributes))
        return f"/events?{urlencode(asked)}" if asked else "/events"

    def _tell(self, event: Mapping[str, str]) -> None:
        if event.get("event") == "gone":
            problem = cast("dict[str, Any]", parse_json(event["data"].encode()))
            raise _ended(int(problem.get("status", HTTPStatus.GONE)), event["data"].encode())
        if "data" in event:
            self._put(_change(int(event["id"]), parse_json(event["data"].encode())))
        elif "retry" in event or ("id" in event and self._chosen is not None):
            self._put(int(event["id"]))

    def _put(self, item: Item) -> None:
        while not self._closed.is_set():
            try:
                self._items.put(item, timeout=1.0)
            except Full:
                continue
            if self._chosen is not None:
                self._chosen.told()
            return


def _of(tenant: str) -> dict[str, str]:
    return {"NGSILD-Tenant": tenant} if tenant else {}


def _events(answer: urllib3.BaseHTTPResponse) -> Iterator[dict[str, str]]:
    """The events as they come: `{"id": "42", "data": "{…}"}`; a heartbeat has no data."""
    event: dict[str, str] = {}
    rest = b""
    for chunk in answer.stream(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                name, _, value = line.decode().partition(": ")
                event[name] = value
            elif event:
                yield event
                event = {}
        if len(rest) > _LINE_MAX:
            raise HubAway("an event is longer than 64 MiB")


def _ended(status: int, body: bytes) -> HubAway | HubForgot | NoTenant:
    if status == HTTPStatus.GONE:
        problem = cast("dict[str, Any]", parse_json(body))
        return HubForgot(int(problem.get("oldest", 0)))
    if status == HTTPStatus.NOT_FOUND and b"/NonexistentTenant" in body:
        return NoTenant()
    return HubAway(f"the hub answers {status}: {body[:500].decode(errors='replace')}")


def _change(sequence: int, told: Json) -> HubChange:
    body = cast("dict[str, Any]", told)
    names = core_context()
    types = body["type"] if isinstance(body["type"], list) else [body["type"]]
    before, after = (_image(body.get(side)) for side in ("before", "after"))
    at = to_instant(body["at"])
    assert at is not None
    return HubChange(sequence, body["id"], tuple(names.expand(one) for one in types), at, before, after)


def _image(side: Json) -> dict[str, Json]:
    """The changed attributes, with whole names."""
    if not isinstance(side, dict):
        return {}
    members = {name: value for name, value in side.items() if name not in ("type", "scope", "expiresAt", "id")}
    return decode_fragment(cast("Json", members), core_context(), nulls=True)
