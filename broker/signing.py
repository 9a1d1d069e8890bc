"""The hub's own signature: receipts, quotes, roots of the audit (JWS compact, RFC 7515, Ed25519 by RFC 9864).

    signer = Signer.opened(Path("var/keys"))
    signer.sign({"receipt": "urn:…"}, "consent-receipt+jwt") -> "eyJ…"
    signer.verify("eyJ…", "consent-receipt+jwt") -> {"receipt": "urn:…"}

A key is a file that its owner alone may read; the newest one signs, older ones are kept to verify what they signed.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ALGORITHM: Final = "Ed25519"
TOKEN_MAX: Final = 1 << 20


class BadSignature(Exception):
    """It was not signed with one of these keys, or was changed since; the text says which."""


class Signer:
    """The keys, newest last."""

    def __init__(self, keys: Sequence[OKPKey]) -> None:
        self._keys = [*keys]
        self._headers: dict[str, str] = {}

    @classmethod
    def opened(cls, directory: Path) -> Signer:
        """The keys of a folder, `NAME.jwk` in the order of their names; a first one is made where there is none."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not any(directory.glob("*.jwk")):
            _write_new(directory / "0001.jwk", made())
        found = sorted(directory.glob("*.jwk"))
        return cls([OKPKey.import_key(json.loads(path.read_text())) for path in found])

    def sign(self, payload: Mapping[str, Any], typ: str) -> str:
        """A compact JWS whose header says what it is (`typ`) and which key signed it."""
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        signed = f"{self._header(typ)}.{_base64(text.encode())}"
        key = cast("Any", self._keys[-1].private_key)
        return f"{signed}.{_base64(key.sign(signed.encode()))}"

    def _header(self, typ: str) -> str:
        """The first part of what is signed; the library makes it once, and looks whether the key is one for it."""
        found = self._headers.get(typ)
        if found is None:
            key = self._keys[-1]
            header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": typ}
            found, _, _ = jws.serialize_compact(header, b"", key, algorithms=[ALGORITHM]).partition(".")
            self._headers[typ] = found
        return found

    def verify(self, token: str, typ: str) -> dict[str, Any]:
        """What was signed. Raises BadSignature."""
        if len(token) > TOKEN_MAX:
            raise BadSignature("it is too long")
        try:
            found = jws.deserialize_compact(token, KeySet(cast("Any", self._public())), algorithms=[ALGORITHM])
            payload = json.loads(found.payload)
        except (JoseError, ValueError) as error:
            raise BadSignature(f"it was not signed by this hub, or was changed: {type(error).__name__}") from error
        if found.headers().get("typ") != typ or not isinstance(payload, dict):
            raise BadSignature(f"it is no {typ}")
        return payload

    def jwks(self) -> dict[str, Any]:
        """The public keys, for `/.well-known/jwks.json`."""
        keys = [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in self._public()]
        return {"keys": keys}

    def _public(self) -> list[OKPKey]:
        return [OKPKey.import_key({**one.as_dict(private=False), "kid": one.thumbprint()}) for one in self._keys]


def made() -> OKPKey:
    """A new key."""
    return OKPKey.generate_key("Ed25519", private=True)


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _write_new(path: Path, key: OKPKey) -> None:
    """Raises nothing where another process made it first: theirs is taken."""
    content = json.dumps(key.as_dict(private=True)).encode()
    beside = path.with_suffix(f".{os.getpid()}")
    beside.touch(mode=0o600)
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        return
    finally:
        beside.unlink()
