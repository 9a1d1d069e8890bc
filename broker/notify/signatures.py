"""Signed notifications (RFC 9421), so that a receiver knows who sent them and that nobody changed them.

Covered are method, target URI, Content-Type and the digest of the body (RFC 9530); `created` tells the replay window,
`keyid` which public key to verify with, `alg` is that of the key: Ed25519, ECDSA on P-256 or P-384, RSA-PSS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from broker.notify.message import BadKey
from broker.ports import Clock

LABEL: Final = "misono"
COVERED: Final = ("@method", "@target-uri", "content-type")
_CURVES: Final = {"secp256r1": algorithms.ECDSA_P256_SHA256, "secp384r1": algorithms.ECDSA_P384_SHA384}


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]


class Signer:
    """Signs requests with the private key of a PEM file. Raises BadKey."""

    def __init__(self, path: Path, key_id: str, clock: Clock) -> None:
        key = _read(path)
        self._clock = clock
        self._key_id = key_id
        resolver = MappingKeyResolver(public_keys={}, private_keys={key_id: key})
        self._signer = HTTPMessageSigner(signature_algorithm=_algorithm(key), key_resolver=resolver)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Add Content-Digest, Signature-Input and Signature."""
        created = datetime.fromtimestamp(self._clock.now() // 1_000_000, UTC)
        self._signer.sign(
            _Request("POST", url, headers), key_id=self._key_id, created=created, label=LABEL,
            covered_component_ids=COVERED, body=body,
        )  # fmt: skip


def _read(path: Path) -> Any:  # noqa: ANN401 - one of the kinds of keys
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise BadKey(f"{path} holds no private key in PEM without a password: {error}") from error


def _algorithm(key: object) -> Any:  # noqa: ANN401 - a class of the library's
    match key:
        case Ed25519PrivateKey():
            return algorithms.ED25519
        case EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return _CURVES[key.curve.name]
        case RSAPrivateKey():
            return algorithms.RSA_PSS_SHA512
        case _:
            raise BadKey("the key is of a kind that cannot sign here: Ed25519, ECDSA P-256 or P-384, or RSA")
