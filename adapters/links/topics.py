"""Topics by a template: which device a message is from, and what its key is. Pure.

`Topics(["/json/{key}/{device}/attrs"]).read("/json/k1/h1/attrs")` gives `Sender("h1", "k1")`; the subscription is
`/json/+/+/attrs`. `#` at the end and `+` elsewhere match as MQTT says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

TOPIC_BYTES_MAX: Final = 65_535
KEPT: Final = 65_536
"""Topics whose sender is remembered."""
_PLACES: Final = {"{key}": r"(?P<key>[^/]+)", "{device}": r"(?P<device>[^/]+)", "{name}": r"[^/]+", "+": r"[^/]*"}
_PREFIXES: Final = ("/", "")
"""Devices of the IoT Agents begin a topic with a slash, or do not."""
SETS: Final[dict[str, tuple[str, ...]]] = {
    "iota-json": tuple(
        prefix + rest
        for prefix in _PREFIXES
        for rest in (
            "json/{key}/{device}/attrs",
            "json/{key}/{device}/attrs/{name}",
            "json/{key}/{device}/cmdexe",
            "json/{key}/{device}/configuration/commands",
        )
    ),
    "ultralight": tuple(
        prefix + rest
        for prefix in _PREFIXES
        for rest in (
            "ul/{key}/{device}/attrs",
            "ul/{key}/{device}/attrs/{name}",
            "ul/{key}/{device}/cmdexe",
            "ul/{key}/{device}/configuration/commands",
        )
    ),
}


class Sender(NamedTuple):
    """Who a topic is of."""

    device: str
    key: str


class BadTopic(ValueError):
    """A template that cannot be a subscription; the message says what would do."""


class Topics:
    """The templates of one link."""

    def __init__(self, templates: Sequence[str]) -> None:
        self.filters: Final = tuple(dict.fromkeys(map(_filter, templates)))
        self._patterns = [re.compile(_pattern(template), re.DOTALL) for template in templates]
        self._known: dict[str, Sender | None] = {}

    def read(self, topic: str) -> Sender | None:
        """Whose topic it is, by the first template that it fits; None where it fits none."""
        known = self._known
        if topic in known:
            return known[topic]
        if len(known) >= KEPT:
            known.clear()
        found = next(filter(None, (pattern.fullmatch(topic) for pattern in self._patterns)), None)
        sender = None
        if found is not None:
            named = found.groupdict("")
            sender = Sender(named.get("device", ""), named.get("key", ""))
        known[topic] = sender
        return sender


def filled(template: str, device: str, key: str) -> str:
    """A topic to publish on: `filled("/{key}/{device}/cmd", "h1", "k1")` is `/k1/h1/cmd`.

    Raises BadTopic for a device or key that would make another topic of it.
    """
    for name, value in (("device", device), ("key", key)):
        if "{" + name + "}" in template and (not value or any(sign in value for sign in "/+#\0")):
            raise BadTopic(f"the {name} of the device is no level of a topic")
    return template.replace("{device}", device).replace("{key}", key)


def check_template(template: str) -> str:
    """The template. Raises BadTopic."""
    levels = template.split("/")
    unknown = [level for level in levels if ("{" in level or "}" in level) and level not in _PLACES]
    if not template or len(template.encode()) > TOPIC_BYTES_MAX or "\0" in template or unknown:
        raise BadTopic(f"{template!r} is no topic; {{device}}, {{key}} and {{name}} each stand for a whole level")
    if any(("+" in level and level != "+") or ("#" in level and level != "#") for level in levels):
        raise BadTopic(f"{template!r}: + and # each stand for whole levels")
    if "#" in levels[:-1] or any(levels.count(place) > 1 for place in ("{device}", "{key}", "{name}")):
        raise BadTopic(f"{template!r}: # stands at the end, and each name once")
    return template


def _filter(template: str) -> str:
    return "/".join("+" if level in _PLACES else level for level in check_template(template).split("/"))


def _pattern(template: str) -> str:
    levels = template.split("/")
    whole = levels[-1] != "#"
    told = "/".join(_PLACES.get(level, re.escape(level)) for level in (levels if whole else levels[:-1]))
    if whole:
        return told
    return told + "(?:/.*)?" if told else ".*"
