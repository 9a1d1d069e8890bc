"""Who may connect: a registered station at its own path, with its password where one is asked for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from adapters.device import Device, Registry
from adapters.frame import BadFrame
from adapters.links.ocpp.settings import PASSWORD, Settings

_NAME_MAX: Final = 100
_CREDENTIALS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Admitted:
    """A station that may come in; `key` is what it showed."""

    device: Device
    key: str


@dataclass(frozen=True, slots=True)
class Denied:
    """One that may not; `station` is what it called itself, `reason` a word that is counted."""

    status: HTTPStatus
    reason: str
    why: str
    station: str = ""


def admit(
    path: str, headers: Mapping[str, str], settings: Settings, adapter: str, registry: Registry
) -> Admitted | Denied:
    """Look at the request of a handshake: its raw path and its headers."""
    station = _station(path, settings.path)
    if not station:
        return Denied(HTTPStatus.NOT_FOUND, "unknown_device", f"stations connect at {settings.path}/ID")
    credentials = _credentials(headers.get("Authorization", ""))
    name, key = credentials or ("", "")
    if name and name != station:
        return Denied(HTTPStatus.UNAUTHORIZED, "wrong_key", "the user is not the station of the path", station)
    try:
        device = registry.find(adapter, station, key)
    except BadFrame as refusal:
        status = HTTPStatus.NOT_FOUND if refusal.reason == "unknown_device" else HTTPStatus.UNAUTHORIZED
        return Denied(status, refusal.reason, str(refusal), station)
    if settings.security >= PASSWORD and not device.key_digest:
        why = "no password is registered for it, and security profile 1 asks for one"
        return Denied(HTTPStatus.UNAUTHORIZED, "wrong_key", why, station)
    return Admitted(device, key)


def _station(path: str, root: str) -> str:
    """The last segment of the path, decoded; `""` where the path is not ours."""
    before, _, segment = path.partition("?")[0].rpartition("/")
    name = unquote(segment, errors="replace")
    return name if before == root.rstrip("/") and name.isprintable() and len(name) <= _NAME_MAX else ""


def _credentials(header: str) -> tuple[str, str] | None:
    """Of HTTP Basic. A password may be any bytes (1.6): what is no UTF-8 is written hexadecimal, in capitals."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic" or len(given) > _CREDENTIALS_MAX:
        return None
    try:
        name, _, password = base64.b64decode(given.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    try:
        key = password.decode()
    except UnicodeDecodeError:
        key = password.hex().upper()
    return name.decode(errors="replace"), key
