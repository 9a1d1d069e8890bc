"""Which entities command which devices, and by which attributes.

targets.of("", "urn:ngsi-ld:EVChargingStation:misono:c1:2")  ->  Target(device c1, part "2", {IRI: Rule})
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from adapters.commands.rules import Rule, read_rules
from adapters.device import Device, Registry
from adapters.link import BadSettings
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.templates import Template, escaped

log = logging.getLogger("misono.adapters.commands")

_NOTHING: Final[Mapping[str, Rule]] = {}
_MAPPINGS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """A device that an entity commands, and the rules by attribute (IRI); `types` of the entity choose among them."""

    device: Device
    rules: Mapping[str, tuple[Rule, ...]]
    mapping: DeviceMapping

    def rule(self, attribute: str, types: list[str]) -> Rule | None:
        """The rule of an attribute of an entity of these types; None where it commands nothing."""
        return next((one for one in self.rules.get(attribute, ()) if self.type_of(one) in types), None)

    def commands(self) -> dict[str, list[str]]:
        """Attributes by the entity type that they are commands of."""
        found: dict[str, list[str]] = {}
        for name, rules in self.rules.items():
            for rule in rules:
                found.setdefault(self.type_of(rule), []).append(name)
        return {type_: sorted({*names}) for type_, names in sorted(found.items())}

    def type_of(self, rule: Rule) -> str:
        """The entity type (IRI) that a rule is for: a device's own one takes the place of the first entity's."""
        own = self.device.entity_type
        return own if own and rule.command.entity_type == self.mapping.entities[0].type else rule.command.entity_type

    def part(self, entity_id: str, rule: Rule) -> str:
        """The part of the device that the entity stands for; `""` for the whole."""
        for entity in self.mapping.entities:
            if entity.type == rule.command.entity_type and "part" in entity.id.names:
                found = _pattern(entity.id, self.device.id).fullmatch(entity_id)
                if found is not None:
                    return unquote(found["part"])
        return ""

    def entity_id(self, rule: Rule, part: str) -> str | None:
        """The entity by which the device is commanded so; None where that cannot be told from its name alone."""
        first = self.mapping.entities[0].type
        if rule.command.entity_type == first and self.device.entity_id:
            return self.device.entity_id
        known = {"device": self.device.id, "adapter": self.device.adapter, "group": self.device.group, "part": part}
        for entity in self.mapping.entities:
            if entity.type == rule.command.entity_type and entity.id.names <= {
                name for name, one in known.items() if one
            }:
                return entity.id.fill(known)
        return None


class Targets:
    """What the registry and the mappings come to. Any thread may ask; it is asked at every write."""

    def __init__(
        self,
        registry: Registry,
        mappings: Callable[[str], DeviceMapping | None],
        usual: Mapping[str, str],
    ) -> None:
        self._registry = registry
        self._mappings = mappings
        self._usual = usual
        """Adapter -> the name of its usual mapping."""
        self._rules: dict[str, tuple[DeviceMapping, Mapping[str, tuple[Rule, ...]]]] = {}

    def of(self, tenant: str, entity_id: str) -> Target | None:
        """The target of an entity; None where it commands nothing."""
        device = self._registry.of_entity(tenant, entity_id)
        return None if device is None else self.of_device(device)

    def of_device(self, device: Device) -> Target | None:
        """What a device can be commanded; None for nothing."""
        name = device.mapping or self._usual.get(device.adapter, "")
        mapping = self._mappings(name)
        if mapping is None or not mapping.commands:
            return None
        known = self._rules.get(name)
        if known is None or known[0] is not mapping:
            known = self._compile(name, mapping)
        return Target(device, known[1], mapping) if known[1] else None

    def behind(self, adapter: str, device_id: str, of: tuple[str, str]) -> Target | None:
        """The target of an entity (tenant, id), where this device is still the one behind it."""
        found = self.of(*of)
        return found if found is not None and (found.device.adapter, found.device.id) == (adapter, device_id) else None

    def named(self, adapter: str, device_id: str, tenant: str) -> Device | None:
        """A device by its name."""
        found = (one for one in self._registry.of_adapter(adapter) if one.id == device_id)
        return next((one for one in found if one.tenant == tenant), None)

    def tenants(self) -> list[str]:
        """Tenants with a device that can be commanded."""
        found = {
            device.tenant
            for adapter in self._usual
            for device in self._registry.of_adapter(adapter)
            if self.of_device(device) is not None
        }
        return sorted(found)

    def _compile(self, name: str, mapping: DeviceMapping) -> tuple[DeviceMapping, Mapping[str, tuple[Rule, ...]]]:
        """A mapping whose commands cannot be commands nothing: it is read at the start too, and refused there."""
        rules: dict[str, tuple[Rule, ...]] = {}
        try:
            for rule in read_rules(mapping):
                rules[rule.command.attribute] = (*rules.get(rule.command.attribute, ()), rule)
        except BadSettings as error:
            log.error("no commands by mapping %s: %s", name, error)  # noqa: TRY400  where is in the message
            rules = {}
        if len(self._rules) >= _MAPPINGS_MAX:
            self._rules.clear()
        self._rules[name] = (mapping, rules)
        return self._rules[name]


@lru_cache(maxsize=16_384)
def _pattern(template: Template, device_id: str) -> re.Pattern[str]:
    """What an id of this template looks like, made for this device; what was filled in holds no `:` and no `/`."""
    text = ""
    seen = False
    for literal, name in template.pieces:
        text += re.escape(literal)
        if name == "device":
            text += re.escape(escaped(device_id))
        elif name == "part" and not seen:
            text, seen = text + "(?P<part>[^:/]+)", True
        else:
            text += "[^/]+"
    return re.compile(text + re.escape(template.tail))
