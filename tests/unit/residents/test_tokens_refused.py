"""Tokens that are not believed: forged, of another, for another, of another time, or strange."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker.errors import Unauthorized
from tests.fakes.issuing import AUDIENCE, HANA, NOW_S, WELL, Issuer, made, public, signed
from tests.unit.residents.identities import WORDS, City

ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")
STRANGER = made("ES256", "stranger")


def refused(city: City, token: str, **headers: str) -> str:
    """Why a token is not believed; nothing of it is in what is told."""
    with pytest.raises(Unauthorized) as found:
        city.who(token, **headers)
    told = f"{found.value.detail} {found.value.challenge} {found.value.remedy}"
    assert not any(part and part in told for part in token.split("."))
    assert 'error="invalid_token"' in found.value.challenge
    return found.value.detail


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_of_the_list_is_believed(algorithm: str) -> None:
    """RS256, PS256, ES256, Ed25519."""
    issuer = Issuer(algorithm)
    assert City(issuer).who(issuer.token(sub="u-1")).name == "city:u-1"


def test_nobody_signs_with_nothing() -> None:
    """`alg: none`, in any spelling."""
    issuer = Issuer()
    for spelled in ("none", "None", "NONE", ""):
        token = signed({"alg": "none", "typ": "at+jwt"}, json.dumps(issuer.claims()).encode(), None)
        head = urlsafe_b64encode(json.dumps({"alg": spelled, "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
        for tail in ("", "AAAA"):
            refused(City(issuer), f"{head}.{token.split('.')[1]}.{tail}")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    """HS256 with the public key as its secret, as PEM, DER, raw JSON or bytes."""
    issuer, key = Issuer(algorithm), made(algorithm)
    forms = [
        key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(public(key)).encode(),
    ]
    for content in forms:
        token = signed({"alg": "HS256", "typ": "at+jwt", "kid": key.kid}, json.dumps(issuer.claims()).encode(), content)
        assert "signed in another way" in refused(City(issuer), token)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"jwk": public(STRANGER)}, "jwk"),
        ({"jku": "https://evil.example/keys"}, "jku"),
        ({"x5u": "https://evil.example/cert"}, "x5u"),
        ({"x5c": ["MIIB"]}, "x5c"),
        ({"crit": ["exp"]}, "crit"),
        ({"crit": []}, "crit"),
        ({"b64": False}, "b64"),
        ({"zip": "DEF"}, "zip"),
        ({"cty": "JWT"}, "cty"),
        ({"kid": STRANGER.kid}, "none of its issuer's"),
        ({"kid": "../../dev/null"}, "none of its issuer's"),
        ({"kid": "' OR 1=1 --"}, "none of its issuer's"),
        ({"kid": 7}, "no text"),
        ({"kid": ["ES256"]}, "no text"),
        ({"alg": "ES384"}, "signed in another way"),
        ({"alg": ["ES256"]}, "signed in another way"),
        ({"alg": {}}, "signed in another way"),
        ({"alg": None}, "signed in another way"),
    ],
)
def test_a_header_names_no_key_of_its_own(header: dict[str, Any], why: str) -> None:
    """A token that a stranger signed with a key of theirs; their server is never asked."""
    issuer = Issuer()
    told = {"alg": "ES256", "typ": "at+jwt", "kid": issuer.keys[0].kid, **header}
    base = signed({**told, "alg": "ES256"}, json.dumps(issuer.claims()).encode(), STRANGER)
    head = urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    assert why in refused(City(issuer), f"{head}.{base.partition('.')[2]}")
    assert not [url for url in issuer.asked if "evil" in url]


def test_an_honest_token_with_a_key_in_its_header_is_refused_too() -> None:
    """Who puts keys into headers means somebody to read them."""
    issuer = Issuer()
    assert "jwk" in refused(City(issuer), issuer.token({"jwk": public(STRANGER)}))


def test_a_key_is_for_its_own_algorithm() -> None:
    """An RSA key that is for RS256 checks no PS256; and none is for another kind of key."""
    issuer = Issuer("RS256")
    claims = json.dumps(issuer.claims()).encode()
    kid = issuer.keys[0].kid
    token = signed({"alg": "PS256", "typ": "at+jwt", "kid": kid}, claims, issuer.keys[0])
    assert City(issuer).who(token).roles == {"operator"}  # the key does not say what it is for
    assert "algorithm" in refused(City(issuer), signed({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, STRANGER))
    assert "does not sign so" in refused(City(issuer, algorithms=["RS256"]), token)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://other.example"}, "somebody else"),
        ({"aud": ["https://other.example", 7]}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"aud": {}}, "somebody else"),
        ({"iss": "https://evil.example"}, "believes its issuer"),
        ({"iss": "https://id.misono.example/"}, "believes its issuer"),
        ({"iss": None}, "no text"),
        ({"iss": ["https://id.misono.example"]}, "no text"),
        ({"exp": None}, "never ends"),
        ({"exp": NOW_S - 61}, "expired"),
        ({"exp": "2099-01-01"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": 10**400}, "no time"),
        ({"nbf": 1e300}, "no time"),
        ({"exp": NOW_S + 40 * 86_400}, "valid for more"),
        ({"exp": NOW_S + 86_500, "iat": None}, "valid for more"),
        ({"nbf": NOW_S + 61}, "not valid yet"),
        ({"iat": NOW_S + 61}, "not valid yet"),
        ({"nbf": -1}, "no time"),
        ({"sub": None}, "who"),
        ({"sub": ""}, "who"),
        ({"sub": "x" * 300}, "who"),
        ({"roles": None}, "roles"),
        ({"roles": ["system"]}, "no role"),
        ({"roles": ["admin"]}, "no role"),
        ({"roles": {"operator": True}}, "roles"),
        ({"roles": ["recipient"]}, "does not say which"),
        ({"roles": ["resident"]}, "no pseudonym"),
        ({"roles": ["resident"], "subject": "Misono Hana"}, "no pseudonym"),
        ({"tenants": [{"all": True}]}, "tenants"),
        ({"cnf": {"jkt": "x"}}, "cnf"),
        ({"cnf": {"x5t#S256": "x"}}, "cnf"),
        ({"authorization_details": {"type": "misono-purpose"}}, "no list"),
        ({"authorization_details": [{"type": "misono-purpose", "purposes": ["Anything"]}]}, "nobody knows"),
        ({"scope": "purpose:Anything"}, "nobody knows"),
    ],
)
def test_claims_that_are_not_for_this_hub_or_now(claims: dict[str, Any], why: str) -> None:
    """Each of them signed by the issuer itself."""
    issuer = Issuer()
    assert why in refused(City(issuer), issuer.token(**claims))


def test_clocks_may_differ_a_little() -> None:
    """By a minute, both ways, and no more."""
    issuer, city = Issuer(), City(Issuer())
    for name, at in (("exp", -59), ("nbf", 59), ("iat", 59)):
        told: dict[str, Any] = {name: NOW_S + at}
        assert city.who(issuer.token(**told)).roles == {"operator"}
    assert "expired" in refused(City(issuer, skew_s=0), issuer.token(exp=NOW_S))


@pytest.mark.parametrize("kind", ["JWT", "consent-receipt+jwt", "application/jwt", None, ""])
def test_a_token_is_of_the_kind_that_is_for_access(kind: object) -> None:
    """Neither an ID token nor something else that the same key signed."""
    issuer = Issuer()
    assert "typ" in refused(City(issuer), issuer.token({"typ": kind}))


def test_the_kind_may_be_spelled_in_full() -> None:
    """RFC 9068; and an issuer of old may say JWT where the file says so."""
    issuer = Issuer()
    assert City(issuer).who(issuer.token({"typ": "application/at+JWT"})).roles
    assert City(issuer, types=["JWT"]).who(issuer.token({"typ": "JWT"})).roles


@pytest.mark.parametrize("where", ["header", "claims"])
def test_nothing_is_said_twice(where: str) -> None:
    """`{"aud": "ours", "aud": "theirs"}`: two readers would read two things."""
    issuer = Issuer()
    claims, header = json.dumps(issuer.claims()), '{"alg": "ES256", "typ": "at+jwt", "kid": "ES256"}'
    if where == "claims":
        claims = claims[:-1] + ', "roles": ["device"]}'
    else:
        header = header[:-1] + ', "alg": "none"}'
    encoded = [urlsafe_b64encode(text.encode()).rstrip(b"=").decode() for text in (header, claims)]
    signature = signed({"alg": "ES256"}, b"", issuer.keys[0]).rpartition(".")[2]
    assert f"{where} cannot be read" in refused(City(issuer), ".".join([*encoded, signature]))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "e30.e30.",
        "e30.e30.AA",
        "W10.e30.AA",
        "e30=.e30.AA",
        "é.e30.AA",
        "\x00.\x00.\x00",
        " ",
    ],
)
def test_what_is_no_token(token: str) -> None:
    """Every piece of nonsense is the same 401."""
    with pytest.raises(Unauthorized):
        City(Issuer()).who(token)


def test_a_token_is_of_some_length_only() -> None:
    """8,192 characters; one that nests deeply is refused too."""
    issuer = Issuer()
    assert "characters" in refused(City(issuer), issuer.token(padding="x" * 9000))
    deep = json.dumps(issuer.claims())[:-1] + ', "x": ' + "[" * 2000 + "]" * 2000 + "}"
    assert "cannot be read" in refused(
        City(issuer), signed({"alg": "ES256", "typ": "at+jwt", "kid": "ES256"}, deep.encode(), issuer.keys[0])
    )


def test_a_changed_claim_breaks_the_signature() -> None:
    """The claims of an operator under the signature of a device."""
    issuer = Issuer()
    mine, theirs = issuer.token(roles=["device"]).split("."), issuer.token(roles=["operator"]).split(".")
    assert "signature" in refused(City(issuer), f"{mine[0]}.{theirs[1]}.{mine[2]}")


@pytest.mark.parametrize("given", ["Basic dXNlcjpwdw==", "Bearer", "bearer ", "Token x", "DPoP x"])
def test_another_scheme_is_refused(given: str) -> None:
    """Not taken for nobody: who says who they are is believed or refused."""
    with pytest.raises(Unauthorized):
        City(Issuer()).who(authorization=given)


def test_what_an_issuer_may_not_give_is_not_given() -> None:
    """An issuer of residents makes no operator, speaks for no other organisation, and opens no other tenant."""
    issuer = Issuer()
    residents = City(issuer, roles=["resident"])
    assert "no role" in refused(residents, issuer.token(roles=["operator"]))
    assert residents.who(issuer.token(roles=["operator", "resident"], subject=HANA)).roles == {"resident"}
    bounded = City(issuer, recipients=[WELL])
    assert bounded.who(issuer.token(roles=["recipient"], recipient=WELL)).recipient == WELL
    assert "speak for" in refused(bounded, issuer.token(roles=["recipient"], recipient=WELL + "x"))
    assert City(issuer, tenants=["a", "b"]).who(issuer.token(tenants=["b", "c"])).tenants == frozenset({"b"})
    assert City(issuer, tenants=["a"]).who(issuer.token(tenants=["*"])).tenants == frozenset({"a"})
    assert City(issuer, tenants=["a"]).who(issuer.token(tenants=[])).tenants == frozenset()


def test_the_subject_of_a_table_wins_over_the_claim() -> None:
    """Who the person is to this hub is not the issuer's to say where the hub has a table of its own."""
    issuer = Issuer()
    city = City(issuer, subjects={"u-1": HANA})
    found = city.who(issuer.token(roles=["resident"], subject="urn:misono:subject:ken"))
    assert (found.subject, found.name) == (HANA, HANA)
    assert "no pseudonym" in refused(city, issuer.token(roles=["resident"], sub="u-2", subject=HANA))


def test_purposes_are_stated_in_the_token() -> None:
    """By authorization details (RFC 9396), by scope; words of the vocabulary, of DPV, or IRIs."""
    issuer, city = Issuer(), City(Issuer())
    details = [
        {"type": "misono-purpose", "purposes": ["WatchOver", "dpv:Marketing"]},
        {"type": "payment", "purposes": ["x"]},
    ]
    found = city.who(issuer.token(authorization_details=details, scope="openid purpose:urn:x:own"))
    assert found.purposes == {WORDS["WatchOver"], "https://w3id.org/dpv#Marketing", "urn:x:own"}
    assert city.who(issuer.token()).purposes == frozenset()


def test_a_purpose_is_stated_for_this_hub() -> None:
    """`locations` of a detail name whom it is for; what narrows it otherwise is not passed over."""
    issuer, city = Issuer(), City(Issuer())
    here = {"type": "misono-purpose", "purposes": ["WatchOver"], "locations": [AUDIENCE]}
    there = {"type": "misono-purpose", "purposes": ["Marketing"], "locations": ["https://other.example"]}
    assert city.who(issuer.token(authorization_details=[here, there])).purposes == {WORDS["WatchOver"]}
    assert "other members" in refused(city, issuer.token(authorization_details=[{**here, "datatypes": ["steps"]}]))


def test_an_unsigned_header_gives_no_purpose() -> None:
    """It can only take away; for another recipient nothing is left."""
    issuer, city = Issuer(), City(Issuer())
    none = issuer.token(roles=["recipient"], recipient=WELL)
    assert city.who(none, misono_purpose="WatchOver").purposes == frozenset()
    both = issuer.token(roles=["recipient"], recipient=WELL, scope="purpose:WatchOver purpose:Marketing")
    assert city.who(both, misono_purpose="WatchOver").purposes == {WORDS["WatchOver"]}
    assert city.who(both, misono_purpose="watching%20over, Marketing").purposes == {WORDS["Marketing"]}
    assert city.who(both, misono_recipient=WELL).purposes == {WORDS["WatchOver"], WORDS["Marketing"]}
    assert city.who(both, misono_recipient="urn:x:other").purposes == frozenset()
    assert city.who(misono_purpose="WatchOver").purposes == frozenset()


def test_who_says_nothing_is_nobody() -> None:
    """No role, no purpose, no tenant of their own."""
    found = City(Issuer()).who()
    assert (found.name, found.roles) == ("anonymous", frozenset())
