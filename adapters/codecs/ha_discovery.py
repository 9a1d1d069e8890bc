"""Discovery messages of Home Assistant: which component of which device says what on which topic. Pure.

homeassistant/sensor/kitchen/temperature/config   {"stat_t": "~/t", "~": "home/k", "unit_of_meas": "°C", "dev": …}
homeassistant/device/kitchen/config               {"dev": …, "cmps": {"t": {"p": "sensor", …}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Final

from adapters.codecs.json_body import check_name, parse
from adapters.frame import BadFrame
from broker.model.values import Json
from datamodels.units import units

COMPONENTS_MAX: Final = 200
"""Of one device's message."""
TEXT_MAX: Final = 1000
KINDS: Final = frozenset({"sensor", "binary_sensor", "switch", "number", "select", "text", "lock", "button"})
"""Components that have one state, or none."""
_ABBREVIATED: Final = {
    "cmd_t": "command_topic", "cmps": "components", "cns": "connections", "dev": "device", "dev_cla": "device_class",
    "ids": "identifiers", "obj_id": "object_id", "p": "platform", "pl_lock": "payload_lock", "pl_off": "payload_off",
    "pl_on": "payload_on", "pl_prs": "payload_press", "pl_unlk": "payload_unlock", "stat_cla": "state_class",
    "stat_locked": "state_locked", "stat_off": "state_off", "stat_on": "state_on", "stat_t": "state_topic",
    "stat_unlocked": "state_unlocked", "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}  # fmt: skip
_MORE_UNITS: Final = {"lx": "LUX", "µg/m³": "GQ", "μg/m³": "GQ", "L": "LTR", "s": "SEC", "min": "MIN", "h": "HUR"}


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that a device says or takes; `on` and `off` are the payloads of its two states or commands."""

    device: str
    object: str
    kind: str
    state_topic: str = ""
    command_topic: str = ""
    template: str = ""
    device_class: str = ""
    unit: str = ""
    numeric: bool = False
    state_on: str = ""
    state_off: str = ""
    on: str = ""
    off: str = ""

    def to_json(self) -> dict[str, Json]:
        """What is not empty."""
        return {name: value for name, value in asdict(self).items() if value}


def component_of(body: Json) -> Component:
    """A component of its JSON form. Raises BadFrame."""
    if not isinstance(body, dict):
        raise BadFrame("wrong_type", "a component is an object")
    known = {one.name for one in fields(Component)}
    try:
        given = {
            name: value if isinstance(value, bool) else str(value) for name, value in body.items() if name in known
        }
        return Component(**given)  # type: ignore[arg-type]  # each is a text but `numeric`
    except TypeError as fault:
        raise BadFrame("wrong_type", f"a component lacks a member: {fault}") from None


def read_discovery(topic: str, payload: bytes) -> list[Component]:
    """The components of a discovery message; none where it takes them back, or where their kind is not known.

    Raises BadFrame.
    """
    kind, node, name = _levels(topic)
    if not payload.strip():
        return []
    body = parse(payload)
    if not isinstance(body, dict):
        raise BadFrame("wrong_type", "a discovery message is a JSON object")
    message = _whole(body, _text(body.get("~", "")))
    device = _device(message.get("device"))
    if kind != "device":
        return [*_component({"platform": kind} | message, name, device or node)]
    below = message.get("components")
    if not isinstance(below, dict) or len(below) > COMPONENTS_MAX:
        raise BadFrame("wrong_type", f"a device has an object of at most {COMPONENTS_MAX} components")
    shared = {name: value for name, value in message.items() if name in ("state_topic", "command_topic")}
    found: list[Component] = []
    for own, one in below.items():
        if isinstance(one, dict):
            found += _component(shared | _whole(one, _text(body.get("~", ""))), own, device or name)
    return found


def code_of(symbol: str) -> str:
    """The UN/CEFACT code of a unit's symbol: `°C` is `CEL`; empty where it is not known."""
    return _codes().get(symbol, "")


@cache
def _codes() -> Mapping[str, str]:
    known = {unit.symbol: unit.code for unit in units().values()}
    return {symbol: code for symbol, code in _MORE_UNITS.items() if code in units()} | known


def _levels(topic: str) -> tuple[str, str, str]:
    """`("sensor", "kitchen", "temperature")`; a message without a node has its object's name for it."""
    parts = topic.split("/")
    if len(parts) < 4 or parts[-1] != "config":  # noqa: PLR2004 - prefix, component, object, config
        raise BadFrame("unmapped", f"{topic[:200]!r} is no topic of a discovery")
    if len(parts) > 4 and parts[-4] in KINDS | {"device"}:  # noqa: PLR2004
        return parts[-4], parts[-3], parts[-2]
    return parts[-3], parts[-2], parts[-2]


def _whole(body: dict[str, Json], stem: str) -> dict[str, Json]:
    """Abbreviations written out, `~` at an end of a topic replaced."""
    message: dict[str, Json] = {}
    for short, value in body.items():
        name = _ABBREVIATED.get(short, short)
        if name.endswith("_topic") and isinstance(value, str) and stem:
            message[name] = _stemmed(value, stem)
        else:
            message[name] = value
    return message


def _stemmed(topic: str, stem: str) -> str:
    if topic.startswith("~"):
        return stem + topic[1:]
    return topic[:-1] + stem if topic.endswith("~") else topic


def _device(given: Json) -> str:
    """The first of its identifiers, or of its connections."""
    if not isinstance(given, dict):
        return ""
    device = _whole(given, "")
    found = device.get("identifiers") or device.get("connections")
    while isinstance(found, list) and found:
        found = found[-1] if len(found) == 2 and found is not device.get("identifiers") else found[0]  # noqa: PLR2004
    return _text(found) if found else ""


def _component(message: Mapping[str, Json], name: str, device: str) -> Iterator[Component]:
    kind = _text(message.get("platform", ""))
    if kind not in KINDS:
        return
    symbol, device_class = _text(message.get("unit_of_measurement", "")), _text(message.get("device_class", ""))
    state, command = _topic(message, "state_topic"), _topic(message, "command_topic")
    yes, no = ("LOCK", "UNLOCK") if kind == "lock" else ("PRESS", "") if kind == "button" else ("ON", "OFF")
    on_name, off_name = {"lock": ("lock", "unlock"), "button": ("press", "off")}.get(kind, ("on", "off"))
    on = _word(message.get(f"payload_{on_name}", yes))
    off = _word(message.get(f"payload_{off_name}", no))
    locked = kind == "lock"
    yield Component(
        check_name(device),
        check_name(_text(message.get("object_id", "")) or name),
        kind,
        state,
        command,
        _text(message.get("value_template", "")),
        device_class if not device_class or check_name(device_class) else "",
        code_of(symbol),
        kind == "number" or bool(symbol or message.get("state_class")),
        _word(message.get("state_locked" if locked else "state_on", "LOCKED" if locked else on)),
        _word(message.get("state_unlocked" if locked else "state_off", "UNLOCKED" if locked else off)),
        on,
        off,
    )


def _topic(message: Mapping[str, Json], name: str) -> str:
    topic = _text(message.get(name, ""))
    if any(sign in topic for sign in "+#\0"):
        raise BadFrame("wrong_type", f"{name} is no topic: {topic[:100]!r}")
    return topic


def _word(value: Json) -> str:
    """A payload of two: `false` is `"false"`, which a template makes of the JSON value too."""
    return str(value).lower() if isinstance(value, bool) else _text(value)


def _text(value: Json) -> str:
    if isinstance(value, bool | dict | list) or len(str(value)) > TEXT_MAX:
        raise BadFrame("wrong_type", f"a text of at most {TEXT_MAX} characters would do")
    return "" if value is None else str(value)
