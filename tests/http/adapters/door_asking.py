"""Asks a door of adapters as a server of ASGI does, without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.door.app import Door
from adapters.door.making import make_door
from adapters.frame import Frame
from adapters.mapping_files import packaged_contexts
from broker.access.policies import AllowAll
from broker.http.rooms.door import Rights
from broker.ports import Access
from tests.fakes.piped import Pipe, piped

ROOMS = """
mapping: rooms
entities:
  - id: "urn:ngsi-ld:Room:{device}"
    type: Room
    attributes: {temperature: t}
"""
JSON_HAND = """
adapter: hands
link: hand
codec: iota-json
mapping: rooms
devices: [{id: in-file, key: the key of the file}]
"""
UL_HAND = "adapter: ul-hands\nlink: hand\ncodec: ultralight\n"
FILES = {"rooms.yaml": ROOMS, "hands.yaml": JSON_HAND, "ul.yaml": UL_HAND}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Asker:
    """One door and what is behind it."""

    door: Door
    pipe: Pipe

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, chunked: bool = False
    ) -> Reply:
        """Ask; a body that is no bytes goes as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {name.lower(): text for name, text in (headers or {}).items()}
        if body is not None:
            given.setdefault("content-type", "application/json")
            if not chunked:
                given.setdefault("content-length", str(len(raw)))
            else:
                given["transfer-encoding"] = "chunked"
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in given.items()],
        }
        return asyncio.run(self._ask(scope, raw))

    async def _ask(self, scope: dict[str, Any], raw: bytes) -> Reply:
        sent: list[MutableMapping[str, Any]] = []
        parts = [raw[at : at + 65_536] for at in range(0, len(raw), 65_536)] or [b""]

        async def receive() -> MutableMapping[str, Any]:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.door(scope, receive, send)
        headers = {name.decode().lower(): text.decode("latin-1") for name, text in sent[0]["headers"]}
        return Reply(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@contextmanager
def asking(
    directory: Path, files: dict[str, str] | None = None, access: Access | None = None, *, read_only: bool = False
) -> Iterator[Asker]:
    """A door before adapters of these files, whose links a test holds in its hand."""
    with piped(directory, FILES if files is None else files) as pipe:
        door = make_door(pipe.assembled, packaged_contexts(), Rights(access or AllowAll(), read_only=read_only))
        try:
            yield Asker(door, pipe)
        finally:
            door.close()


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/iot/about", None),
    ("GET", "/iot/services", None),
    ("POST", "/iot/services", {"services": [{"apikey": "k", "resource": "/iot/json"}]}),
    ("PUT", "/iot/services?resource=/iot/json&apikey=there", {"entity_type": "X"}),
    ("DELETE", "/iot/services?resource=/iot/json&apikey=there", None),
    ("GET", "/iot/devices", None),
    ("POST", "/iot/devices", {"devices": [{"device_id": "d9"}]}),
    ("GET", "/iot/devices/d1", None),
    ("PUT", "/iot/devices/d1", {"entity_type": "X"}),
    ("DELETE", "/iot/devices/d1", None),
    ("GET", "/admin/adapters", None),
    ("GET", "/admin/adapters/hands", None),
    ("GET", "/admin/adapters/hands/groups", None),
    ("POST", "/admin/adapters/hands/groups", {"name": "g9", "key": "k9"}),
    ("DELETE", "/admin/adapters/hands/groups/g1", None),
    ("POST", "/admin/adapters/hands/groups/g1/key", None),
    ("GET", "/admin/devices", None),
    ("POST", "/admin/devices", {"adapter": "hands", "id": "d8"}),
    ("GET", "/admin/devices/hands/m1", None),
    ("PUT", "/admin/devices/hands/m1", {"address": "there"}),
    ("DELETE", "/admin/devices/hands/m1", None),
    ("POST", "/admin/devices/hands/m1/key", None),
    ("GET", "/admin/mappings", None),
    ("GET", "/admin/mappings/halls", None),
    ("PUT", "/admin/mappings/halls", {"entities": [{"id": "urn:x:{device}", "type": "Hall", "others": True}]}),
    ("DELETE", "/admin/mappings/halls", None),
    ("GET", "/admin/quarantine", None),
    ("GET", "/admin/quarantine/1", None),
    ("POST", "/admin/quarantine/replay", {"numbers": [1]}),
    ("POST", "/admin/quarantine/discard", {"numbers": [1]}),
]


def peopled(ask: Asker) -> None:
    """One of each."""
    ask("POST", "/iot/services", {"services": [{"apikey": "there", "resource": "/iot/json"}]})
    ask("POST", "/iot/devices", {"devices": [{"device_id": "d1", "protocol": "json"}]})
    ask("POST", "/admin/adapters/hands/groups", {"name": "g1", "key": "k1"})
    ask("POST", "/admin/devices", {"adapter": "hands", "id": "m1"})
    ask("PUT", "/admin/mappings/halls", {"entities": [{"id": "urn:y:{device}", "type": "Hall", "others": True}]})
    ask.pipe.give("hands", Frame(b"{}", ask.pipe.now(), device="nobody", channel="/json/k/nobody/attrs"))
