"""Notifications over HTTP: what goes out, what counts as arrived, and what a receiver cannot do (clause 6.3.8)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms

from broker.model.subscription import Endpoint
from broker.notify.message import BadKey, Message, Undelivered
from broker.notify.signatures import Signer
from broker.notify.webhook import Webhooks
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Handler, Receiver, answer, hang, reset
from tests.unit.history.test_mqtt_transport import certificates

BODY = b'{"type":"Notification"}'
LINK = '<https://example.org/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@pytest.fixture(name="receiver")
def one_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def message(uri: str, **more: object) -> Message:
    given = {"content_type": "application/json", "body": BODY, "link": LINK, **more}
    return Message("urn:ngsi-ld:Notification:1", Endpoint(uri), **given)  # type: ignore[arg-type]


def send(*messages: Message, timeout_s: float = 5, pause_s: float = 0, **options: object) -> None:
    async def run() -> None:
        transport = Webhooks(**{"allow_private": True, **options})  # type: ignore[arg-type]
        try:
            for one in messages:
                await transport.send(one, timeout_s)
                await asyncio.sleep(pause_s)
        finally:
            await transport.close()

    asyncio.run(run())


def test_a_notification_is_a_post_with_the_headers_it_was_given(receiver: Receiver) -> None:
    info = (("X-Additional-Key", "a b"), ("Authorization", "Bearer t"))
    send(message(receiver.url + "/a%2Fb?c=d%20e", info=info, tenant="city", redelivered=True))
    [got] = receiver.wait(1)
    assert got.path == "/a%2Fb?c=d%20e"
    assert got.body == BODY
    assert got.headers == {
        "Host": f"127.0.0.1:{receiver.port}",
        "User-Agent": "misono",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Link": LINK,
        "NGSILD-Tenant": "city",
        "Misono-Redelivered": "true",
        "X-Additional-Key": "a b",
        "Authorization": "Bearer t",
        "Content-Length": str(len(BODY)),
    }


def test_connections_are_kept(receiver: Receiver) -> None:
    connections: set[int] = set()

    def behave(handler: Handler) -> None:
        connections.add(handler.client_address[1])
        answer(200)(handler)

    receiver.behave = behave
    send(*(message(receiver.url) for _ in range(20)))
    assert len(connections) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_one(receiver: Receiver, status: int) -> None:
    receiver.behave = answer(status)
    send(message(receiver.url))


@pytest.mark.parametrize("status", [301, 307, 400, 404, 500, 503])
def test_every_other_status_is_none_and_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.behave = answer(status)
    with pytest.raises(Undelivered, match=f"the receiver answered {status}"):
        send(message(receiver.url))
    assert receiver.refused == 1


def test_a_receiver_that_hangs_takes_no_longer_than_its_time(receiver: Receiver) -> None:
    receiver.behave = hang
    with pytest.raises(Undelivered, match=r"no answer within 0\.2 s"):
        send(message(receiver.url), timeout_s=0.2)


def test_a_receiver_that_resets_is_asked_twice_at_most(receiver: Receiver) -> None:
    receiver.behave = reset
    with pytest.raises(Undelivered):
        send(message(receiver.url))
    assert receiver.refused == 2


def test_nobody_there_is_said_so(receiver: Receiver) -> None:
    receiver.stop()
    with pytest.raises(Undelivered, match=r"Connect call failed|refused"):
        send(message(receiver.url))


def test_ten_megabytes_of_answer_are_not_read_and_the_notification_has_arrived(receiver: Receiver) -> None:
    receiver.behave = answer(200, b"x" * 10_000_000)
    send(message(receiver.url), message(receiver.url))
    assert receiver.refused == 2


def test_an_answer_that_trickles_has_arrived_and_does_not_hold() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        writer.close()

    async def run() -> float:
        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        transport = Webhooks(allow_private=True)
        began = asyncio.get_running_loop().time()
        await transport.send(message(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), 0.3)
        took = asyncio.get_running_loop().time() - began
        await transport.close()
        server.close()
        await asyncio.sleep(0.15)
        return took

    assert asyncio.run(run()) < 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3", "[::ffff:127.0.0.1]", "169.254.1.1"])
def test_private_addresses_are_refused_whether_named_or_looked_up(host: str, receiver: Receiver) -> None:
    with pytest.raises(Undelivered, match="is private; misono serve --allow-private permits it"):
        send(message(f"http://{host}:{receiver.port}/"), allow_private=False)
    assert receiver.received == []


def test_a_certificate_must_come_from_who_is_trusted(tmp_path: Path, receiver: Receiver) -> None:
    certificate, key = certificates(tmp_path)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate, key)
    receiver.wrap(trust)
    send(message(f"https://localhost:{receiver.port}/"), ca=certificate)
    receiver.wait(1)
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED"):
        send(message(f"https://localhost:{receiver.port}/"))


KEYS = [
    (ed25519.Ed25519PrivateKey.generate(), algorithms.ED25519),
    (ec.generate_private_key(ec.SECP256R1()), algorithms.ECDSA_P256_SHA256),
    (ec.generate_private_key(ec.SECP384R1()), algorithms.ECDSA_P384_SHA384),
    (rsa.generate_private_key(65537, 2048), algorithms.RSA_PSS_SHA512),
]


class Asked:
    """A request as the verifying library wants it."""

    method = "POST"

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url, self.headers = url, headers


@pytest.mark.parametrize(("key", "algorithm"), KEYS, ids=lambda one: type(one).__name__)
def test_a_signed_notification_verifies_with_the_public_key(
    key: ed25519.Ed25519PrivateKey, algorithm: type, tmp_path: Path, receiver: Receiver
) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    clock = FakeClock()
    send(message(receiver.url + "/n?q=1"), sign=Signer(pem, "city-key", clock))
    [got] = receiver.wait(1)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    resolver = MappingKeyResolver(public_keys={"city-key": public}, private_keys={})
    asked = Asked(receiver.url + "/n?q=1", got.headers)
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    assert got.headers["Content-Digest"] == f"sha-256=:{digest}:"
    [found] = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver).verify(
        asked, max_age=None, body=BODY
    )
    assert set(found.covered_components) >= {'"@method"', '"@target-uri"', '"content-type"', '"content-digest"'}
    assert found.parameters["created"] == clock.now() // 1_000_000
    assert found.parameters["keyid"] == "city-key"


def test_what_is_no_key_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(BadKey, match="no private key"):
        Signer(tmp_path / "no.pem", "k", FakeClock())
    other = tmp_path / "ec.pem"
    other.write_bytes(
        ec.generate_private_key(ec.SECP521R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(BadKey, match="cannot sign here"):
        Signer(other, "k", FakeClock())
