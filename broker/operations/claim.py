"""Adapters claim the attributes that command their devices, so that every broker of a store asks and seals.

    claim_commands(broker, call, "chargers", body)      from then on a change of them is asked for and sealed
    disclaim_commands(broker, call, "chargers")         and from then on no more

What is claimed is a document of the tenant. Nothing that was written before is a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from hmac import compare_digest
from typing import Final, TypeAlias, cast

from broker.errors import Conflict, NgsiError, PayloadTooLarge
from broker.model.claims import (
    ADAPTERS_MAX,
    CHARS_MAX,
    ENTITIES_MAX,
    Claim,
    clash,
    kept_claim,
    read_claim,
    read_name,
)
from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold, Leave

KIND: Final = "command_claims"
DOCUMENT: Final = "claims"
"""The one document of the kind: adapter -> claim, `by` and `since`."""
_Claims: TypeAlias = Mapping[str, Json]


def claim_commands(broker: Broker, call: Call, adapter: str, body: Json, *, inside: bool = False) -> Future[bool]:
    """Keep the claim in the place of this adapter's last one, durable when it is done; whether it is another one.

    `inside` says that it is made by adapters in the broker's own data directory, of which there is one process: they
    take over what they claimed with a key that they have lost. Raises BadRequestData; the future fails with Conflict
    where another adapter claims one of the attributes, or another process claims under this name.
    """
    name, claim = read_name(adapter), read_claim(body)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        known: _Claims = {} if current is None else current.body
        mine = cast("dict[str, Json] | None", known.get(name))
        if mine is not None:
            _require_same(name, mine, claim, inside=inside)
            if mine["claim"] == claim.body():
                return Leave(result=False)
        _require_apart(name, claim, known)
        since = to_text(now) if mine is None else mine["since"]
        made: dict[str, Json] = {
            "claim": claim.body(), "by": call.principal.name, "since": since, "inside": inside,
        }  # fmt: skip
        return Hold({**known, name: made}, result=True)

    return _applied(broker, call, HeldCommand(KIND, DOCUMENT, decide, creates=True))


def disclaim_commands(broker: Broker, call: Call, adapter: str) -> Future[bool]:
    """Forget an adapter's claim; whether there was one."""
    name = read_name(adapter)

    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        if current is None or name not in current.body:
            return Leave(result=False)
        rest = {one: said for one, said in current.body.items() if one != name}
        return Hold(rest, result=True) if rest else Drop(result=True)

    return _applied(broker, call, HeldCommand(KIND, DOCUMENT, decide))


def forget_claimed(broker: Broker, tenant: str, entity_id: str) -> int:
    """Erase an entity from what is claimed; how many claims named it. Who still commands it claims it anew."""
    gone = 0

    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        nonlocal gone
        if current is None:
            return Leave()
        said = {name: cast("dict[str, Json]", one) for name, one in current.body.items()}
        rest, gone = _without(said, entity_id)
        if not gone:
            return Leave()
        return Hold(rest) if rest else Drop()

    if broker.tenants.exists(tenant):
        broker.held.apply_held(tenant, [HeldCommand(KIND, DOCUMENT, decide)]).result()
    return gone


def _without(claims: Mapping[str, dict[str, Json]], entity_id: str) -> tuple[dict[str, Json], int]:
    rest: dict[str, Json] = {}
    gone = 0
    for name, said in claims.items():
        claim = kept_claim(cast("dict[str, Json]", said["claim"]))
        left = claim.without(entity_id)
        gone += left != claim
        if left.rows:
            rest[name] = {**said, "claim": left.body()}
    return rest, gone


def list_claims(broker: Broker, call: Call) -> list[Json]:
    """Who claims what: attributes by type and how many entities, never the key or whose entities."""
    if not broker.tenants.exists(call.tenant):
        return []
    held = broker.held.find_held(call.tenant, KIND, DOCUMENT)
    found = {} if held is None else held.body
    return [_shown(name, cast("dict[str, Json]", found[name])) for name in sorted(found)]


def _shown(name: str, said: Mapping[str, Json]) -> Json:
    claim = kept_claim(cast("dict[str, Json]", said["claim"]))
    commands: dict[str, set[str]] = {}
    for row in claim.rows:
        for type_, attributes in row.commands.items():
            commands.setdefault(type_, set()).update(attributes)
    shown: dict[str, Json] = {type_: [*sorted(each)] for type_, each in sorted(commands.items())}
    told: dict[str, Json] = {"adapter": name, "commands": shown, "entities": claim.size[0]}
    return {**told, "fingerprint": claim.fingerprint, "by": said["by"], "since": said["since"]}


def _require_same(name: str, mine: Mapping[str, Json], claim: Claim, *, inside: bool) -> None:
    """Raises Conflict where another process claims under this name."""
    before = kept_claim(cast("dict[str, Json]", mine["claim"]))
    if not compare_digest(before.key, claim.key) and not (inside and mine["inside"]):
        raise Conflict(
            f"another process claims commands as {name}, with the key {before.fingerprint}",
            pointer="/key",
            clause="5.5.2",
            remedy=f"End that process, then DELETE /admin/command-claims/{name}; or give this adapter another name.",
        )


def _require_apart(name: str, claim: Claim, known: _Claims) -> None:
    """Raises Conflict where another adapter has one of the attributes, PayloadTooLarge where all are too many."""
    entities, chars = claim.size
    for other, said in known.items():
        if other == name:
            continue
        theirs = kept_claim(cast("dict[str, Json]", cast("dict[str, Json]", said)["claim"]))
        both = clash(claim, theirs)
        if both is not None:
            raise Conflict(
                f"{other} claims {both[1]} of {both[0]} already",
                pointer="/rows",
                clause="5.5.2",
                remedy=f"Let one adapter command it; DELETE /admin/command-claims/{other} where that one is gone.",
            )
        entities, chars = entities + theirs.size[0], chars + theirs.size[1]
    if entities > ENTITIES_MAX or chars > CHARS_MAX or len({*known, name}) > ADAPTERS_MAX:
        raise PayloadTooLarge(
            f"{entities} entities of {len({*known, name})} adapters would be claimed",
            pointer="/rows",
            remedy=f"A tenant takes {ENTITIES_MAX} entities, {CHARS_MAX} characters and {ADAPTERS_MAX} adapters.",
        )


def _applied(broker: Broker, call: Call, command: HeldCommand) -> Future[bool]:
    return then(broker.held.apply_held(call.tenant, [command]), _first)


def _first(results: list[object]) -> bool:
    (found,) = results
    if isinstance(found, NgsiError):
        raise found
    return found is True
