"""Certificates this hub shows to sources, by name, from one directory that its operator fills (mutual TLS).

`aizu.crt` (the chain) and `aizu.key` belong to the name `aizu`; `ca.pem` holds authorities that sources' certificates
may come from, beside the known ones. A file that changes is read again at the next request.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

_TOO_MUCH: Final = 64
_AUTHORITIES: Final = "ca.pem"


class BadCertificate(Exception):
    """There is none of that name, or it cannot be read; the text says which file."""


class Certificates:
    """TLS contexts by name; `directory` is None where the operator gave none."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._made: dict[str, tuple[tuple[int, ...], ssl.SSLContext]] = {}
        has_own = directory is not None and (directory / _AUTHORITIES).is_file()
        self.authorities: ssl.SSLContext | None = self._trusting() if has_own else None

    def load(self, name: str) -> ssl.SSLContext:
        """The context that shows the certificate of this name. Raises BadCertificate."""
        if self._directory is None:
            raise BadCertificate(f"the certificate {name} needs the setting --source-certificates DIR")
        if "/" in name or name.startswith("."):
            raise BadCertificate(f"{name[:80]} is no name of a certificate")
        chain, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        try:
            stamps = (chain.stat().st_mtime_ns, key.stat().st_mtime_ns)
            known = self._made.get(name)
            if known is not None and known[0] == stamps:
                return known[1]
            context = self._trusting()
            context.load_cert_chain(chain, key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise BadCertificate(f"the certificate {name} cannot be used: {type(error).__name__}") from error
        if len(self._made) >= _TOO_MUCH:
            self._made.clear()
        self._made[name] = (stamps, context)
        return context

    def _trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._directory is not None and (self._directory / _AUTHORITIES).is_file():
            context.load_verify_locations(self._directory / _AUTHORITIES)
        return context
