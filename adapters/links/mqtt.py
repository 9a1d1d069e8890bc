"""MQTT 3.1.1 and 5.0: messages of devices come in, commands go out.

    link:
      kind: mqtt
      url: mqtts://broker.example:8883
      user: misono
      password_file: mqtt.password
      topics: iota-json              # a set (iota-json, ultralight), or templates such as sensors/{device}/state
      commands: {topic: "/{key}/{device}/cmd", payload: json}     # where topics are a set, its own

A message is acknowledged when it is in the durable queue or in quarantine, not before. The session outlives the
connection, so that the server keeps what comes while nobody is there. The more the link has not acknowledged yet,
the less it reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.mqtt_commands import Commands, read_commands
from adapters.links.mqtt_connection import Connection, ConnectionLost, Message, Server, read_server
from adapters.links.topics import SETS, BadTopic, Topics, check_template
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members

log = logging.getLogger("misono.adapters")

PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.2, 30.0
BATCH_MAX: Final = 500
"""Messages that are handed on together."""
_ABOUT: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the member `link` says."""

    server: Server
    topics: Topics
    shared: str
    qos: int
    commands: Commands


class MqttLink:
    """One connection to one server."""

    def __init__(self, ground: Ground, settings: Settings) -> None:
        self._ground = ground
        self._settings = settings
        self._commands = settings.commands
        self._connection: Connection | None = None

    async def run(self, receive: Receive) -> None:
        """As the port says."""
        pause = PAUSE_FIRST_S
        while True:
            connection = Connection(self._settings.server, asyncio.get_running_loop())
            try:
                await connection.open(self._filters(), self._settings.qos)
                pause, self._connection = PAUSE_FIRST_S, connection
                log.info("adapter %s is connected to %s", self._ground.adapter, self._settings.server.name)
                await self._work(connection, receive)
            except ConnectionLost as lost:
                log.warning(
                    "adapter %s has no connection to %s: %s", self._ground.adapter, self._settings.server.name, lost
                )
            finally:
                self._connection = None
                await connection.close()
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_LONGEST_S)

    async def send(self, order: Order) -> Delivered:
        """Publish it with QoS 1; DELIVERED when the server has it. Raises NotReached."""
        connection = self._connection
        if connection is None:
            raise NotReached(f"there is no connection to {self._settings.server.name}")
        try:
            topic, payload = self._commands.message(order)
        except BadTopic as fault:
            raise NotReached(str(fault)) from fault
        try:
            await connection.publish(topic, payload)
        except ConnectionLost as lost:
            raise NotReached(str(lost)) from lost
        return Delivered("DELIVERED")

    def _filters(self) -> list[str]:
        group = f"$share/{self._settings.shared}/" if self._settings.shared else ""
        return [group + one for one in self._settings.topics.filters]

    async def _work(self, connection: Connection, receive: Receive) -> None:
        while True:
            messages = await connection.messages(BATCH_MAX)
            frames = [frame for one in messages if (frame := self._frame(one)) is not None]
            if frames:
                await receive(frames)
            connection.acknowledge(messages)

    def _frame(self, message: Message) -> Frame | None:
        """A frame of it; None for what is answered here."""
        topic, payload, received_at = message.topic, message.payload, self._ground.clock.now()
        sender = self._settings.topics.read(topic)
        if sender is None:
            return Frame(payload, received_at, channel=topic)
        if sender.key:
            self._commands.heard(sender.device, sender.key)
        if topic.endswith("/configuration/commands") and self._configured(topic, payload, sender.device, sender.key):
            return None
        return Frame(payload, received_at, sender.device, topic, sender.key, _ABOUT)

    def _configured(self, topic: str, payload: bytes, device_id: str, key: str) -> bool:
        """Answer a request for configuration; False where it is none, or of nobody: the pipeline says why."""
        try:
            device = self._ground.registry.find(self._ground.adapter, device_id, key)
            answer = self._commands.configuration(device, topic, payload, self._ground.clock.now())
        except BadFrame:
            return False
        if self._connection is not None:
            self._connection.publish_once(filled_values(device_id, key), answer)
        return True


def filled_values(device: str, key: str) -> str:
    """The topic on which a device hears its configuration."""
    return f"/{key}/{device}/configuration/values"


def make_link(ground: Ground) -> MqttLink:
    """The link of the member `link`. Raises BadSettings."""
    members = Members(ground.settings, "link")
    server = read_server(members, ground)
    kind = str(ground.codec.get("kind", ""))
    named = members.texts("topics", [kind] if kind in SETS else [])
    templates = [template for one in named for template in SETS.get(one, (one,))]
    if not templates:
        raise BadSettings(f"link/topics: {', '.join(SETS)} or templates such as sensors/{{device}}/state would do")
    try:
        for template in templates:
            check_template(template)
    except BadTopic as fault:
        raise BadSettings(f"link/topics: {fault}") from fault
    shared = members.text("shared", "")
    if any(sign in shared for sign in "/+#"):
        raise members.refuse("shared", "a name without /, + and #")
    settings = Settings(server, Topics(templates), shared, members.whole("qos", 1, 0, 1), read_commands(members, named))
    members.done()
    return MqttLink(ground, settings)
