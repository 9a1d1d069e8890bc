"""Feeds that are fetched over HTTP again and again: GTFS Realtime, GBFS, GTFS, or any codec's messages.

    link:
      kind: poll
      device: city-bikes                 # whose feed it is, among the adapter's devices
      feeds:
        - {url: "https://bikes.example/gbfs/gbfs.json", discover: true}    # GBFS: the feeds that it names
        - {url: "https://bus.example/positions.pb", every_s: 15, channel: positions}
      every_s: 60                        # where a feed says nothing else; GBFS feeds say it themselves (ttl)
      timeout_s: 20
      bytes: 16777216                    # largest answer
      headers: {Accept-Language: ja}
      secret_headers: {X-Api-Key: KEY}   # header -> environment variable that holds it
      allow_private: false

A feed is asked with If-None-Match and If-Modified-Since, cut into frames, and not read where its bytes did not change.
Redirects are not followed, and no address is asked that is not public unless `allow_private` says so. Secrets go to the
servers that the file names, not to others that a discovered feed is at.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from adapters.codecs.feeds import FEED_BYTES_MAX, Cut, Piece
from adapters.frame import BadFrame, Frame
from adapters.link import Ground, Receive
from adapters.order import Delivered, Order
from adapters.settings import Members

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("misono.adapters")

CUTS: Final = {"gtfs-rt": "adapters.codecs.gtfs_rt", "gbfs": "adapters.codecs.gbfs", "gtfs": "adapters.codecs.gtfs"}
AT_ONCE: Final = 4
FEEDS_MAX: Final = 100
PAUSE_S, PAUSE_MAX_S = 5.0, 600.0
SPREAD: Final = 0.1
_NOT_MODIFIED, _OK = 304, 200
_MIN_EVERY_S, _MAX_EVERY_S = 0.2, 7 * 86_400.0


class NotFetched(Exception):
    """A feed did not answer as it must; the text says how, without secrets."""


@dataclass(slots=True)
class Feed:
    """One URL, and what it said the last time; `every_s` 0: as it says itself, or the link's."""

    url: str
    channel: str = ""
    every_s: float = 0.0
    discover: bool = False
    validators: dict[str, str] = field(default_factory=dict)
    digest: bytes = b""
    ttl_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a feed said, and what to say when it is asked again."""

    content: bytes
    validators: dict[str, str]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Asking:
    """How feeds are asked."""

    device: str
    every_s: float
    timeout_s: float
    bytes_max: int
    headers: Mapping[str, str]
    secrets: Mapping[str, str]
    allow_private: bool


def make_link(ground: Ground) -> PollLink:
    """The link. Raises BadSettings."""
    members = Members(ground.settings, "link")
    asking = Asking(
        members.text("device"),
        members.number("every_s", 60.0, _MIN_EVERY_S, _MAX_EVERY_S),
        members.number("timeout_s", 20.0, 0.1, 600),
        members.whole("bytes", 16 << 20, 1024, FEED_BYTES_MAX),
        members.pairs("headers"),
        _secrets(members),
        members.flag("allow_private", default=False),
    )
    rows = members.rows("feeds")
    if not rows:
        raise members.refuse("feeds", "a list of {url: …}")
    feeds = [_feed(Members(row, f"link/feeds/{number}")) for number, row in enumerate(rows)]
    members.done()
    return PollLink(ground, asking, feeds)


def _feed(members: Members) -> Feed:
    url, channel = members.text("url"), members.text("channel", "")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise members.refuse("url", "https://HOST/PATH")
    every_s = members.number("every_s", 0.0, 0.0, _MAX_EVERY_S)
    discover = members.flag("discover", default=False)
    members.done()
    return Feed(url, channel, max(every_s, _MIN_EVERY_S) if every_s else 0.0, discover)


def _secrets(members: Members) -> dict[str, str]:
    found = {}
    for header, variable in members.pairs("secret_headers").items():
        if not os.environ.get(variable):
            raise members.refuse(f"secret_headers/{header}", f"a variable of the environment that is set; {variable}")
        found[header] = os.environ[variable]
    return found


class PollLink:
    """See the module; a feed that cannot be had is asked again after a growing pause, and holds up no other one."""

    def __init__(self, ground: Ground, asking: Asking, feeds: Sequence[Feed]) -> None:
        self._ground, self._asking, self._feeds = ground, asking, feeds
        kind = str(ground.codec.get("kind", ""))
        self._cut: Cut | None = cast("Cut", import_module(CUTS[kind]).cut) if kind in CUTS else None
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._servers = {_server(feed.url) for feed in feeds}

    async def run(self, receive: Receive) -> None:
        """Work until cancelled."""
        import aiohttp  # noqa: PLC0415  imported with the first such adapter

        from broker.notify.public_only import PublicOnly  # noqa: PLC0415

        resolver = None if self._asking.allow_private else PublicOnly()
        connector = aiohttp.TCPConnector(limit=AT_ONCE, resolver=resolver)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(self._asking.timeout_s),
                headers={"User-Agent": "misono", **self._asking.headers},
            ) as session,
            asyncio.TaskGroup() as tasks,
        ):
            for feed in self._feeds:
                tasks.create_task(self._follow(feed, _Fetching(session, receive, tasks)))

    async def send(self, order: Order) -> Delivered:  # noqa: ARG002  the port's
        """Feeds take no commands."""
        return Delivered("ERROR", "feeds take no commands")

    async def _follow(self, feed: Feed, fetching: _Fetching) -> None:
        """Ask one feed for ever."""
        pause = PAUSE_S
        known: dict[str, asyncio.Task[None]] = {}
        while True:
            try:
                async with self._at_once:
                    fetched = await self._fetch(feed, fetching.session)
                if fetched is not None:
                    await self._take(feed, fetched, fetching, known)
                every_s, pause = feed.every_s or feed.ttl_s or self._asking.every_s, PAUSE_S
            except Exception as fault:  # noqa: BLE001  the outermost loop of a feed: it ends no other one
                said = fault if isinstance(fault, NotFetched) else f"{type(fault).__name__}: {fault}"[:300]
                log.warning("feed %s of %s: %s", _shown(feed.url), self._ground.adapter, said)
                every_s, pause = pause, min(2 * pause, PAUSE_MAX_S)
            await asyncio.sleep(every_s * random.uniform(1 - SPREAD, 1 + SPREAD))  # noqa: S311  no secret

    async def _fetch(self, feed: Feed, session: aiohttp.ClientSession) -> Fetched | None:
        """What the feed says; None where that is what it said before. Raises NotFetched."""
        import aiohttp  # noqa: PLC0415

        from broker.notify.public_only import private_literal  # noqa: PLC0415

        refused = None if self._asking.allow_private else private_literal(feed.url)
        if refused is not None:
            raise NotFetched(refused)
        secrets = self._asking.secrets if _server(feed.url) in self._servers else {}
        try:
            async with session.get(feed.url, headers={**secrets, **feed.validators}, allow_redirects=False) as answer:
                if answer.status == _NOT_MODIFIED:
                    return None
                if answer.status != _OK:
                    raise NotFetched(f"it answered {answer.status}")
                content = await self._read(answer)
        except TimeoutError:
            raise NotFetched(f"no answer within {self._asking.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotFetched(f"{type(error).__name__}: {error}"[:300]) from error
        named = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
        validators = {asks: answer.headers[says] for says, asks in named if says in answer.headers}
        digest = hashlib.sha256(content).digest()
        return None if digest == feed.digest else Fetched(content, validators, digest)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > self._asking.bytes_max:
                raise NotFetched(f"it is longer than {self._asking.bytes_max:,} bytes")
        return bytes(content)

    async def _take(
        self, feed: Feed, fetched: Fetched, fetching: _Fetching, known: dict[str, asyncio.Task[None]]
    ) -> None:
        """Hand over what the feed said, piece by piece; only then is it what the feed said the last time."""
        if feed.discover:
            self._discovered(feed, fetched.content, fetching, known)
        else:
            pieces: Sequence[Piece] = [Piece(fetched.content, feed.channel)]
            if self._cut is not None:
                pieces = await asyncio.to_thread(self._cut, fetched.content, feed.channel)
            now = self._ground.clock.now()
            for piece in pieces:
                await fetching.receive([Frame(piece.payload, now, self._asking.device, piece.channel)])
            feed.ttl_s = min(_ttl(fetched.content), _MAX_EVERY_S)
        feed.validators, feed.digest = fetched.validators, fetched.digest

    def _discovered(
        self, feed: Feed, content: bytes, fetching: _Fetching, known: dict[str, asyncio.Task[None]]
    ) -> None:
        """Follow the feeds that a `gbfs.json` names, and no others of those it named before."""
        from adapters.codecs.gbfs import feeds_of  # noqa: PLC0415

        try:
            named = feeds_of(content)
        except BadFrame as bad:
            raise NotFetched(str(bad)) from bad
        wanted = {
            url: name
            for name, url in list(named.items())[:FEEDS_MAX]
            if name != "gbfs" and _server(url)[0] in ("http", "https")
        }
        for url in known.keys() - wanted.keys():
            known.pop(url).cancel()
        for url in wanted.keys() - known.keys():
            one = replace(feed, url=url, channel=wanted[url], discover=False, validators={}, digest=b"")
            known[url] = fetching.tasks.create_task(self._follow(one, fetching))


@dataclass(frozen=True, slots=True)
class _Fetching:
    """What a feed is followed with."""

    session: aiohttp.ClientSession
    receive: Receive
    tasks: asyncio.TaskGroup


def _ttl(content: bytes) -> float:
    """After how many seconds a GBFS feed will say something else; 0 for all others."""
    from adapters.codecs.gbfs import ttl_of  # noqa: PLC0415

    try:
        return ttl_of(content) if content.lstrip().startswith(b"{") else 0.0
    except BadFrame:
        return 0.0


def _server(url: str) -> tuple[str, str, int | None]:
    """Whom a URL asks: scheme, host, port; all empty for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port


def _shown(url: str) -> str:
    """A URL as it may stand in a log: without its query, where some put their keys."""
    return url.partition("?")[0]
