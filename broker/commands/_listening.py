"""Whether a broker can listen where it is told to: a person gets one line, not a traceback from deep below."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace

from broker.settings import SettingError, Settings


def checked(settings: Settings, *, alone: bool) -> Settings:
    """The settings with the host as an IP address.

    Raises SettingError for a host that has none, for an address or a port that cannot be had (`alone`: nobody else may
    listen there; several workers of one broker share their port), and for TLS files that do not fit.
    """
    address = _address(settings)
    if alone:
        _probe(address)
    if settings.tls_cert is not None:
        _check_tls(settings)
    return replace(settings, host=address[0])


def _address(settings: Settings) -> tuple[str, int]:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingError(f"--host {settings.host} has no address: {error.strerror}") from error
    return str(found[0][4][0]), settings.port


def _probe(address: tuple[str, int]) -> None:
    """Bind once and let go: with SO_REUSEPORT the server itself would share a port that another broker has."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise SettingError(f"cannot listen on {address[0]} port {address[1]}: {error.strerror}") from error


def _check_tls(settings: Settings) -> None:
    assert settings.tls_cert is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"--tls-cert, --tls-key or --client-ca is no PEM file that fits: {error}") from error
