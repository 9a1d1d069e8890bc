"""Keys of issuers: fetched once, again when a token names one nobody knows, kept while they are published."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest

from broker.access.tokens import KEYS_MAX, BadToken, read_key, read_keys
from broker.errors import ServiceUnavailable, Unauthorized
from broker.ports import INLINE, OverBudgetOnce
from tests.fakes.issuing import Issuer, made, public
from tests.unit.residents.identities import City


def test_keys_are_fetched_once_and_what_was_checked_is_remembered() -> None:
    """A thousand requests with one token: one fetch of the metadata, one of the keys."""
    issuer = Issuer()
    city, token = City(issuer), issuer.token()
    assert len({city.who(token).name for _ in range(1000)}) == 1
    assert issuer.asked == [
        "https://id.misono.example/.well-known/openid-configuration",
        "https://id.misono.example/jwks",
    ]


def test_who_comes_while_keys_are_fetched_waits_for_them() -> None:
    """The first requests of a hub, and those with a key that was just published: one fetch, and nobody is refused."""
    issuer = Slow("ES256")
    city = City(issuer, jwks="https://id.misono.example/jwks")
    for round_ in range(1, 3):
        tokens = [issuer.token(sub=f"u-{number}") for number in range(8)]
        with ThreadPoolExecutor(8) as threads:
            names = set(threads.map(lambda token: city.who(token).name, tokens))
        assert len(names) == 8
        assert len(issuer.asked) == round_
        issuer.keys.append(made("ES256", "new"))
        city.clock.advance(30)


class Slow(Issuer):
    """Whose answers take a while."""

    def fetch(self, url: str, allow_private: bool) -> bytes:
        found = super().fetch(url, allow_private)
        sleep(0.2)
        return found


def test_what_was_checked_ends_with_its_token() -> None:
    """It is remembered, and expires all the same."""
    issuer = Issuer()
    city, token = City(issuer), issuer.token()
    city.who(token)
    city.clock.advance(659)
    city.who(token)
    city.clock.advance(1)
    with pytest.raises(Unauthorized):
        city.who(token)


def test_a_new_key_is_found_and_the_old_one_good_until_it_leaves() -> None:
    """The issuer publishes the new one beside the old one, signs with it, then takes the old one away."""
    issuer = Issuer("ES256")
    city = City(issuer)
    before = issuer.token(exp=1_767_232_800)
    city.who(before)
    issuer.keys.append(made("ES256", "new"))
    city.clock.advance(30)
    city.who(issuer.token())
    city.who(before)
    del issuer.keys[0]
    city.clock.advance(600)
    city.who(issuer.token(exp=1_767_232_800))  # the first request after ten minutes has the set renewed
    with pytest.raises(Unauthorized, match="none of its issuer's"):
        city.who(before)


def test_made_up_keys_do_not_have_the_issuer_asked_all_the_time() -> None:
    """One attempt in 30 s, however many tokens; known keys serve meanwhile."""
    issuer = Issuer()
    city = City(issuer, jwks="https://id.misono.example/jwks")
    city.who(issuer.token())
    for number in range(100):
        with pytest.raises(Unauthorized):
            city.who(issuer.token({"kid": f"made-up-{number}"}))
    assert len(issuer.asked) == 1
    city.clock.advance(30)
    for number in range(100):
        with pytest.raises(Unauthorized):
            city.who(issuer.token({"kid": f"made-up-{number}"}))
    assert len(issuer.asked) == 2


def test_an_issuer_that_is_away_is_believed_for_a_day() -> None:
    """Then nobody with its tokens is let in: what it took back meanwhile is not known."""
    issuer = Issuer()
    city = City(issuer)
    city.who(issuer.token())
    issuer.away = True
    city.clock.advance(86_399)
    city.who(issuer.token(now_s=city.clock.now() / 1e6))
    city.clock.advance(1)
    with pytest.raises(ServiceUnavailable):
        city.who(issuer.token(now_s=city.clock.now() / 1e6, sub="u-2"))


def test_a_clock_that_is_set_back_has_keys_fetched_again() -> None:
    """They are not kept until the clock is where it was."""
    issuer = Issuer()
    city = City(issuer, jwks="https://id.misono.example/jwks")
    city.clock.advance(86_000)
    city.who(issuer.token(now_s=city.clock.now() / 1e6))
    issuer.keys[:] = [made("ES256", "new")]
    city.clock.advance(-86_000)
    assert city.who(issuer.token()).name == "city:u-1"
    assert len(issuer.asked) == 2


def test_keys_that_cannot_be_had_are_a_503() -> None:
    """Not a 401: the token may be good."""
    issuer = Issuer()
    issuer.away = True
    with pytest.raises(ServiceUnavailable):
        City(issuer).who(issuer.token())


def test_nothing_is_fetched_on_the_event_loop() -> None:
    """There the request goes to a thread; once the keys are there it need not."""
    issuer = Issuer()
    city, token = City(issuer), issuer.token()
    before = INLINE.set(True)
    try:
        with pytest.raises(OverBudgetOnce):
            city.who(token)
        INLINE.set(False)
        city.who(token)
        INLINE.set(True)
        assert city.who(issuer.token(sub="u-2")).name == "city:u-2"
    finally:
        INLINE.reset(before)


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://id.misono.example/jwks"},
        {"issuer": "https://id.misono.example", "jwks_uri": "http://id.misono.example/jwks"},
        {"issuer": "https://id.misono.example", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "https://id.misono.example"},
        [],
    ],
)
def test_metadata_of_another_issuer_or_without_tls_are_not_used(told: Any) -> None:
    """RFC 8414, section 3.3."""
    issuer = Issuer()
    issuer.answer = json.dumps(told).encode()
    with pytest.raises(ServiceUnavailable):
        City(issuer).who(issuer.token())


@pytest.mark.parametrize(
    "came", [b"", b"{", b"[]", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"\xff" * 10, b" " * 300_000]
)
def test_what_is_no_key_set_changes_nothing(came: bytes) -> None:
    """The keys from before go on."""
    issuer = Issuer()
    city = City(issuer, jwks="https://id.misono.example/jwks")
    city.who(issuer.token())
    issuer.answer = came
    city.clock.advance(600)
    city.who(issuer.token(sub="u-2"))


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": ["RSA"]},
        {**public(made("ES256")), "use": "enc"},
        {**public(made("ES256")), "alg": "ES384"},
        {**public(made("ES256")), "alg": "HS256"},
        {**public(made("ES256")), "key_ops": ["sign"]},
        {**public(made("ES256")), "x": "AAAA"},
        {**made("ES256").as_dict(private=True)},
    ],
)
def test_keys_that_are_for_something_else_are_left_out(jwk: dict[str, Any]) -> None:
    """Symmetric, weak, secret, for encryption, of another curve, off the curve."""
    assert read_key(jwk) is None


def test_a_short_rsa_key_is_left_out() -> None:
    """2,048 bits at least."""
    short = {"kty": "RSA", "kid": "short", "e": "AQAB", "n": "v" * 171}  # 1,024 bits
    assert read_keys({"keys": [short, public(made("RS256"))]}).keys() == {"RS256"}


def test_a_key_set_has_an_end() -> None:
    """64 keys."""
    with pytest.raises(BadToken):
        read_keys({"keys": [public(made("ES256"))] * (KEYS_MAX + 1)})


def test_keys_without_ids_are_told_apart() -> None:
    """By their place: a token without one is checked with the one that fits."""
    bare = [{name: value for name, value in public(made(one)).items() if name != "kid"} for one in ("RS256", "ES256")]
    assert len(read_keys({"keys": bare})) == 2


def test_tokens_that_are_remembered_are_some_only() -> None:
    """The oldest ones are forgotten, and checked anew."""
    issuer = Issuer("Ed25519")
    city = City(issuer)
    first = issuer.token()
    city.who(first)
    tokens = city.identity._tokens  # what it holds is what is tried
    tokens._known.update({bytes([n // 256, n % 256]): tokens._known[next(iter(tokens._known))] for n in range(4095)})
    city.who(issuer.token(sub="u-2"))
    assert len(tokens._known) == 4096
    assert city.who(first).name == "city:u-1"


def test_a_token_without_a_key_id_is_checked_with_the_only_key_that_fits() -> None:
    """With two of them it is not guessed."""
    issuer = Issuer("RS256", "ES256")
    assert City(issuer).who(issuer.token({"kid": None})).name == "city:u-1"
    issuer.keys.append(made("ES256", "new"))
    with pytest.raises(Unauthorized):
        City(issuer).who(issuer.token({"kid": None}))
