"""Commands that somebody gives and looks at by the door or on the command line, not by writing an attribute.

    desk.give(Request(ANYONE, "", {"entity": "urn:…:c1", "attribute": "chargingLimit", "value": 3000}))  -> Commanded

Giving one writes the attribute, in the name of who gives it: rights, models and limits are the same by every way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.commands.commanding import Commanding
from adapters.commands.rules import TTL_MAX_S, Rule
from adapters.commands.seals import COMMAND_ID, COMMAND_TTL, ID_MAX
from adapters.commands.states import Commanded
from adapters.commands.targets import Target
from adapters.device import Device
from broker.errors import BadRequestData, Conflict, NgsiError, ResourceNotFound, ServiceUnavailable
from broker.model.entity import as_list
from broker.model.names import is_uri
from broker.model.values import Instant, Json, to_text
from broker.ports import Principal
from broker.ports.hub import Hub, HubAway

WAIT_S: Final = 2.0
"""So long who gives a command waits to be told more than that it is pending."""
_STEP_S: Final = 0.01
_SECOND: Final = 1_000_000
_KNOWN: Final = frozenset({"entity", "adapter", "device", "part", "attribute", "value", "unitCode", "ttl_s", "id"})


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks in which tenant, and what the body says."""

    principal: Principal
    tenant: str
    body: Json = None


@dataclass(frozen=True, slots=True)
class Page:
    """Commands, and the number of the last one that was looked at where there may be more."""

    commands: list[Commanded]
    last: int | None


@dataclass(frozen=True, slots=True)
class _Order:
    """What a body comes to."""

    target: Target
    entity: str
    rule: Rule
    instance: dict[str, Json]
    id: str
    ttl_s: float


class Desk:
    """Where commands are given. `acting` is the hub for somebody; with a hub elsewhere it is the same for everybody."""

    def __init__(
        self,
        commanding: Commanding,
        acting: Callable[[Principal], Hub],
        new_id: Callable[[], str],
        wait_s: float = WAIT_S,
    ) -> None:
        self._commanding, self._acting, self._new_id, self._wait_s = commanding, acting, new_id, wait_s

    def give(self, asking: Asking) -> Commanded:
        """The command, as far as it got in a moment.

        Raises BadRequestData, ResourceNotFound, Conflict for an id that is another command's, Forbidden and what else
        the hub refuses the write with, ServiceUnavailable where it is away.
        """
        try:
            order = self._read(asking)
            known = self._commanding.book.find(order.id)
            if known is not None:
                return _same(known, order, asking.tenant)
            return self._given(asking, order)
        except HubAway as away:
            raise ServiceUnavailable(f"nothing was sent: {away}") from away

    def find(self, asking: Asking, command_id: str) -> Commanded:
        """One command. Raises ResourceNotFound."""
        found = self._commanding.book.find(command_id)
        if found is None or not self._sees(asking, found):
            raise ResourceNotFound("there is no such command", pointer="command", remedy="GET /admin/commands")
        return found

    def listed(self, asking: Asking, filters: Mapping[str, str], after: int, limit: int) -> Page:
        """Commands of the tenant after a number, those whose entity the principal sees."""
        found = self._commanding.book.listed({**filters, "tenant": asking.tenant}, after, limit)
        last = found[-1].number if len(found) == limit else None
        return Page([one for one in found if self._sees(asking, one)], last)

    def audit(self, asking: Asking, after: int, limit: int) -> list[dict[str, Json]]:
        """Rows of the audit after a number; of other tenants only that they are there, so that the chain shows."""
        return [
            {"number": row.number, "at": to_text(row.at), "hash": row.hash.hex(), **self._told(asking, row.told)}
            for row in self._commanding.book.audit.rows(after, limit)
        ]

    def _told(self, asking: Asking, told: Mapping[str, Json] | None) -> Mapping[str, Json]:
        if told is None:
            return {"erased": True}
        return told if told.get("tenant") == asking.tenant else {"ofAnotherTenant": True}

    def _sees(self, asking: Asking, command: Commanded) -> bool:
        if command.tenant != asking.tenant:
            return False
        try:
            return self._acting(asking.principal).entity(command.tenant, command.entity) is not None
        except NgsiError:
            return False

    def _given(self, asking: Asking, order: _Order) -> Commanded:
        commanding = self._commanding
        hub, now = self._acting(asking.principal), commanding.parts.clock.now()
        if not commanding.commands_by_writing(asking.tenant, order.target.device.adapter):
            commanding.book.add(_direct(asking, order, now))
        else:
            entity = hub.entity(asking.tenant, order.entity)
            if entity is None:
                raise ResourceNotFound("there is no such entity", pointer="/entity", remedy="what the device writes")
            fragment: dict[str, Json] = {
                "id": order.entity,
                "type": entity["type"],
                order.rule.command.attribute: {
                    **order.instance,
                    COMMAND_ID: {"type": "Property", "value": order.id},
                    COMMAND_TTL: {"type": "Property", "value": order.ttl_s},
                },
            }
            for refusal in hub.upsert(asking.tenant, [fragment]):
                if refusal is not None:
                    raise refusal
        commanding.wake.now()
        return self._awaited(order.id)

    def _awaited(self, command_id: str) -> Commanded:
        end = time.monotonic() + self._wait_s
        while True:
            found = self._commanding.book.find(command_id)
            if found is not None and found.status != "PENDING":
                return found
            if time.monotonic() > end:
                break
            time.sleep(_STEP_S)
        if found is None:
            raise ServiceUnavailable("the command is written, and waits to be taken up", remedy="GET /admin/commands")
        return found

    def _read(self, asking: Asking) -> _Order:
        body = asking.body
        if not isinstance(body, dict) or (unknown := sorted(set(body) - _KNOWN)):
            what = f"{unknown[0]!r} is no member" if isinstance(body, dict) else "the body is no object"
            raise _bad(what, "", f"there are {', '.join(sorted(_KNOWN))}")
        if "value" not in body:
            raise _bad("no value is there", "/value", '"value": 3000')
        target, entity_id, rule = self._target(asking, body)
        command_id = _id(body) or f"urn:ngsi-ld:Command:{self._new_id()}"
        kind = self._commanding.parts.models.kind(target.type_of(rule), rule.command.attribute)
        return _Order(target, entity_id, rule, _instance(body, rule, kind), command_id, _ttl(body, rule))

    def _target(self, asking: Asking, body: Mapping[str, Json]) -> tuple[Target, str, Rule]:
        """Whom, by which entity, and by which rule. Raises BadRequestData, ResourceNotFound."""
        targets, attribute = self._commanding.parts.targets, body.get("attribute")
        if not isinstance(attribute, str):
            raise _bad("no attribute is there", "/attribute", '"attribute": "chargingLimit"')
        entity_id = body.get("entity")
        if isinstance(entity_id, str):
            target = targets.of(asking.tenant, entity_id)
        else:
            device = self._device(asking.tenant, body)
            target = targets.of_device(device)
        if target is None:
            raise ResourceNotFound("no device can be commanded there", pointer="/entity", remedy="GET /admin/devices")
        rules = [one for row in target.rules.values() for one in row if attribute in _names(one)]
        if not rules:
            known = sorted({one.command.term for row in target.rules.values() for one in row})
            raise _bad(f"{attribute[:100]!r} commands nothing here", "/attribute", f"there are {', '.join(known)}")
        if isinstance(entity_id, str):
            return target, entity_id, self._rule(asking, target, entity_id, rules)
        return target, _entity_of(target, rules[0], body), rules[0]

    def _rule(self, asking: Asking, target: Target, entity_id: str, rules: list[Rule]) -> Rule:
        """Of rules for several types, that of this entity's."""
        if len(rules) == 1:
            return rules[0]
        entity = self._acting(asking.principal).entity(asking.tenant, entity_id)
        types = [] if entity is None else as_list(entity["type"])
        found = (target.rule(one.command.attribute, types) for one in rules)
        return next((one for one in found if one is not None), rules[0])

    def _device(self, tenant: str, body: Mapping[str, Json]) -> Device:
        adapter, name = body.get("adapter"), body.get("device")
        if not isinstance(adapter, str) or not isinstance(name, str):
            raise _bad("neither an entity nor a device is named", "/entity", '"entity", or "adapter" and "device"')
        found = self._commanding.parts.targets.named(adapter, name, tenant)
        if found is None:
            raise ResourceNotFound("there is no such device", pointer="/device", remedy="GET /admin/devices")
        return found


def _names(rule: Rule) -> tuple[str, str, str]:
    return rule.command.term, rule.command.attribute, rule.command.name


def _entity_of(target: Target, rule: Rule, body: Mapping[str, Json]) -> str:
    part = body.get("part", "")
    found = target.entity_id(rule, part if isinstance(part, str) else "")
    if found is None:
        raise _bad("the device has several entities", "/entity", '"entity": "urn:…", or "part" where it has parts')
    return found


def _instance(body: Mapping[str, Json], rule: Rule, kind: str) -> dict[str, Json]:
    """The attribute as its model has it; a Property where that is none that can be sent."""
    value, unit = body["value"], body.get("unitCode", rule.command.unit)
    if value is None or not isinstance(unit, str):
        raise _bad("a value and a text are wanted", "/value", '"value": 3000, "unitCode": "WTT"')
    if kind == "JsonProperty":
        return {"type": kind, "json": value}
    if kind == "VocabProperty":
        if not isinstance(value, str):
            raise _bad("a word is wanted", "/value", "one of the attribute's vocabulary")
        return {"type": kind, "vocab": rule.command.names.expand_value(value)}
    return {"type": "Property", "value": value, **({"unitCode": unit} if unit else {})}


def _id(body: Mapping[str, Json]) -> str:
    given = body.get("id")
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > ID_MAX or not is_uri(given):
        raise _bad("the id is no URI", "/id", '"id": "urn:ngsi-ld:Command:…", or none')
    return given


def _ttl(body: Mapping[str, Json], rule: Rule) -> float:
    given = body.get("ttl_s", rule.ttl_s)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= TTL_MAX_S:
        raise _bad("the lifetime is no number of seconds", "/ttl_s", f"above 0, {TTL_MAX_S:g} at most")
    return given


def _direct(asking: Asking, order: _Order, now: Instant) -> Commanded:
    """A command of a hub that is elsewhere: no attribute of it is written."""
    device = order.target.device
    return Commanded(
        id=order.id, tenant=asking.tenant, entity=order.entity, attribute=order.rule.command.attribute,
        instance=order.instance, adapter=device.adapter, device=device.id, name=order.rule.command.name,
        by=asking.principal.name, made_at=now, expires_at=now + round(order.ttl_s * _SECOND),
        part=order.target.part(order.entity, order.rule), once=order.rule.once, answers=order.rule.answers, due=now,
        changed_at=now,
    )  # fmt: skip


def _same(known: Commanded, order: _Order, tenant: str) -> Commanded:
    of = (tenant, order.entity, order.rule.command.attribute)
    if (known.tenant, known.entity, known.attribute) != of or dict(known.instance) != order.instance:
        raise Conflict("another command has this id", pointer="/id", remedy="leave it away, or make a new one")
    return known


def _bad(what: str, pointer: str, remedy: str) -> BadRequestData:
    return BadRequestData(what, pointer=pointer, remedy=remedy)
