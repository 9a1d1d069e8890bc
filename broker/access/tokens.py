"""A bearer token read and checked: a JWT (RFC 7519) signed with a key of its issuer, for this hub, valid now.

    token = read_token("eyJ…")             -> Token(header, claims, issuer="https://…", key_id="k1", algorithm="ES256")
    token.check_signature(key)
    check_claims(token.claims, issuer, now_s)

Nothing in a token says where its key is to be had: who signs could name a key of their own. So `jwk`, `jku`, `x5c` and
`x5u` are refused, and so is every extension (`crit`); the algorithm must be one that the issuer may use, and one of the
key's kind. What is refused is told without a word of the token.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jiter import from_json

from broker.access.configured import ALGORITHMS, Issuer

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

TOKEN_MAX: Final = 8192
RSA_DIGITS: Final = range(342, 1366)
"""How long the modulus of an RSA key is in base64url: 2,048 to 8,192 bits, which take long to check."""
KEYS_MAX: Final = 64
SECONDS_MAX: Final = 1 << 40
"""A time after that is none: some 35,000 years."""
KINDS: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "Ed25519": "OKP"}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_NAMED_BY_SIGNER: Final = ("crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc", "cty")
_SECRET: Final = frozenset({"d", "k", "p", "q"})
_BASE64URL: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class BadToken(Exception):
    """It is not believed; the text says why, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of an issuer: what kind it is, and the algorithm it is for where it says so."""

    id: str
    kind: str
    algorithm: str
    key: RSAKey | ECKey | OKPKey

    def fits(self, algorithm: str) -> bool:
        """Whether something may be signed so with it."""
        return KINDS.get(algorithm) == self.kind and self.algorithm in ("", algorithm)


@dataclass(frozen=True, slots=True)
class Token:
    """One that was read; nothing of it is believed until its signature is checked."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    issuer: str
    algorithm: str
    key_id: str

    def check_signature(self, key: PublicKey) -> None:
        """Raises BadToken where this key did not sign it."""
        from joserfc import jws  # noqa: PLC0415  only who believes tokens carries it
        from joserfc.errors import JoseError  # noqa: PLC0415  as above

        if not key.fits(self.algorithm):
            raise BadToken("its algorithm is not that of its key")
        try:
            jws.deserialize_compact(self.text, key.key, algorithms=[self.algorithm])
        except (JoseError, ValueError) as error:
            raise BadToken("its signature is wrong") from error


def read_token(text: str) -> Token:
    """What it says of itself. Raises BadToken."""
    if len(text) > TOKEN_MAX:
        raise BadToken(f"it has more than {TOKEN_MAX} characters")
    parts = text.split(".")
    if len(parts) != 3 or not parts[2]:  # noqa: PLR2004  header, claims, signature
        raise BadToken("it is no signed JWT")
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    algorithm, key_id, issuer = header.get("alg"), header.get("kid", ""), claims.get("iss")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BadToken(f"it is signed in another way than {', '.join(sorted(ALGORITHMS))}")
    if named := [name for name in _NAMED_BY_SIGNER if name in header]:
        raise BadToken(f"its header has {named[0]}, which is not read")
    if not isinstance(key_id, str) or not isinstance(issuer, str):
        raise BadToken("its kid or its iss is no text")
    return Token(text, header, claims, issuer, algorithm, key_id)


def check_token(token: Token, issuer: Issuer, now_s: float) -> float:
    """When it ends, in seconds since 1970. Raises BadToken for one that is not for this hub, or not for now.

    To be called for a token whose signature is checked.
    """
    kind = str(token.header.get("typ", "")).lower().removeprefix("application/")
    if kind not in issuer.types:
        raise BadToken(f"its typ is none of {', '.join(sorted(issuer.types))}")
    if token.algorithm not in issuer.algorithms or token.issuer != issuer.url:
        raise BadToken("its issuer does not sign so")
    claims, skew = token.claims, issuer.skew_s
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(one, str) and one in issuer.audiences for one in named):
        raise BadToken("it is for somebody else (aud)")
    ends, begins, made = _seconds(claims, "exp"), _seconds(claims, "nbf"), _seconds(claims, "iat")
    if ends is None:
        raise BadToken("it never ends (exp)")
    if now_s >= ends + skew:
        raise BadToken("it has expired (exp)")
    if max(begins or 0.0, made or 0.0) > now_s + skew:
        raise BadToken("it is not valid yet (nbf, iat)")
    if ends - (now_s if made is None else made) > issuer.lifetime_s + skew:
        raise BadToken(f"it is valid for more than {issuer.lifetime_s} s")
    return ends + skew


def read_keys(document: object) -> dict[str, PublicKey]:
    """The public keys of a JWK Set (RFC 7517) by their ids; those that sign in other ways are left out.

    Raises BadToken for what is no key set.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise BadToken("the keys of its issuer are no JWK Set")
    found = (read_key(one) for one in listed if isinstance(one, dict))
    return {one.id or f"#{number}": one for number, one in enumerate(found) if one is not None}


def read_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """A key that tokens can be signed with; None for any other: secret, symmetric, weak, for encryption."""
    from joserfc.errors import JoseError  # noqa: PLC0415  only who believes tokens carries it
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415  as above

    kind, algorithm = str(jwk.get("kty")), jwk.get("alg", "")
    kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    made = kinds.get(kind)
    if made is None or not _SECRET.isdisjoint(jwk) or jwk.get("use", "sig") != "sig":
        return None
    if algorithm not in ("", *ALGORITHMS) or jwk.get("crv") != _CURVES.get(kind) or not _verifies(jwk):
        return None
    if kind == "RSA" and len(str(jwk.get("n", "")).lstrip("A")) not in RSA_DIGITS:
        return None
    try:
        key = made.import_key({name: value for name, value in jwk.items() if isinstance(value, str)})
        return PublicKey(str(jwk.get("kid", "")), kind, str(algorithm), key)
    except (JoseError, ValueError, TypeError):
        return None


def _verifies(jwk: Mapping[str, Any]) -> bool:
    done: Sequence[object] = jwk.get("key_ops", ["verify"])
    return isinstance(done, list) and "verify" in done


def _object(part: str, what: str) -> dict[str, Any]:
    unread = BadToken(f"its {what} cannot be read")
    if not _BASE64URL.issuperset(part):
        raise unread
    try:
        text = urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = from_json(text, catch_duplicate_keys=True, allow_inf_nan=False)
    except (ValueError, binascii.Error):
        raise unread from None
    if not isinstance(found, dict):
        raise unread
    return found


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    found = claims.get(name)
    if found is None:
        return None
    if type(found) not in (int, float) or not 0 <= found < SECONDS_MAX:
        raise BadToken(f"its {name} is no time")
    return float(found)
