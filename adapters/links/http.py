"""Devices that push over HTTP: IoT Agent JSON (`/iot/json`), Ultralight (`/iot/d`), and webhooks with a secret.

    link: {kind: http}                                   # with the codec iota-json or ultralight
    link:                                                # with any codec: POST /iot/hooks/NAME
      kind: http
      secret_file: hook.secret
      scheme: hmac-sha256                                # of the body; plain and bearer send the secret itself
      header: x-hub-signature-256

200 means that the message is kept, in the queue or in quarantine; what no device of ours sent, and what cannot be
read, is kept in quarantine too, and refused. Commands go to the device's `endpoint`, or wait until it asks for them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import unquote

from adapters.codecs.iota_json import read_request
from adapters.codecs.json_body import check_size
from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.intake import INLINE_MAX
from adapters.link import BadSettings, Codec, Ground, Receive
from adapters.links.endpoint import Endpoints
from adapters.links.mailbox import Mailbox
from adapters.links.mqtt_commands import basic, ultralight_command
from adapters.order import Delivered, Order
from adapters.settings import Members
from adapters.table import make_codec
from broker.encode.text import dump
from broker.errors import NgsiError
from broker.http.messages import Request, Response
from broker.http.parameters import split_query
from broker.model.values import Json

T = TypeVar("T")
R = TypeVar("R")
PATHS: Final = {"iota-json": "/iot/json", "ultralight": "/iot/d"}
HOOKS: Final = "/iot/hooks/"
SCHEMES: Final = ("plain", "bearer", "hmac-sha256")
_BELOW: Final = re.compile(r"(?:/attrs/[^/]+|/commands|/(?P<configuration>configuration))?/?")
_PATH: Final = re.compile(r"/iot(?:/[\w.~-]+)+")
PATH_MAX: Final = 4_096
"""Characters; a name of 256 in Japanese is among them."""
_KEPT: Final = 200
_STATUS: Final = {"oversized": 413, "unknown_device": 404, "wrong_key": 404}
_NAMES: Final = {
    "oversized": "PAYLOAD_TOO_LARGE",
    "unknown_device": "DEVICE_NOT_FOUND",
    "wrong_key": "DEVICE_NOT_FOUND",
}
_JSON: Final = (("Content-Type", "application/json"),)
_TEXT: Final = (("Content-Type", "text/plain; charset=utf-8"),)
_NOBODY: Final = "No device with that id and key was found."


@dataclass(frozen=True, slots=True)
class Hook:
    """How a webhook's sender shows that it is who it says."""

    secret: str
    scheme: str
    header: str

    def admits(self, request: Request) -> bool:
        """Whether the request carries the secret, or was signed with it."""
        given = request.headers.get(self.header, "")
        if self.scheme == "hmac-sha256":
            digest = hmac.new(self.secret.encode(), request.body, hashlib.sha256).digest()
            given = given.removeprefix("sha256=")
            return any(_same(given, one) for one in (digest.hex(), b64encode(digest).decode()))
        wanted = f"Bearer {self.secret}" if self.scheme == "bearer" else self.secret
        return _same(given, wanted)


class HttpLink:
    """Takes what is pushed to its path, and below it; the port Serves."""

    def __init__(self, ground: Ground, path: str, codec: Codec, hook: Hook | None) -> None:
        self.paths: Final = (path,)
        self._ground = ground
        self._codec = codec
        self._hook = hook
        self._light = ground.codec.get("kind") == "ultralight"
        self._receive: Receive | None = None
        self._mailbox = Mailbox()
        self._endpoints = Endpoints(light=self._light)

    async def run(self, receive: Receive) -> None:
        """As the port says: pushes are taken meanwhile."""
        self._receive = receive
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._receive = None
            await self._endpoints.close()

    async def send(self, order: Order) -> Delivered:
        """To the device's endpoint, or when it asks. Raises NotReached."""
        endpoint = order.device.options.get("endpoint") or order.device.address
        if isinstance(endpoint, str) and endpoint.startswith(("http://", "https://")):
            return await self._endpoints.send(endpoint, order)
        return await self._mailbox.offer(order, self._ground.clock.now())

    async def serve(self, request: Request) -> Response:
        """As the port Serves says."""
        began = self._ground.clock.now()
        receive = self._receive
        if receive is None:
            return Response(503, (("Retry-After", "1"),))
        allowed = ("POST",) if self._hook is not None else ("GET", "POST")
        path = request.raw_path
        below = _BELOW.fullmatch(path[len(self.paths[0]) :]) if len(path) <= PATH_MAX else None
        if below is None or (self._hook is not None and below[0].strip("/")):
            return refusal(404, "NOT_FOUND", f"Nothing is taken at {request.raw_path[:200]}.")
        if request.method not in allowed:
            return Response(405, (("Allow", ", ".join(allowed)),))
        response = await self._answer(request, receive, configures=bool(below["configuration"]))
        took_ms = (self._ground.clock.now() - began) // 1000
        return Response(response.status, (*response.headers, ("X-Processing-Time", str(took_ms))), response.body)

    async def _answer(self, request: Request, receive: Receive, *, configures: bool) -> Response:
        if self._hook is not None:
            if self._hook.admits(request):
                return await self._kept(self._frame(request, {}, request.body), receive)
            return refusal(401, "WRONG_SECRET", f"The header {self._hook.header} does not show the secret.")
        query = read_query(request.query_string)
        if isinstance(query, Response):
            return query
        try:
            device = self._ground.registry.find(self._ground.adapter, query["i"], query["k"])
        except BadFrame as bad:
            await receive([self._frame(request, query, request.body)])
            return refusal(_STATUS.get(bad.reason, 400), _NAMES.get(bad.reason, "WRONG_SYNTAX"), _NOBODY)
        if configures:
            return await self._configured(device, request.body)
        return await self._measured(request, query, device, receive)

    async def _measured(self, request: Request, query: Mapping[str, str], device: Device, receive: Receive) -> Response:
        """Keep what it measured, where it says so; give it its commands, where it asks for them."""
        asks = query.get("getCmd") == "1"
        payload = query.get("d", "").encode() if request.method == "GET" else request.body
        if payload or not asks:
            response = await self._kept(self._frame(request, query, payload), receive)
            if response.status != _KEPT:
                return response
        return self._waiting(device) if asks else Response(_KEPT)

    async def _kept(self, frame: Frame, receive: Receive) -> Response:
        """Give it to the pipeline; tell what the codec finds wrong with it."""
        reply = Response(_KEPT)
        try:
            check_size(frame.payload)
            await _apart(len(frame.payload), self._codec.decode, frame)
        except BadFrame as bad:
            reply = refusal(_STATUS.get(bad.reason, 400), _NAMES.get(bad.reason, "WRONG_SYNTAX"), str(bad))
        await receive([frame])
        return reply

    def _frame(self, request: Request, query: Mapping[str, str], payload: bytes) -> Frame:
        about = {"content_type": request.headers.get("content-type", ""), "t": query.get("t", "")}
        told = {name: text for name, text in about.items() if text}
        channel = unquote(request.raw_path.rstrip("/"))
        return Frame(payload, self._ground.clock.now(), query.get("i", ""), channel, query.get("k", ""), told)

    def _waiting(self, device: Device) -> Response:
        """The commands that wait for a device: `{"turn": "left"}`, or `h1@turn|left#h1@move|20`."""
        orders = self._mailbox.fetch(device, self._ground.clock.now())
        if self._light:
            told = "#".join(ultralight_command(device.id, one.name, one.value) for one in orders)
            return Response(_KEPT, _TEXT, told.encode())
        return Response(_KEPT, _JSON, dump({one.name: one.value for one in orders}))

    async def _configured(self, device: Device, body: bytes) -> Response:
        """The values that the device's option `configuration` has, of those asked for."""
        try:
            wanted = await _apart(len(body), read_request, body)
        except BadFrame as bad:
            return refusal(400, "WRONG_SYNTAX", str(bad))
        known = device.options.get("configuration")
        values: dict[str, Json] = {}
        if isinstance(known, dict):
            values = {name: known[name] for name in wanted if name in known}
        return Response(_KEPT, _JSON, dump(values | {"dt": basic(self._ground.clock.now())}))


def make_link(ground: Ground) -> HttpLink:
    """The link of the member `link`. Raises BadSettings."""
    members = Members(ground.settings, "link")
    kind = str(ground.codec.get("kind", ""))
    agent = kind in PATHS
    path = members.text("path", PATHS.get(kind, HOOKS + ground.adapter))
    if not _PATH.fullmatch(path):
        raise members.refuse("path", "a path such as /iot/hooks/parking")
    secret = members.secret("secret", ground.home)
    scheme = members.one_of("scheme", SCHEMES, "plain")
    header = members.text("header", "authorization" if scheme == "bearer" else "x-misono-secret").lower()
    members.done()
    if not secret and not agent:
        raise BadSettings("link/secret: a webhook has a secret, or a secret_file")
    hook = Hook(secret, scheme, header) if secret else None
    return HttpLink(ground, path, make_codec(kind, ground.codec), hook)


def read_query(query_string: str) -> dict[str, str] | Response:
    """The parameters of a device, which must name itself and its key; else the refusal."""
    try:
        query = dict(split_query(query_string))
    except NgsiError as fault:
        return refusal(400, "WRONG_SYNTAX", str(fault))
    missing = [name for name in ("i", "k") if not query.get(name)]
    if not missing:
        return query
    message = f"Some of the mandatory params weren't found in the request: {', '.join(missing)}"
    return refusal(400, "MANDATORY_PARAMS_NOT_FOUND", message)


def refusal(status: int, name: str, message: str) -> Response:
    """An error as IoT Agents tell it."""
    return Response(status, _JSON, dump({"name": name, "message": message}))


async def _apart(size: int, work: Callable[[T], R], given: T) -> R:
    """What the work gives, done in a thread where so much would hold up every other link."""
    return await asyncio.to_thread(work, given) if size > INLINE_MAX else work(given)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
