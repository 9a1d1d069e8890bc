"""Purposes in a header that an organisation signed (RFC 9421): of this request, once, by a key that is registered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import Unauthorized
from broker.nonces import Nonces
from broker.ports import INLINE, OverBudgetOnce
from tests.fakes.clock import START, FakeClock
from tests.fakes.issuing import WELL, Issuer, Message, made, public, sign_purpose
from tests.unit.residents.identities import WORDS, City

KEY, OTHER = made("Ed25519"), made("Ed25519", "other")
KEYS = {
    "well": {"jwk": public(KEY), "roles": ["recipient"], "recipient": WELL, "tenants": ["", "misono"]},
    "shop": {"jwk": public(OTHER), "roles": ["recipient"], "recipient": "urn:x:shop"},
}
ASKED = Message("GET", "/ngsi-ld/v1/entities", "type=Watch", {"misono-purpose": "WatchOver", "host": "hub"})


def city() -> City:
    """With two organisations."""
    return City(Issuer(), keys=KEYS)


def refused(message: Message, one: City | None = None) -> str:
    """Why it is."""
    with pytest.raises(Unauthorized) as found:
        (one or city()).identity.identify(message)
    return found.value.detail


def test_what_is_signed_counts() -> None:
    """Without a token the organisation is who has the key; with one, it has to be the same."""
    found = city().identity.identify(sign_purpose(ASKED, KEY))
    assert (found.recipient, found.roles, found.purposes) == (
        WELL,
        frozenset({"recipient"}),
        frozenset({WORDS["WatchOver"]}),
    )
    issuer = Issuer()
    token = issuer.token(roles=["recipient"], recipient=WELL, scope="purpose:Marketing")
    message = replace(ASKED, headers={**ASKED.headers, "authorization": f"Bearer {token}"})
    assert city().identity.identify(sign_purpose(message, KEY)).purposes == {WORDS["WatchOver"]}
    assert "another organisation" in refused(sign_purpose(message, OTHER, "shop"))


def test_who_is_no_organisation_signs_nothing() -> None:
    """An operator with the key of a shop stays an operator without purposes: it is refused."""
    message = replace(ASKED, headers={**ASKED.headers, "authorization": f"Bearer {Issuer().token()}"})
    assert "another organisation" in refused(sign_purpose(message, KEY))


@pytest.mark.parametrize(
    "changed",
    [
        {"raw_path": "/ngsi-ld/v1/entities/urn:x:1"},
        {"raw_path": "/ngsi-ld/v1/entities/"},
        {"method": "DELETE"},
        {"query_string": "type=Scale"},
        {"query_string": ""},
        {"query_string": "type=Watch&q=x"},
        {"body": b'{"type": "Query"}'},
    ],
)
def test_a_signature_is_of_one_request(changed: dict[str, Any]) -> None:
    """Another path, method, query or body: not signed."""
    assert "not of this request" in refused(replace(sign_purpose(ASKED, KEY), **changed))


@pytest.mark.parametrize(
    "header",
    [
        {"misono-purpose": "Marketing"},
        {"misono-recipient": WELL},
        {"ngsild-tenant": "misono"},
        {"ngsild-snapshot": "urn:x"},
    ],
)
def test_headers_that_matter_are_signed(header: dict[str, str]) -> None:
    """The purpose forged, a tenant or a recipient added."""
    message = sign_purpose(ASKED, KEY)
    assert "not of this request" in refused(replace(message, headers={**message.headers, **header}))


def test_a_body_is_signed_by_its_digest() -> None:
    """And is no other one then."""
    asked = replace(ASKED, method="POST", body=b'{"type": "Query"}')
    message = sign_purpose(asked, KEY)
    assert city().identity.identify(message).recipient == WELL
    assert "not of this request" in refused(replace(message, body=b'{"type": "Other"}'))


def test_a_signature_is_good_once() -> None:
    """Replayed it is refused, in this process and in any other, for as long as it would pass."""
    one, message = city(), sign_purpose(ASKED, KEY)
    one.identity.identify(message)
    assert "used before" in refused(message, one)
    one.clock.advance(299)
    assert "used before" in refused(message, one)
    one.clock.advance(2)
    assert "within the last" in refused(message, one)
    assert one.identity.identify(sign_purpose(ASKED, KEY, now=one.clock.now())).recipient == WELL


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"created": START // 1_000_000 - 301}, "within the last"),
        ({"created": START // 1_000_000 + 61}, "within the last"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "short"}, "nonce"),
        ({"nonce": "x" * 200}, "nonce"),
        ({"covered_component_ids": ("@method", "@path", "@query")}, "not of this request"),
        ({"covered_component_ids": ("misono-purpose", "@query")}, "not of this request"),
        ({"covered_component_ids": ("@method", "@path", "misono-purpose")}, "not of this request"),
    ],
)
def test_signatures_that_lack_something(other: dict[str, Any], why: str) -> None:
    """Time, nonce, or what they cover."""
    assert why in refused(sign_purpose(ASKED, KEY, **other))


def test_keys_that_are_not_registered_sign_nothing() -> None:
    """A stranger's key under a name that is, or is not, known; a key of the city that is no signing key."""
    assert "not of this request" in refused(sign_purpose(ASKED, OTHER, "well"))
    assert "not registered" in refused(sign_purpose(ASKED, OTHER, "nobody"))


def test_signatures_of_others_are_not_read() -> None:
    """Another tag: somebody's on the way; the purpose is not signed then, and counts for nothing."""
    message = sign_purpose(ASKED, KEY, tag="proxy")
    assert city().identity.identify(message).purposes == frozenset()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("signature-input", 'tag="misono-purpose"'),
        ("signature-input", 'a=();tag="misono-purpose", b=();tag="misono-purpose"'),
        ("signature-input", "misono=" + "x" * 9000 + ';tag="misono-purpose"'),
        ("signature", "misono=:AAAA:"),
        ("signature", "misono=1"),
        ("signature", ""),
        ("signature", "x" * 9000),
    ],
)
def test_nonsense_is_refused(name: str, text: str) -> None:
    """As one 401."""
    message = sign_purpose(ASKED, KEY)
    assert refused(replace(message, headers={**message.headers, name: text}))


def test_a_signature_is_never_checked_on_the_event_loop() -> None:
    """It is remembered on the disk; the request goes to a thread, where it is checked for the first time."""
    one, message = city(), sign_purpose(ASKED, KEY)
    before = INLINE.set(True)
    try:
        with pytest.raises(OverBudgetOnce):
            one.identity.identify(message)
    finally:
        INLINE.reset(before)
    assert one.identity.identify(message).recipient == WELL


def test_two_processes_share_what_was_used(tmp_path: Any) -> None:
    """And forget it when it would no longer pass."""
    clock = FakeClock()
    here, there = Nonces(tmp_path / "identity.sqlite", clock), Nonces(tmp_path / "identity.sqlite", clock)
    try:
        assert here.first(b"1" * 32, clock.now() + 1)
        assert not there.first(b"1" * 32, clock.now() + 1)
        clock.advance(1)
        assert there.first(b"1" * 32, clock.now() + 1)
    finally:
        here.close()
        there.close()
