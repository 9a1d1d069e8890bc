"""What somebody asks for data for, in a header that their organisation signed (RFC 9421).

    Misono-Purpose: HealthAdvice
    Signature-Input: misono=("@method" "@path" "@query" "misono-purpose");created=1795…;nonce="…";keyid="well";
        tag="misono-purpose"
    Signature: misono=:…:

The signature is of this request and no other: it covers method, path and query, the tenant and the recipient where they
are said, and the body's Content-Digest where there is a body. It is good once: its nonce is remembered as long as its
`created` would let it pass. Signatures with another tag are somebody else's, and are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from broker.access.configured import Key
from broker.access.tokens import BadToken, PublicKey
from broker.model.values import Instant
from broker.ports import INLINE, Clock, OverBudgetOnce
from broker.ports.identity import Asking

if TYPE_CHECKING:
    from http_message_signatures import HTTPMessageVerifier

TAG: Final = "misono-purpose"
WINDOW_S: Final = 300
"""So old a signature may be."""
SKEW_S: Final = 60
NONCE_MIN, NONCE_MAX = 8, 128
HEADER_MAX: Final = 8192
_NEEDED: Final = ("@method", "@path", "misono-purpose")
_ALSO: Final = ("ngsild-tenant", "ngsild-snapshot", "misono-recipient")
"""Headers that are to be covered where they are there."""
_SECOND: Final = 1_000_000

Seen: TypeAlias = Callable[[bytes, Instant], bool]
"""Remembers a digest until then; whether it was not there before. It blocks."""


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as the library reads it."""

    method: str
    url: str
    headers: Mapping[str, str]


class Signed:
    """Checks such signatures by the keys of organisations, `name -> (key, public key)`."""

    def __init__(self, keys: Mapping[str, tuple[Key, PublicKey]], clock: Clock, seen: Seen) -> None:
        self._keys, self._clock, self._seen = keys, clock, seen

    def signer(self, asking: Asking) -> Key | None:
        """Whose key signed the purpose of this request; None where nobody says so.

        Raises BadToken, and OverBudgetOnce on the event loop: a signature is remembered on the disk.
        """
        given = asking.headers.get("signature-input", "")
        if f'tag="{TAG}"' not in given:
            return None
        if INLINE.get():
            raise OverBudgetOnce
        if max(len(given), len(asking.headers.get("signature", ""))) > HEADER_MAX:
            raise BadToken("the signature is too long")
        name = self._key_id(asking)
        found = self._keys.get(name)
        if found is None:
            raise BadToken("the signature is of a key that is not registered")
        key, public = found
        self._check_time_and_nonce(name, _verified(asking, public))
        return key

    def _key_id(self, asking: Asking) -> str:
        from http_message_signatures import HTTPMessageSignaturesException  # noqa: PLC0415  only who signs has it
        from http_message_signatures.signatures import HTTPSignatureHandler  # noqa: PLC0415  as above

        try:
            inputs = HTTPSignatureHandler._parse_signature_dictionary(asking.headers["signature-input"])  # noqa: SLF001
        except (HTTPMessageSignaturesException, ValueError) as error:
            raise BadToken("Signature-Input cannot be read") from error
        ours = [one.params for one in inputs.values() if one.params.get("tag") == TAG]
        if len(ours) != 1:
            raise BadToken(f"one signature with the tag {TAG} is wanted")
        return str(ours[0].get("keyid", ""))

    def _check_time_and_nonce(self, name: str, parameters: Mapping[str, Any]) -> None:
        now, created, nonce = self._clock.now(), parameters.get("created"), parameters.get("nonce")
        ends = parameters.get("expires", now)
        if type(created) is not int or not now - WINDOW_S * _SECOND <= created * _SECOND <= now + SKEW_S * _SECOND:
            raise BadToken(f"the signature was not made within the last {WINDOW_S} s (created)")
        if "expires" in parameters and (type(ends) is not int or ends * _SECOND <= now):
            raise BadToken("the signature has ended (expires)")
        if not isinstance(nonce, str) or not NONCE_MIN <= len(nonce) <= NONCE_MAX:
            raise BadToken(f"the signature needs a nonce of {NONCE_MIN} to {NONCE_MAX} characters")
        digest = sha256(f"{name}\n{nonce}".encode()).digest()
        if not self._seen(digest, (created + WINDOW_S + SKEW_S) * _SECOND):
            raise BadToken("the signature was used before (nonce)")


def _verified(asking: Asking, public: PublicKey) -> Mapping[str, Any]:
    """The parameters of the signature. Raises BadToken."""
    from http_message_signatures import HTTPMessageSignaturesException, InvalidSignature  # noqa: PLC0415  as above

    query = f"?{asking.query_string}" if asking.query_string else ""
    host = asking.headers.get("host", "") or "hub"
    message = _Message(asking.method, f"http://{host}{asking.raw_path}{query}", asking.headers)
    try:
        results = _verifier(public).verify(
            message, max_age=None, expect_tag=TAG, require_components=[*_covered(asking)], body=asking.body or None
        )
    except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
        raise BadToken("the signature is not of this request: " + ", ".join(_covered(asking))) from error
    return results[0].parameters


def _covered(asking: Asking) -> Iterator[str]:
    yield from _NEEDED
    if asking.query_string:
        yield "@query"
    yield from (name for name in _ALSO if name in asking.headers)


def _verifier(public: PublicKey) -> HTTPMessageVerifier:
    from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms  # noqa: PLC0415  as above

    class Verifier(HTTPMessageVerifier):
        """It has the times checked by the hub's own clock."""

        def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ANN401  the library's
            """Later."""

    class Key(MappingKeyResolver):
        """The one key, whatever it is called."""

        def resolve_public_key(self, key_id: str) -> Any:  # noqa: ANN401, ARG002  the library's
            """That key."""
            return public.key.public_key

    kinds: dict[str, Any] = {
        "OKP": algorithms.ED25519, "EC": algorithms.ECDSA_P256_SHA256, "RSA": algorithms.RSA_PSS_SHA512,
    }  # fmt: skip
    return Verifier(signature_algorithm=kinds[public.kind], key_resolver=Key(public_keys={}, private_keys={}))
