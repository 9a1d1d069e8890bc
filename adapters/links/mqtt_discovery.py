"""What devices announced on an MQTT server (Home Assistant's discovery): whose a topic is, how a command goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.codecs.ha_discovery import Component, read_discovery
from adapters.codecs.home_assistant import COMPONENTS
from adapters.frame import BadFrame, Frame
from adapters.links.topics import BadTopic
from adapters.order import Order
from broker.encode.text import dump
from broker.model.values import Instant

ANNOUNCED_MAX: Final = 10_000
"""Components of one server."""


class Discovery:
    """The announcements are retained by the server: after each connection they come again."""

    def __init__(self, prefix: str) -> None:
        self.filters: Final = (f"{prefix}/+/+/config", f"{prefix}/+/+/+/config")
        self._prefix = prefix + "/"
        self._announced: dict[str, list[Component]] = {}
        self._number = 0
        self._about: dict[str, dict[str, dict[str, str]]] = {}

    def is_announcement(self, topic: str) -> bool:
        """Whether a message on that topic announces something."""
        return topic.startswith(self._prefix) and topic.endswith("/config")

    def take(self, topic: str, payload: bytes) -> list[str]:
        """Keep an announcement, or forget one that is taken back; the topics that are to be subscribed to.

        Raises BadFrame.
        """
        components = read_discovery(topic, payload)
        self._number += len(components) - len(self._announced.pop(topic, ()))
        if self._number > ANNOUNCED_MAX:
            self._number -= len(components)
            raise BadFrame("rate", f"more than {ANNOUNCED_MAX:,} components are announced")
        if components:
            self._announced[topic] = components
        self._about.clear()
        return list(dict.fromkeys(one.state_topic for one in components if one.state_topic))

    def frames(self, topic: str, payload: bytes, received_at: Instant) -> Iterator[Frame]:
        """A frame for each device that says its state on that topic."""
        if not self._about and self._announced:
            self._about = self._by_topic()
        for device, about in self._about.get(topic, {}).items():
            yield Frame(payload, received_at, device, topic, "", about)

    def command(self, order: Order) -> tuple[str, bytes]:
        """Topic and payload of a command, its name being the component's object id or class. Raises BadTopic."""
        for component in self._of(order.device.id):
            if component.command_topic and order.name in (component.object, component.device_class):
                return component.command_topic, _payload(component, order)
        raise BadTopic(f"device {order.device.id} has announced no {order.name} that takes commands")

    def _of(self, device: str) -> Iterator[Component]:
        for components in self._announced.values():
            yield from (one for one in components if one.device == device)

    def _by_topic(self) -> dict[str, dict[str, dict[str, str]]]:
        found: dict[str, dict[str, list[Component]]] = {}
        for components in self._announced.values():
            for one in components:
                if one.state_topic:
                    found.setdefault(one.state_topic, {}).setdefault(one.device, []).append(one)
        return {topic: {device: _about(some) for device, some in below.items()} for topic, below in found.items()}


def _about(components: Sequence[Component]) -> dict[str, str]:
    return {COMPONENTS: dump([one.to_json() for one in components]).decode()}


def _payload(component: Component, order: Order) -> bytes:
    value = order.value
    if component.kind == "button":
        return component.on.encode()
    if component.kind in ("switch", "lock"):
        if not isinstance(value, bool):
            raise BadTopic(f"{component.object} takes true and false")
        return (component.on if value else component.off).encode()
    return value.encode() if isinstance(value, str) else dump(value)
