"""Commands and configuration on their way to MQTT devices: topics and payloads. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from adapters.codecs import iota_json, ultralight
from adapters.device import Device
from adapters.link import BadSettings
from adapters.links.topics import BadTopic, check_template, filled
from adapters.order import Order
from adapters.settings import Members
from broker.encode.text import dump
from broker.model.values import Instant, Json, to_text

PAYLOADS: Final = ("json", "ultralight", "value")
TOPIC: Final = "/{key}/{device}/cmd"
KEYS_KEPT: Final = 65_536
_SIGNS: Final = re.compile(r"[|#@\r\n]")
"""What Ultralight separates with: in a value it would say something else."""


class Commands:
    """How this link speaks to its devices.

    The topic of a command holds the device's API key, and only digests of keys are kept: the key is one of the link's
    own settings, or the one that the device was last heard with.
    """

    def __init__(self, topic: str, payload: str, keys: Sequence[str]) -> None:
        self._topic = topic
        self._payload = payload
        self._by_digest = {hashlib.sha256(key.encode()).hexdigest(): key for key in keys}
        self._heard: dict[tuple[str, str], str] = {}

    def heard(self, device: Device, key: str) -> None:
        """A message of that device came with that key, which the registry found right."""
        whose = (device.tenant, device.id)
        if self._heard.get(whose) != key:
            if len(self._heard) >= KEYS_KEPT:
                self._heard.clear()
            self._heard[whose] = key

    def message(self, order: Order) -> tuple[str, bytes]:
        """Topic and payload of a command. Raises BadTopic."""
        device = order.device
        template = device.options.get("command_topic", self._topic)
        if not isinstance(template, str):
            raise BadTopic("the device's option command_topic is no text")
        key = self._key(device) if "{key}" in template else ""
        return filled(template, device.id, key), self._written(order)

    def configuration(self, device: Device, topic: str, payload: bytes, now: Instant) -> bytes:
        """The answer to a request for configuration: the values that the device's option `configuration` has.

        `{"sleepTime": 200, "dt": "20261123T090000Z"}`, or `h1@configuration|sleepTime=200|dt=20261123T090000Z`.

        Raises BadFrame.
        """
        light = topic.lstrip("/").startswith("ul/")
        wanted = ultralight.read_request(payload) if light else iota_json.read_request(payload)
        known = device.options.get("configuration")
        values: dict[str, Json] = {}
        if isinstance(known, dict):
            values = {name: known[name] for name in wanted if name in known}
        values["dt"] = basic(now)
        return (ultralight_command(device.id, "configuration", values).encode()) if light else dump(values)

    def _key(self, device: Device) -> str:
        key = self._by_digest.get(device.key_digest) or self._heard.get((device.tenant, device.id), "")
        digest = hashlib.sha256(key.encode()).hexdigest()
        if device.key_digest and not hmac.compare_digest(digest, device.key_digest):
            raise BadTopic(
                "the key of the device's topics is not known: link/keys, or a message of the device, tells it"
            )
        return key

    def _written(self, order: Order) -> bytes:
        if self._payload == "json":
            return dump({order.name: order.value})
        if self._payload == "ultralight":
            return ultralight_command(order.device.id, order.name, order.value).encode()
        return order.value.encode() if isinstance(order.value, str) else dump(order.value)


def read_commands(members: Members, topics: Sequence[str]) -> Commands:
    """The members of a link that say how commands go out. Raises BadSettings."""
    below = Members(members.below("commands"), "link/commands")
    topic = below.text("topic", TOPIC)
    payload = below.one_of("payload", PAYLOADS, "ultralight" if "ultralight" in topics else "json")
    below.done()
    try:
        filled(check_template(topic), "d", "k")
    except BadTopic as fault:
        raise BadSettings(f"link/commands/topic: {fault}") from fault
    if "+" in topic or "#" in topic:
        raise BadSettings("link/commands/topic: a topic without + and # would do")
    return Commands(topic, payload, members.texts("keys"))


def basic(instant: Instant) -> str:
    """`20261123T090000Z`: how IoT Agents write the time of a configuration."""
    return re.sub(r"[-:]|\.\d+", "", to_text(instant))


def ultralight_command(device: str, name: str, value: Json) -> str:
    """`h1@ping|param1=1|param2=2`, or `h1@ping|value`."""
    if isinstance(value, dict):
        told = "|".join(f"{_plain(name)}={_plain(one)}" for name, one in value.items())
    else:
        told = "" if value is None else _plain(value)
    return f"{_plain(device)}@{_plain(name)}|{told}"


def _plain(value: Json) -> str:
    text = value if isinstance(value, str) else dump(value).decode()
    return _SIGNS.sub("_", text)
