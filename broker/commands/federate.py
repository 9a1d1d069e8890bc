"""Federate with another hub: `misono federate URL [--yes]`.

Reads who the other hub is and what it offers (/catalogue, else /types), shows what would be shared both ways, and
proposes registrations of it at this hub. Nothing is made without --yes.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from broker.commands._peers import NoAnswer, Peer
from broker.model.values import Json
from broker.settings import is_loopback
from federation.proposal import Side, Wish, open_to, propose, wanted
from linkeddata.reading import Offer

_NOT_BEGUN = 2
_MADE, _THERE = 201, 409
_TERMS = ("licence", "purpose", "recipient", "reuse", "agreement", "contact")


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("url", metavar="URL", help="the other hub")
    parser.add_argument(
        "--here", metavar="URL", default="http://127.0.0.1:1026", help="this hub, as it is reached here"
    )
    parser.add_argument("--here-for-others", metavar="URL", default="", help="this hub, as the other one reaches it")
    parser.add_argument("--tenant", metavar="NAME", default="", help="tenant here")
    parser.add_argument("--their-tenant", metavar="NAME", default="", help="tenant there")
    parser.add_argument("--types", metavar="NAME,…", default="", help="only these types: short names or IRIs")
    parser.add_argument("--together", action="store_true", help="one registration for all types, not one a type")
    parser.add_argument("--mode", choices=("inclusive", "auxiliary", "redirect"), default="inclusive")
    parser.add_argument("--operations", metavar="NAME,…", default="", help="what is forwarded (default federationOps)")
    parser.add_argument("--local-only", action="store_true", help="what the other hub holds itself, not its sources")
    for name in _TERMS:
        parser.add_argument(f"--{name}", metavar="TEXT", default="", help=f"{name} of the contract, kept and shown")
    parser.add_argument("--until", metavar="INSTANT", default="", help="end of it: 2027-03-31T00:00:00Z")
    parser.add_argument("--credentials", metavar="FILE", default="", help="JSON of how this hub proves itself there")
    parser.add_argument("--both", action="store_true", help="also register this hub there")
    parser.add_argument("--yes", action="store_true", help="make the registrations")


def run(arguments: Namespace) -> int:
    """Show, and with --yes make; 1 where a registration was refused, 2 where it could not begin."""
    try:
        wish = _wish(arguments)
        here = Peer(arguments.here, arguments.tenant)
        there = Peer(arguments.url, arguments.their_tenant, _proof(wish.credentials))
        ours, theirs = _sides(arguments, here, there)
        work = _plan(arguments, wish, (here, ours), (there, theirs))
        return _make(work) if arguments.yes else _only_shown(work)
    except (NoAnswer, OSError, ValueError) as refusal:
        print(f"misono federate: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _wish(arguments: Namespace) -> Wish:
    contract = {name: text for name in _TERMS if (text := getattr(arguments, name))}
    if arguments.until:
        contract["validUntil"] = arguments.until
    credentials: Json = None
    if arguments.credentials:
        credentials = json.loads(Path(arguments.credentials).read_text(encoding="utf-8"))
    operations = tuple(one for one in arguments.operations.split(",") if one)
    if arguments.mode == "auxiliary" and not operations:
        operations = ("retrieveOps",)
    return Wish(
        arguments.together, arguments.mode, operations, contract, credentials, arguments.local_only,
        arguments.until or None,
    )  # fmt: skip


def _proof(credentials: Json) -> dict[str, str]:
    """The header that reading the other hub's catalogue takes along; other kinds are the hub's own to use."""
    if not isinstance(credentials, dict) or credentials.get("kind") != "header":
        return {}
    return {str(credentials.get("name")): str(credentials.get("value"))}


def _sides(arguments: Namespace, here: Peer, there: Peer) -> tuple[Side, Side]:
    """Both hubs. Raises NoAnswer where they cannot be told apart."""
    own, other = here.offered(), there.offered()
    ours = Side(
        arguments.here_for_others or _root(own.endpoint) or here.url, here.alias(), arguments.tenant, own.offers
    )
    theirs = Side(there.url, there.alias(), arguments.their_tenant, other.offers)
    if there.url in (here.url, ours.url) and arguments.tenant == arguments.their_tenant:
        raise NoAnswer(f"{there.url} is this hub itself")
    if arguments.both and _is_local(ours.url) and not _is_local(theirs.url):
        raise NoAnswer(f"{theirs.name} cannot reach this hub at {ours.url}: --here-for-others URL, or its --public-url")
    if ours.alias is not None and ours.alias == theirs.alias:
        raise NoAnswer(f"both hubs call themselves {ours.alias}, so that no loop is found: start one with --alias NAME")
    print(
        f"There  {theirs.name} at {theirs.url}: {other.title}" + (f", by {other.publisher}" if other.publisher else "")
    )
    print(f"Here   {ours.name} at {ours.url}: {own.title}" + (f", by {own.publisher}" if own.publisher else ""))
    return ours, theirs


def _is_local(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def _root(endpoint: str | None) -> str | None:
    return None if endpoint is None else endpoint.rstrip("/").removesuffix("/ngsi-ld/v1")


Work = list[tuple[Peer, dict[str, Json]]]
"""Registrations, each with the hub to make it at."""


def _plan(arguments: Namespace, wish: Wish, here: tuple[Peer, Side], there: tuple[Peer, Side]) -> Work:
    (our_hub, ours), (their_hub, theirs) = here, there
    types = tuple(one for one in arguments.types.split(",") if one)
    chosen, unknown = wanted(theirs.offers, types)
    if unknown:
        raise NoAnswer(f"{theirs.name} offers nothing of type {', '.join(unknown)}")
    usable, closed = open_to(chosen, wish)
    _show(f"From {theirs.name}, {ours.name} would get", usable, closed)
    work: Work = [(our_hub, body) for body in propose(replace(theirs, offers=usable), wish)]
    given, held_back = open_to(ours.offers, wish)
    _show(
        f"From {ours.name}, {theirs.name} would get" + ("" if arguments.both else " if it registers it"),
        given,
        held_back,
    )
    if arguments.both:  # its proof towards us is for it to know, and to add
        back = replace(wish, credentials=None)
        work += [(their_hub, body) for body in propose(replace(ours, offers=given), back)]
    return work


def _show(title: str, offers: Sequence[Offer], closed: Sequence[Offer]) -> None:
    print(f"\n{title}:" + ("" if offers else " nothing"))
    for one in offers:
        count = "?" if one.entities is None else str(one.entities)
        terms = ", ".join(part for part in (one.access, one.licence or "no licence stated") if part)
        print(
            f"  {count:>9}  {one.title}  <{one.iri}>  {terms}"
            + (f", changed {one.modified_at}" if one.modified_at else "")
        )
    for one in closed:
        print(f"  left out   {one.title}  <{one.iri}>  {one.access}: needs --recipient and --purpose")


def _only_shown(work: Work) -> int:
    for hub, body in work:
        shown = {**body, "credentials": "***"} if "credentials" in body else body
        print(f"\nWould be made at {hub.url}:\n{json.dumps(shown, ensure_ascii=False, indent=2)}")
    print("\nNothing was made; --yes makes it." if work else "\nThere is nothing to make.")
    return 0


def _make(work: Work) -> int:
    refused = 0
    print()
    for hub, body in work:
        status, reason = hub.register(body)
        said = {_MADE: "made", _THERE: f"there already, or in conflict: {reason}"}.get(
            status, f"refused ({status}): {reason}"
        )
        print(f"{body['id']} at {hub.url}: {said}")
        refused += status != _MADE
    return 1 if refused else 0
