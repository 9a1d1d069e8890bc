"""Ed25519 keys of those who make packages, and their signatures. A public key is a text: `ed25519:BASE64`."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_PREFIX: Final = "ed25519:"
_WHAT: Final = b"misono-package/1\n"
"""Before what is signed: a signature of something else is none of a package."""


class BadSignature(ValueError):
    """A key or a signature that is none; says why."""


@dataclass(frozen=True)
class Key:
    """A private key."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public key as a text."""
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _PREFIX + base64.b64encode(raw).decode()

    def pem(self) -> bytes:
        """The file of the private key, not encrypted: whoever has it signs as its owner."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_key() -> Key:
    """A key that nobody had before."""
    return Key(Ed25519PrivateKey.generate())


def read_key(pem: bytes) -> Key:
    """The key of a PEM file. Raises BadSignature."""
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadSignature(f"no private key in PEM form without a password: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise BadSignature("a key of another kind; `misono package key FILE` makes one of Ed25519")
    return Key(private)


def sign(key: Key, content: bytes) -> str:
    """The signature of the content as a text."""
    return base64.b64encode(key.private.sign(_WHAT + content)).decode()


def verify(public: str, content: bytes, signature: str) -> None:
    """Return where the owner of the public key signed this content. Raises BadSignature."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix(_PREFIX), validate=True))
        key.verify(base64.b64decode(signature, validate=True), _WHAT + content)
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise BadSignature("the signature is not that of this key over this content") from error
