"""Who may be whom, as the file of --access says: whose tokens are believed, keys of devices and organisations, tenants.

[issuers.city]
issuer = "https://id.misono.example"
audience = "https://hub.misono.example"
roles = ["resident", "recipient"]             # what it may make somebody at most
tenants = ["misono"]

[issuers.city.claims]
roles = "realm_access.roles"

[keys.meter-7]
digest = "sha256:9f86…"                       # made by `misono token --key meter-7`
tenants = ["misono"]

[tenants.misono]
personal = true
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.access.section import BadSection, Section
from broker.model.values import Instant, Json, to_instant
from broker.ports import ROLES

_NAMES: Final = (
    "issuers keys tenants audit consent store bank pricing ledger safe energy watch lockers childcare currency"
)
SECTIONS: Final = frozenset(_NAMES.split())
"""What the file may hold; each is read by whom it concerns."""
SUBJECT_PREFIX: Final = "urn:misono:subject:"
ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "Ed25519"})
"""How tokens may be signed. None of them is symmetric: a public key is never a secret."""
KEY_ROLES: Final = frozenset({"device", "operator", "recipient"})
"""What a key of the file can make somebody; persons come with tokens."""
ALL: Final = "*"
LOCAL: Final = "local"
SKEW_S: Final = 60
SKEW_S_MAX: Final = 600
LIFETIME_S: Final = 86_400
LIFETIME_S_MAX: Final = 30 * 86_400
_DIGEST: Final = "sha256:"
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Limits:
    """What somebody can be at most; None: anything."""

    roles: frozenset[str]
    tenants: frozenset[str] | None
    recipients: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """Where an issuer's tokens say it: paths of members, `realm_access.roles`."""

    roles: tuple[str, ...] = ("roles",)
    tenants: tuple[str, ...] = ("tenants",)
    recipient: tuple[str, ...] = ("recipient",)
    subject: tuple[str, ...] = ("subject",)


@dataclass(frozen=True, slots=True)
class Issuer:
    """One whose tokens are believed: `url` is its `iss`, `keys` where its keys are (empty: its metadata say it).

    `may` is what its tokens can give at most, `roles` translates its words for them, `subjects` links its persons
    (`sub`) to pseudonyms. The local one signs with the keys of this hub's own directory.
    """

    name: str
    url: str
    audiences: frozenset[str]
    may: Limits
    keys: str = ""
    algorithms: frozenset[str] = ALGORITHMS
    types: frozenset[str] = frozenset({"at+jwt"})
    skew_s: int = SKEW_S
    lifetime_s: int = LIFETIME_S
    claims: Claims = Claims()
    roles: Mapping[str, str] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    beyond_loopback: bool = False

    @property
    def local(self) -> bool:
        """Whether it is this hub's own, for development."""
        return self.name == LOCAL


@dataclass(frozen=True, slots=True)
class Key:
    """What somebody has who comes without a token; one of `digest`, `certificate` (hex, SHA-256) and `jwk` is there."""

    name: str
    roles: frozenset[str]
    tenants: frozenset[str] | None
    digest: str = ""
    certificate: str = ""
    jwk: Mapping[str, Json] = field(default_factory=dict)
    recipient: str = ""
    subject: str = ""
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """The sections of the file that say who is who."""

    issuers: Mapping[str, Issuer]
    keys: Mapping[str, Key]
    personal: frozenset[str] = frozenset()
    """Tenants in which every type has to be known."""
    public: frozenset[str] = frozenset()
    """Tenants in which one need not say who one is, to read what concerns nobody."""


def read_configured(city: Mapping[str, Json]) -> Configured:
    """What the file says. Raises BadSection."""
    unknown = sorted(city.keys() - SECTIONS)
    if unknown:
        raise BadSection(f"[{unknown[0]}] is no section; there are {', '.join(sorted(SECTIONS))}")
    issuers = {name: _issuer(name, one) for name, one in Section(city.get("issuers", {}), "issuers").below()}
    urls = [one.url for one in issuers.values()]
    if len({*urls}) < len(urls):
        raise BadSection("[issuers] two of them have the same issuer")
    personal, public = set[str](), set[str]()
    for name, one in Section(city.get("tenants", {}), "tenants").below():
        if one.flag("personal"):
            personal.add(name)
        if one.flag("public"):
            public.add(name)
        one.end()
    keys = {name: _key(name, one) for name, one in Section(city.get("keys", {}), "keys").below()}
    return Configured(issuers, keys, frozenset(personal), frozenset(public))


def _issuer(name: str, section: Section) -> Issuer:
    local = name == LOCAL
    claims, read = Section(section.table("claims"), f"{section.name}.claims"), Claims()
    found = Issuer(
        name=name,
        url=section.text("issuer", "urn:misono:issuer:local" if local else None),
        audiences=frozenset(section.texts("audience", ("misono",) if local else None)),
        may=_limits(section, ROLES if local else None),
        keys=section.text("jwks", ""),
        algorithms=_among(section, "algorithms", ALGORITHMS),
        types=frozenset(one.lower() for one in section.texts("types", ("at+jwt",))),
        skew_s=section.number("skew_s", SKEW_S, SKEW_S_MAX),
        lifetime_s=section.number("lifetime_s", LIFETIME_S, LIFETIME_S_MAX),
        claims=Claims(
            _path(claims, "roles", read.roles),
            _path(claims, "tenants", read.tenants),
            _path(claims, "recipient", read.recipient),
            _path(claims, "subject", read.subject),
        ),
        roles=_translated(section),
        subjects=section.named("subjects"),
        allow_private=section.flag("allow_private"),
        beyond_loopback=section.flag("beyond_loopback"),
    )
    _check_issuer(section, found)
    claims.end()
    section.end()
    return found


def _check_issuer(section: Section, issuer: Issuer) -> None:
    if not issuer.audiences or "" in issuer.audiences:
        raise section.wrong("audience", "how its tokens name this hub")
    if bad := sorted(one for one in issuer.subjects.values() if not one.startswith(SUBJECT_PREFIX)):
        raise section.wrong("subjects", f"{SUBJECT_PREFIX}… for each person, not {bad[0][:60]!r}")
    for member, url in (("issuer", issuer.url), ("jwks", issuer.keys)):
        if not issuer.local and url and not _may_be_asked(url, issuer):
            raise section.wrong(member, "https://…; http:// only with allow_private = true")


def _may_be_asked(url: str, issuer: Issuer) -> bool:
    return url.startswith("https://") or (issuer.allow_private and url.startswith("http://"))


def _limits(section: Section, roles: frozenset[str] | None) -> Limits:
    tenants = section.texts("tenants", ("",) if roles is None else (ALL,))
    recipients = section.texts("recipients", (ALL,))
    return Limits(
        _among(section, "roles", ROLES, roles),
        None if ALL in tenants else frozenset(tenants),
        None if ALL in recipients else frozenset(recipients),
    )


def _among(section: Section, name: str, known: frozenset[str], default: frozenset[str] | None = None) -> frozenset[str]:
    fallback = known if name == "algorithms" else default
    found = frozenset(section.texts(name, None if fallback is None else tuple(fallback)))
    if not found or not found <= known:
        raise section.wrong(name, f"some of {', '.join(sorted(known))}")
    return found


def _path(section: Section, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """`realm_access.roles` as its members; a name with dots, as URLs have, is one list: `["https://x.example/roles"]`."""
    given = section.texts(name, default)
    return tuple(given[0].split(".")) if len(given) == 1 and "://" not in given[0] else given


def _translated(section: Section) -> Mapping[str, str]:
    found = section.named("role_names")
    if bad := sorted({*found.values()} - ROLES):
        raise section.wrong("role_names", f"one of {', '.join(sorted(ROLES))} for each, not {bad[0][:60]!r}")
    return found


def _key(name: str, section: Section) -> Key:
    tenants, until = section.texts("tenants", ("",)), section.text("until", "")
    key = Key(
        name=name,
        roles=_among(section, "roles", KEY_ROLES, frozenset({"device"})),
        tenants=None if ALL in tenants else frozenset(tenants),
        digest=_hex(section, "digest"),
        certificate=_hex(section, "certificate"),
        jwk=section.table("jwk"),
        recipient=section.text("recipient", ""),
        subject=section.text("subject", ""),
        until=to_instant(until) if until else None,
    )
    if until and key.until is None:
        raise section.wrong("until", "a time such as 2027-03-31T15:00:00Z")
    if bool(key.digest) + bool(key.certificate) + bool(key.jwk) != 1:
        raise section.wrong("digest", "one of digest, certificate and jwk")
    if key.jwk.keys() & {"d", "p", "q", "k"}:
        raise section.wrong("jwk", "a public key: this one holds its secret")
    if ("recipient" in key.roles) != bool(key.recipient):
        raise section.wrong("recipient", "a URI for the role recipient, and for it alone")
    if key.subject and not key.subject.startswith(SUBJECT_PREFIX):
        raise section.wrong("subject", f"{SUBJECT_PREFIX}…")
    section.end()
    return key


def _hex(section: Section, name: str) -> str:
    text = section.text(name, "")
    if text and not (text.startswith(_DIGEST) and len(text) == len(_DIGEST) + 64 and _HEX.issuperset(text[7:])):
        raise section.wrong(name, f"{_DIGEST} and 64 digits of 0-9 and a-f")
    return text.removeprefix(_DIGEST)
