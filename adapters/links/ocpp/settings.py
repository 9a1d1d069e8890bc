"""The member `link` of an adapter's file, for charging stations.

link:
  kind: ocpp
  host: 0.0.0.0
  port: 9000
  path: /ocpp                     # ws://HOST:9000/ocpp/ID
  security: 1                     # profile: 1 password, 2 password and TLS; 0 neither, for trying things out
  certificate: station-side.pem   # profile 2, with `private_key`
  private_key: station-side.key
  tokens:                         # who may charge; without it nobody but by a command, `any: true` everybody
    known: [{token: 04A1B2C3, vehicle: bus-1}]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.link import BadSettings
from adapters.settings import Members
from broker.model.values import Json

PLAIN, PASSWORD, TLS = 0, 1, 2
"""Security profiles; 0 is none of the standard."""
COMMANDED: Final = "MISONO"
"""The token of charging that a command started, where the command names none."""
_TOKEN_MAX: Final = 36


@dataclass(frozen=True, slots=True)
class Tokens:
    """Who may charge: `known` is the digest of a token -> the vehicle that has it (or `""`), as mappings know it."""

    any: bool = False
    known: Mapping[str, str] = field(default_factory=dict)

    def admits(self, token: str) -> bool:
        """Whether who shows this may charge."""
        return self.any or token == COMMANDED or digest(token) in self.known

    def vehicle(self, token: str) -> str:
        """The vehicle whose token it is; `""` where nobody said."""
        return self.known.get(digest(token), "")


@dataclass(frozen=True, slots=True)
class Settings:
    """See the top of this module; times in seconds."""

    host: str
    port: int
    path: str
    security: int
    certificate: Path | None
    private_key: Path | None
    tokens: Tokens
    heartbeat_s: int
    answer_s: float
    message_bytes: int
    stations_max: int


def digest(token: str) -> str:
    """Of a token, which is written in any case (1.6: CiString)."""
    return hashlib.sha256(token.upper().encode()).hexdigest()


def read_settings(given: Mapping[str, Json], home: Path) -> Settings:
    """The settings, each checked. Raises BadSettings."""
    members = Members(given, "link")
    settings = Settings(
        host=members.text("host", "127.0.0.1"),
        port=members.whole("port", 9000, 1, 65535),
        path="/" + members.text("path", "/ocpp").strip("/"),
        security=members.whole("security", PASSWORD, PLAIN, TLS),
        certificate=_file(members, "certificate", home),
        private_key=_file(members, "private_key", home),
        tokens=_tokens(Members(members.below("tokens"), "link/tokens")),
        heartbeat_s=members.whole("heartbeat_s", 300, 1, 86400),
        answer_s=members.number("answer_s", 30, 0.1, 600),
        message_bytes=members.whole("message_bytes", 262144, 1024, 1 << 20),
        stations_max=members.whole("stations_max", 1000, 1, 100_000),
    )
    members.done()
    if settings.security == TLS and not (settings.certificate and settings.private_key):
        raise members.refuse("certificate", "with `private_key`, the two PEM files that security profile 2 needs,")
    return settings


def _file(members: Members, name: str, home: Path) -> Path | None:
    given = members.text(name, "")
    if given and not (home / given).is_file():
        raise members.refuse(name, f"a file that is there ({given} is not, beside the adapter's file)")
    return home / given if given else None


def _tokens(members: Members) -> Tokens:
    any_, known = members.flag("any", default=False), members.rows("known")
    members.done()
    return Tokens(any_, dict(_token(row, f"link/tokens/known/{place}") for place, row in enumerate(known)))


def _token(given: Json, where: str) -> tuple[str, str]:
    """A token, plain or as its SHA-256 (of its upper case), and its vehicle."""
    members = Members(given, where)
    plain, hashed = members.text("token", ""), members.text("digest", "").lower()
    vehicle = members.text("vehicle", "")
    members.done()
    if bool(plain) == bool(hashed) or len(plain) > _TOKEN_MAX:
        raise BadSettings(f"{where}: either `token` or `digest`, and `vehicle` beside it, would do")
    return hashed or digest(plain), vehicle
