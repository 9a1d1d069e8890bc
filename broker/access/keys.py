"""Who comes with a key of the file of --access instead of a token: a device, another hub, an organisation.

A key itself is nowhere but with whom it is of: here are its digest (X-API-Key), the thumbprint of a certificate
(Client-Cert of a trusted proxy, RFC 9440), or a public key that signs requests.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from broker.access.configured import Key
from broker.access.tokens import BadToken, PublicKey, read_key
from broker.model.values import Instant, to_instant
from broker.ports import Clock, Principal

KEY_MAX: Final = 512
CERTIFICATE_MAX: Final = 16_384
API_KEY: Final = "x-api-key"
CERTIFICATE: Final = "client-cert"


class UnusableKey(Exception):
    """A key of the file is none that could sign; the text names it."""


class Keys:
    """The keys of the file."""

    def __init__(self, keys: Mapping[str, Key], clock: Clock) -> None:
        self._clock = clock
        self._secrets = {one.digest: one for one in keys.values() if one.digest}
        self._certificates = {one.certificate: one for one in keys.values() if one.certificate}
        self.signing: Final[Mapping[str, tuple[Key, PublicKey]]] = {
            name: (one, _public(one)) for name, one in keys.items() if one.jwk
        }

    def of_secret(self, secret: str) -> Principal:
        """Whose API key it is. Raises BadToken."""
        key = self._secrets.get(sha256(secret.encode()).hexdigest()) if len(secret) <= KEY_MAX else None
        if key is None:
            raise BadToken("the key is none of this hub's")
        return self.principal(key)

    def of_certificate(self, header: str) -> Principal:
        """Whose certificate it is, as the proxy that checked it tells. Raises BadToken."""
        content = certificate_of(header)
        key = self._certificates.get(sha256(content).hexdigest())
        if key is None:
            raise BadToken("the certificate is of nobody that this hub knows")
        _check_time(content, self._clock.now())
        return self.principal(key)

    def principal(self, key: Key) -> Principal:
        """Whom a key makes somebody; purposes it has none. Raises BadToken where it has ended."""
        if key.until is not None and self._clock.now() >= key.until:
            raise BadToken("the key has ended")
        return Principal(
            f"key:{key.name}", roles=key.roles, tenants=key.tenants, recipient=key.recipient, subject=key.subject,
            until=key.until,
        )  # fmt: skip


def certificate_of(header: str) -> bytes:
    """The DER of a header Client-Cert: `:MIIB…:`. Raises BadToken."""
    text = header.strip()
    if len(text) > CERTIFICATE_MAX or len(text) < 3 or text[0] != ":" or text[-1] != ":":  # noqa: PLR2004  two colons
        raise BadToken("Client-Cert holds no certificate")
    try:
        return b64decode(text[1:-1], validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("Client-Cert holds no certificate") from None


def check_bound(claims: Mapping[str, Any], header: str) -> None:
    """Raises BadToken where a token is of another certificate than the one shown (`cnf`, RFC 8705)."""
    confirmed = claims.get("cnf")
    if confirmed is None:
        return
    if not isinstance(confirmed, dict) or confirmed.keys() != {"x5t#S256"}:
        raise BadToken("it is bound to a key in a way that is not checked here (cnf)")
    shown = urlsafe_b64encode(sha256(certificate_of(header)).digest()).rstrip(b"=").decode() if header else ""
    if confirmed["x5t#S256"] != shown:
        raise BadToken("it is bound to another certificate (cnf)")


def _check_time(content: bytes, now: Instant) -> None:
    from cryptography import x509  # noqa: PLC0415  only who shows certificates has it carried

    try:
        certificate = x509.load_der_x509_certificate(content)
    except (ValueError, x509.InvalidVersion):
        raise BadToken("Client-Cert holds no certificate") from None
    since = to_instant(certificate.not_valid_before_utc.isoformat().replace("+00:00", "Z"))
    until = to_instant(certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"))
    if since is None or until is None or not since <= now < until:
        raise BadToken("the certificate is not valid now")


def _public(key: Key) -> PublicKey:
    found = read_key(key.jwk)
    if found is None:
        raise UnusableKey(f"[keys.{key.name}] jwk: wanted is a public key: Ed25519, P-256, or RSA of 2048 bits or more")
    return found
