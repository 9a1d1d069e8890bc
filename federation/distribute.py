"""Giving sources their copies of subscriptions, and taking them back (clauses 5.8.1.4, 5.8.2.4, 5.8.5.4).

work(tenant):  subscriptions, registrations = copies that should be there
               those that are (relays)       = copies that are there        ─> create, update, delete at the sources

What is about to be asked is written down first. What fails is tried again, after longer and longer; a copy whose source
never answers is given up when nobody wants it any more and GIVE_UP attempts were made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final, Literal, Protocol, TypeAlias, cast
from urllib.parse import quote, unquote

from broker.errors import NgsiError
from broker.http.messages import Request
from broker.http.operation import STANDARD
from broker.http.relays import RELAY as PATH
from broker.http.relays import ROOT
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import core_context
from broker.model.registration import Registration
from broker.model.subscription import Subscription
from broker.model.values import Instant, Json
from broker.ports import Clock, ContextNames
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, HeldStore, Hold
from broker.ports.outbox import SUBSCRIPTION
from broker.ports.sources import RELAY
from broker.query.bind import bind
from broker.query.percent import decoded
from broker.query.q import parse_q
from broker.query.source_filters import fits_csf
from federation.copies import copy_of, digest, fragment, is_distributed
from federation.messages import Answered, Forward, Match
from federation.naming import WANTED
from federation.plan import serves
from federation.registry import Registry
from federation.relays import Copy, Relay
from federation.selecting import specifications
from federation.via import pseudonyms, via_header

log = logging.getLogger("misono.federation")

GIVE_UP: Final = 20  # attempts at the deletion of a copy
ROUNDS_MAX: Final = 5  # what one step makes necessary the next one does
PAUSE_MIN_S: Final = 0.05
PAUSE_S: Final = 1.0
PAUSE_MAX_S: Final = 300.0
_GONE, _TAKEN = 404, 409
_CONCLUSIVE: Final = range(400, 500)
_Act: TypeAlias = Literal["create", "update", "delete"]
_Key: TypeAlias = tuple[str, str, str]
"""Tenant, subscription, registration."""


class Sending(Protocol):
    """The remote world, for work that no request waits for."""

    def send(self, tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """As `Sources.ask`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What copies are given with; `alias` and `public_url` are how sources know this broker."""

    held: HeldStore
    names: ContextNames
    clock: Clock
    registry: Registry
    sources: Sending
    alias: str
    public_url: str
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Step:
    """One request: it makes the copy of `registration` in `relay` into `after`, or away for None."""

    act: _Act
    relay: str
    copy: Copy
    forward: Forward
    digest: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A subscription, and the registrations whose sources are to have a copy, by id."""

    subscription: Subscription
    matches: Mapping[str, Match]


class Distributor:
    """Distributes the subscriptions of tenants; `work` for one tenant is called from one thread at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._failures: dict[_Key, tuple[int, float, str]] = {}

    def work(self, tenant: str) -> float | None:
        """Do what is to be done; the seconds until something may be tried again, None for when something changes."""
        parts = self._parts
        kept = {one.id: Relay.from_body(one.id, one.body) for one in parts.held.all_held(tenant, RELAY)}
        if not kept and not parts.registry.active(tenant):
            return None
        held = {one.id: one for one in parts.held.all_held(tenant, SUBSCRIPTION)}
        wanted = {name: self._wanted(tenant, Subscription.from_body(one.body)) for name, one in held.items()}
        due = set[_Key]()
        for _ in range(ROUNDS_MAX):
            due.clear()
            planned, steps = self._plan(tenant, kept, wanted, due)
            self._keep(tenant, kept, planned)
            if not steps:
                kept = planned
                break
            answers = parts.sources.send(tenant, [one.forward for one in steps])
            after = dict(planned)
            for step, answered in zip(steps, answers, strict=True):
                after[step.relay] = self._done(tenant, after[step.relay], step, answered)
            self._keep(tenant, planned, after)
            kept = after
        return self._wait_s(tenant, due)

    def _plan(
        self, tenant: str, kept: Mapping[str, Relay], wanted: Mapping[str, _Wanted], due: set[_Key]
    ) -> tuple[dict[str, Relay], list[_Step]]:
        """The relays with the copies that are to be there, and what is to be asked of their sources now.

        `due` gets what would be asked, but has failed just before.
        """
        relays, steps = dict(kept), list[_Step]()
        for name in dict.fromkeys((*wanted, *kept)):
            relays[name], asked = self._planned(tenant, kept.get(name, Relay(name)), wanted.get(name))
            for step in asked:
                key = (tenant, name, step.copy.registration.id)
                _, until, what = self._failures.get(key, (0, 0.0, ""))
                if what == step.act + step.digest and until > monotonic():
                    due.add(key)
                else:
                    steps.append(replace(step, relay=name))
        return relays, steps

    def _planned(self, tenant: str, relay: Relay, wanted: _Wanted | None) -> tuple[Relay, list[_Step]]:
        copies, steps = dict[str, Copy](), list[_Step]()
        if wanted is not None:
            for name, match in wanted.matches.items():
                known = relay.copies.get(name)
                if known is not None and _moved(known.registration, match.registration):
                    continue  # it is deleted there first
                fresh = known or Copy(_copy_id(self._parts.new_id()), self._token(tenant), match.registration)
                copy = replace(fresh, registration=match.registration)
                step = self._giving(tenant, wanted.subscription, match, copy)
                if step is not None:
                    copies[name] = copy
                    steps += [step] if step.digest != copy.sent else []
        for name, copy in relay.copies.items():
            if name not in copies and serves(copy.registration, "deleteSubscription") is not None:
                copies[name] = copy
                steps.append(_deleting(copy))
        return Relay(relay.subscription, copies), steps

    def _wanted(self, tenant: str, subscription: Subscription) -> _Wanted:
        """The registrations whose sources are to have a copy."""
        found: dict[str, Match] = {}
        wanted = _Wanted(subscription, found)
        if not is_distributed(subscription) or subscription.status(self._parts.clock.now()) == "expired":
            return wanted
        via = pseudonyms(subscription.via) if subscription.via else frozenset()
        names = self._names(tenant, subscription.jsonld_context)
        csf = None if subscription.csf is None else bind(parse_q(decoded(subscription.csf)), names)
        for one in specifications(subscription):
            for match in self._parts.registry.matching(tenant, "createSubscription", one, via):
                registration = match.registration
                if registration.temporal or registration.mode == "auxiliary":
                    continue
                if csf is None or fits_csf(registration, csf):
                    known = found.get(registration.id)
                    parts = match.information if known is None else (*known.information, *match.information)
                    found[registration.id] = Match(registration, tuple(dict.fromkeys(parts)))
        return wanted

    def _giving(self, tenant: str, subscription: Subscription, match: Match, copy: Copy) -> _Step | None:
        """The step to the copy as its source is to have it; None where nothing of it is about what the source has."""
        names = self._names(tenant, match.registration.info_value(WANTED) or subscription.jsonld_context)
        relay = copy.id, f"{self._parts.public_url}{ROOT}{PATH}/{quote(copy.token, safe='')}"
        body = copy_of(subscription, match, relay, names, self._parts.clock.now())
        if body is None:
            return None
        return _to_give(copy, body, names, self._headers(tenant, subscription))

    def _names(self, tenant: str, url: str) -> ActiveContext:
        """The names of an @context; those of the core one where it cannot be had."""
        try:
            return self._parts.names.resolve(url, tenant) if url else core_context()
        except NgsiError as error:
            log.warning("the @context %s cannot be had: %s", url, error.detail)
            return core_context()

    def _headers(self, tenant: str, subscription: Subscription) -> tuple[tuple[str, str], ...]:
        request = Request("", "", "", {"via": subscription.via} if subscription.via else {})
        return (("Via", via_header(request, self._parts.alias, tenant)),)

    def _done(self, tenant: str, relay: Relay, step: _Step, answered: Answered) -> Relay:
        """The relay after a step."""
        copy, name = step.copy, step.copy.registration.id
        key, copies = (tenant, relay.subscription, name), dict(relay.copies)
        failures = self._failures.get(key, (0, 0.0, ""))
        times = failures[0] + 1 if failures[2] == step.act + step.digest else 1
        if step.act == "delete" and (answered.succeeded or answered.status == _GONE or times > GIVE_UP):
            copies.pop(name, None)
        elif step.act != "delete" and answered.succeeded:
            named = _named(answered) if step.act == "create" else None
            copies[name] = replace(copy, id=named or copy.id, sent=step.digest, members=_members(step))
        elif step.act == "create" and answered.status == _TAKEN:
            copies[name] = replace(copy, sent="?", members=_members(step))  # it was created, and nobody heard of it
        elif step.act == "update" and answered.status == _GONE:
            copies[name] = replace(copy, sent="", members=())
        else:
            conclusive = answered.status in _CONCLUSIVE or answered.trouble == "loop"
            pause = PAUSE_MAX_S if conclusive else min(PAUSE_S * 2.0 ** (times - 1), PAUSE_MAX_S)
            self._failures[key] = (times, monotonic() + pause, step.act + step.digest)
            log.info("the source %s did not %s its copy of %s: %s", name, step.act, relay.subscription, answered.detail)
            return relay
        self._failures.pop(key, None)
        return Relay(relay.subscription, copies)

    def _wait_s(self, tenant: str, due: Collection[_Key]) -> float | None:
        """Seconds until the first of these is tried again; of what is not due any more nothing is remembered."""
        for key in [key for key in self._failures if key[0] == tenant and key not in due]:
            del self._failures[key]
        return min((max(self._failures[key][1] - monotonic(), PAUSE_MIN_S) for key in due), default=None)

    def _keep(self, tenant: str, before: Mapping[str, Relay], after: Mapping[str, Relay]) -> None:
        """Write the relays that changed; those without copies go."""
        commands = []
        for name, relay in after.items():
            known = before.get(name)
            if relay.copies and relay != known:
                commands.append(HeldCommand(RELAY, name, _hold(relay.to_body())))
            elif not relay.copies and known is not None and known.copies:
                commands.append(HeldCommand(RELAY, name, lambda _current, _now: Drop()))
        if commands:
            self._parts.held.apply_held(tenant, commands).result()

    def _token(self, tenant: str) -> str:
        return f"{self._parts.new_id()}.{tenant}" if tenant else self._parts.new_id()


def _hold(body: Mapping[str, Json]) -> Callable[[Held | None, Instant], HeldDecision]:
    return lambda _current, _now: Hold(body)


def _copy_id(fresh: str) -> str:
    return f"urn:ngsi-ld:Subscription:{fresh}"


def _moved(known: Registration, now: Registration) -> bool:
    """Whether the source is another one from now on."""
    return (known.endpoint, known.tenant) != (now.endpoint, now.tenant)


def _to_give(copy: Copy, body: dict[str, Json], names: ActiveContext, headers: tuple[tuple[str, str], ...]) -> _Step:
    """The step to a copy of this body; a source that cannot be told of changes keeps what it has."""
    asked, source, registration = digest(body), names.source, copy.registration
    if not copy.sent:
        forward = Forward(
            registration, "createSubscription", "POST", "/subscriptions", (), cast("Json", body), source, headers
        )
        return _Step("create", "", copy, forward, asked)
    changes = cast("Json", fragment(body, copy.members))
    forward = Forward(registration, "updateSubscription", "PATCH", _path(copy), (), changes, source, headers)
    told = asked if serves(registration, "updateSubscription") is not None else copy.sent
    return _Step("update", "", copy, forward, told)


def _deleting(copy: Copy) -> _Step:
    return _Step("delete", "", copy, Forward(copy.registration, "deleteSubscription", "DELETE", _path(copy)))


def _path(copy: Copy) -> str:
    return "/subscriptions/" + quote(copy.id, safe="")


def _members(step: _Step) -> tuple[str, ...]:
    """What the source has now, but for what was removed."""
    body = cast("dict[str, Json]", step.forward.body)
    return tuple(name for name, value in body.items() if value is not None and name != "id")


def _named(answered: Answered) -> str | None:
    """The id in a Location: `/ngsi-ld/v1/subscriptions/urn%3Ax`."""
    location = answered.headers.get("location", "")
    _, found, name = location.rpartition(f"{STANDARD}/subscriptions/")
    return unquote(name) if found and name and len(name) < 2048 else None  # noqa: PLR2004  no id is longer
