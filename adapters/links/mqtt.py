"""MQTT 3.1.1 and 5.0: messages of devices come in, commands go out.

    link:
      kind: mqtt
      url: mqtts://broker.example:8883
      user: misono
      password_file: mqtt.password
      topics: iota-json              # a set (iota-json, ultralight), or templates such as sensors/{device}/state
      commands: {topic: "/{key}/{device}/cmd", payload: json}     # json, ultralight or value
      discovery: homeassistant       # the prefix of announcements, for the codec home-assistant; no topics then

A message is acknowledged when it is in the durable queue or in quarantine, not before. The session outlives the
connection, so that the server keeps what comes while nobody is there. The more the link has not acknowledged yet,
the less it reads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.mqtt_commands import Commands, read_commands
from adapters.links.mqtt_connection import Connection, ConnectionLost, Message, Server, read_server
from adapters.links.mqtt_discovery import Discovery
from adapters.links.topics import SETS, BadTopic, Topics, check_template
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members

log = logging.getLogger("misono.adapters")

BATCH_MAX: Final = 500
"""Messages that are handed on together."""
PREFIX: Final = "homeassistant"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the member `link` says."""

    server: Server
    topics: Topics
    shared: str
    qos: int
    commands: Commands
    discovery: str = ""


class MqttLink:
    """One connection to one server."""

    def __init__(self, ground: Ground, settings: Settings) -> None:
        self._ground = ground
        self._settings = settings
        self._commands = settings.commands
        self._connection: Connection | None = None
        self._discovery: Discovery | None = None

    async def run(self, receive: Receive) -> None:
        """As the port says. Raises ConnectionLost."""
        settings = self._settings
        connection = Connection(settings.server)
        self._discovery = Discovery(settings.discovery) if settings.discovery else None
        try:
            await connection.open(self._filters(), settings.qos)
            self._connection = connection
            log.info("adapter %s is connected to %s", self._ground.adapter, settings.server.name)
            while True:
                messages = await connection.messages(BATCH_MAX)
                frames = [frame for one in messages for frame in self._frames(one)]
                if frames:
                    await receive(frames)
                connection.acknowledge(messages)
        finally:
            self._connection = None
            await connection.close()

    async def send(self, order: Order) -> Delivered:
        """Publish it with QoS 1; DELIVERED when the server has it. Raises NotReached."""
        connection = self._connection
        if connection is None:
            raise NotReached(f"there is no connection to {self._settings.server.name}")
        try:
            topic, payload = (self._discovery.command if self._discovery else self._commands.message)(order)
        except BadTopic as fault:
            raise NotReached(str(fault)) from fault
        try:
            await connection.publish(topic, payload)
        except ConnectionLost as lost:
            raise NotReached(str(lost)) from lost
        return Delivered("DELIVERED")

    def _filters(self) -> list[str]:
        group = f"$share/{self._settings.shared}/" if self._settings.shared else ""
        own = self._discovery.filters if self._discovery else ()
        return [*own, *(group + one for one in self._settings.topics.filters)]

    def _frames(self, message: Message) -> Iterable[Frame]:
        """The frames of it; none for what is answered here."""
        topic, payload, received_at = message.topic, message.payload, self._ground.clock.now()
        if self._discovery is not None:
            return self._announced(self._discovery, Frame(payload, received_at, channel=topic))
        sender = self._settings.topics.read(topic)
        if sender is None:
            return (Frame(payload, received_at, channel=topic),)
        device_id, key = sender
        asks = topic.endswith("/configuration/commands")
        device = self._opened(device_id, key) if key or asks else None
        if device is not None:
            if key:
                self._commands.heard(device, key)
            if asks and self._configured(topic, payload, device, key):
                return ()
        return (Frame(payload, received_at, device_id, topic, key),)

    def _opened(self, device_id: str, key: str) -> Device | None:
        """The device that the key opens; None where there is none: the pipeline says why."""
        try:
            return self._ground.registry.find(self._ground.adapter, device_id, key)
        except BadFrame:
            return None

    def _announced(self, discovery: Discovery, frame: Frame) -> Iterable[Frame]:
        """What devices say that announced themselves; an announcement that is none goes on, to be quarantined."""
        if not discovery.is_announcement(frame.channel):
            return discovery.frames(frame.channel, frame.payload, frame.received_at)
        try:
            wanted = discovery.take(frame.channel, frame.payload)
        except BadFrame:
            return (frame,)
        if wanted and self._connection is not None:
            self._connection.subscribe(wanted, self._settings.qos)
        return ()

    def _configured(self, topic: str, payload: bytes, device: Device, key: str) -> bool:
        """Answer a request for configuration; False where it is none: the pipeline says why."""
        try:
            answer = self._commands.configuration(device, topic, payload, self._ground.clock.now())
        except BadFrame:
            return False
        if self._connection is not None:
            self._connection.publish_once(filled_values(device.id, key), answer)
        return True


def filled_values(device: str, key: str) -> str:
    """The topic on which a device hears its configuration."""
    return f"/{key}/{device}/configuration/values"


def make_link(ground: Ground) -> MqttLink:
    """The link of the member `link`. Raises BadSettings."""
    members = Members(ground.settings, "link")
    server = read_server(members, ground)
    kind = str(ground.codec.get("kind", ""))
    discovery = members.text("discovery", PREFIX if kind == "home-assistant" else "")
    named = members.texts("topics", [kind] if kind in SETS else [])
    templates = [template for one in named for template in SETS.get(one, (one,))]
    if not templates and not discovery:
        raise BadSettings(f"link/topics: {', '.join(SETS)} or templates such as sensors/{{device}}/state would do")
    try:
        for template in (*templates, *filter(None, [discovery])):
            check_template(template)
    except BadTopic as fault:
        raise BadSettings(f"link/topics: {fault}") from fault
    shared = members.text("shared", "")
    if any(sign in shared for sign in "/+#"):
        raise members.refuse("shared", "a name without /, + and #")
    qos, commands = members.whole("qos", 1, 0, 1), read_commands(members, named)
    settings = Settings(server, Topics(templates), shared, qos, commands, discovery)
    members.done()
    return MqttLink(ground, settings)
