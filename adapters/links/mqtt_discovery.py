"""What devices announced on an MQTT server (Home Assistant's discovery): whose a topic is, how a command goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
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
OF_TOPIC_MAX: Final = 500
"""Components that have their state on one topic: each message there is read for all of them."""
SHARING_MAX: Final = 50
"""Devices that have their state on one topic: each message there becomes so many frames."""


class Discovery:
    """The announcements are retained by the server: after each connection they come again."""

    def __init__(self, prefix: str) -> None:
        self.filters: Final = (f"{prefix}/+/+/config", f"{prefix}/+/+/+/config")
        self._prefix = prefix + "/"
        self._announced: dict[str, list[Component]] = {}
        self._says: dict[str, dict[str, list[Component]]] = {}  # state topic -> announcement -> its components there
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
        self._forget(topic)
        below = _by_topic(components)
        self._check(len(components), below)
        if components:
            self._announced[topic] = components
            self._number += len(components)
        for state_topic, some in below.items():
            self._says.setdefault(state_topic, {})[topic] = some
            self._about.pop(state_topic, None)
        return list(below)

    def frames(self, topic: str, payload: bytes, received_at: Instant) -> Iterator[Frame]:
        """A frame for each device that says its state on that topic."""
        if topic not in self._says:
            return
        if topic not in self._about:
            self._about[topic] = _about(chain.from_iterable(self._says[topic].values()))
        for device, about in self._about[topic].items():
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

    def _forget(self, topic: str) -> None:
        former = self._announced.pop(topic, [])
        self._number -= len(former)
        for state_topic in _by_topic(former):
            self._about.pop(state_topic, None)
            there = self._says[state_topic]
            del there[topic]
            if not there:
                del self._says[state_topic]

    def _check(self, number: int, below: Mapping[str, Sequence[Component]]) -> None:
        """Raises BadFrame where there would be too many."""
        if self._number + number > ANNOUNCED_MAX:
            raise BadFrame("rate", f"more than {ANNOUNCED_MAX:,} components are announced")
        for topic, some in below.items():
            there = [*chain.from_iterable(self._says.get(topic, {}).values()), *some]
            if len(there) > OF_TOPIC_MAX or len({one.device for one in there}) > SHARING_MAX:
                most = f"{SHARING_MAX} devices and {OF_TOPIC_MAX} components"
                raise BadFrame("rate", f"more than {most} have their state on {topic[:200]!r}")


def _by_topic(components: Iterable[Component]) -> dict[str, list[Component]]:
    """Those that have a state, by its topic."""
    found: dict[str, list[Component]] = {}
    for one in components:
        if one.state_topic:
            found.setdefault(one.state_topic, []).append(one)
    return found


def _about(components: Iterable[Component]) -> dict[str, dict[str, str]]:
    """By device."""
    found: dict[str, list[Component]] = {}
    for one in components:
        found.setdefault(one.device, []).append(one)
    return {device: {COMPONENTS: dump([one.to_json() for one in some]).decode()} for device, some in found.items()}


def _payload(component: Component, order: Order) -> bytes:
    value = order.value
    if component.kind == "button":
        return component.on.encode()
    if component.kind in ("switch", "lock"):
        if not isinstance(value, bool):
            raise BadTopic(f"{component.object} takes true and false")
        return (component.on if value else component.off).encode()
    return value.encode() if isinstance(value, str) else dump(value)
