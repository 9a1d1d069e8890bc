"""Notifications over MQTT, against Debian's mosquitto (clause 7.2)."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.model.subscription import Endpoint
from broker.notify.message import Message, Undelivered
from broker.notify.mqtt import Mqtt, read_endpoint
from tests.fakes.mosquitto import PASSWORD, USER, Mosquitto, listening, password_file
from tests.outside.served import free_port

BODY = {"id": "urn:ngsi-ld:Notification:1", "type": "Notification", "data": [{"id": "urn:ngsi-ld:Thing:1"}]}
LINK = '<https://example.org/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


def message(uri: str, *info: tuple[str, str], **more: object) -> Message:
    endpoint = Endpoint(uri, notifier_info=info)
    given = {"content_type": "application/json", "link": LINK, "info": (("X-Key", "v"),), **more}
    return Message("urn:ngsi-ld:Notification:1", endpoint, body=json.dumps(BODY).encode(), **given)  # type: ignore[arg-type]


@pytest.fixture(name="server")
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, free_port()) as server:
        yield server


def send(*messages: Message, timeout_s: float = 5, allow_private: bool = True, ca: Path | None = None) -> None:
    async def run() -> None:
        transport = Mqtt(allow_private=allow_private, ca=ca)
        try:
            for one in messages:
                await transport.send(one, timeout_s)
        finally:
            await transport.close()

    asyncio.run(run())


@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_every_version_and_qos_arrives_with_its_metadata(server: Mosquitto, version: str, qos: str) -> None:
    with listening(server.port) as heard:
        uri = f"mqtt://127.0.0.1:{server.port}/city/things"
        send(message(uri, ("MQTT-Version", version), ("MQTT-QoS", qos)))
        [(topic, got_qos, body)] = heard.wait(1)
    assert (topic, got_qos) == ("city/things", int(qos))
    assert body == {"metadata": {"Content-Type": "application/json", "Link": LINK, "X-Key": "v"}, "body": BODY}


def test_the_context_of_ld_json_is_inside_and_nothing_else_is_said_of_it(server: Mosquitto) -> None:
    with listening(server.port) as heard:
        uri = f"mqtt://localhost:{server.port}/t"
        send(message(uri, content_type="application/ld+json", link=None, info=(), tenant="city"))
        [(_, _, body)] = heard.wait(1)
    assert body["metadata"] == {"Content-Type": "application/ld+json", "NGSILD-Tenant": "city"}


def test_many_messages_share_one_connection_and_keep_their_order(server: Mosquitto) -> None:
    with listening(server.port) as heard:
        uris = [f"mqtt://127.0.0.1:{server.port}/t/{number}" for number in range(50)]
        send(*(message(uri, ("MQTT-QoS", "1")) for uri in uris))
        assert [topic for topic, _, _ in heard.wait(50)] == [f"t/{number}" for number in range(50)]
    log = (server.directory / "mosquitto.log").read_text()
    assert log.count("New client connected") == 2  # the listener and the one connection


def test_user_and_password_are_given_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    options = ("allow_anonymous false", f"password_file {password_file(tmp_path)}")
    with Mosquitto(tmp_path, free_port(), options) as server, listening(server.port, user=USER) as heard:
        send(message(f"mqtt://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/t"))
        heard.wait(1)
        for version in ("mqtt3.1.1", "mqtt5.0"):
            with pytest.raises(Undelivered, match="refused the connection"):
                send(message(f"mqtt://{USER}:wrong@127.0.0.1:{server.port}/t", ("MQTT-Version", version)))


def certificates(directory: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key, certificate = directory / "key.pem", directory / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_mqtts_speaks_tls_to_a_server_it_trusts_and_to_no_other(tmp_path: Path) -> None:
    certificate, key = certificates(tmp_path)
    plain = free_port()
    options = (
        "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}", f"listener {plain} 127.0.0.1",
        "allow_anonymous true",
    )  # fmt: skip
    with Mosquitto(tmp_path, free_port(), options) as server, listening(plain) as heard:
        send(message(f"mqtts://localhost:{server.port}/t", ("MQTT-QoS", "1")), ca=certificate)
        heard.wait(1)
        with pytest.raises(Undelivered, match="certificate verify failed"):
            send(message(f"mqtts://localhost:{server.port}/t"))
        with pytest.raises(Undelivered, match=r"certificate verify failed|not match"):
            send(message(f"mqtts://127.0.0.1:{server.port}/t"), ca=certificate)


def test_a_server_that_went_away_is_found_again(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path, free_port())
    uri = f"mqtt://127.0.0.1:{server.port}/t"

    async def run() -> None:
        transport = Mqtt(allow_private=True)
        one = message(uri, ("MQTT-QoS", "1"))
        with pytest.raises(Undelivered):
            await transport.send(one, 5)
        server.start()
        await transport.send(one, 5)
        server.stop()
        with pytest.raises(Undelivered):
            await transport.send(one, 5)
        server.start()
        with listening(server.port) as heard:
            await transport.send(one, 5)
            heard.wait(1)
        await transport.close()

    try:
        asyncio.run(run())
    finally:
        server.stop()


def test_a_silent_server_takes_no_longer_than_its_time() -> None:
    async def run() -> None:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        silent = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        transport = Mqtt(allow_private=True)
        with pytest.raises(Undelivered, match=r"said nothing within 0\.3 s"):
            await transport.send(message(f"mqtt://127.0.0.1:{port}/t"), 0.3)
        await transport.close()
        silent.close()
        await asyncio.sleep(0.2)

    asyncio.run(run())


def test_private_addresses_are_refused() -> None:
    for host in ("127.0.0.1", "localhost", "10.0.0.1", "[::1]"):
        with pytest.raises(Undelivered, match="private"):
            send(message(f"mqtt://{host}:1/t"), allow_private=False)


@pytest.mark.parametrize(
    ("uri", "server", "topic"),
    [
        ("mqtt://h/a/b", ("h", 1883, None, None), "a/b"),
        ("mqtts://h/a", ("h", 8883, None, None), "a"),
        ("mqtt://u:p%40@h:1/a%20b", ("h", 1, "u", "p@"), "a b"),
    ],
)
def test_endpoints_are_read(uri: str, server: tuple[str, int, str | None, str | None], topic: str) -> None:
    found, got, qos = read_endpoint(Endpoint(uri))
    assert (found.host, found.port, found.user, found.password) == server
    assert (got, qos, found.version) == (topic, 0, "mqtt5.0")


@pytest.mark.parametrize("uri", ["mqtt://h", "mqtt://h/", "mqtt:///t"])
def test_an_endpoint_without_host_or_topic_is_refused(uri: str) -> None:
    with pytest.raises(Undelivered, match="no mqtt"):
        read_endpoint(Endpoint(uri))
