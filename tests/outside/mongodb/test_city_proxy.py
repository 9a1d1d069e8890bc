"""The proxy and mosquitto of docker-compose.yml, as Debian's programs run them with the files of examples/city."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.fakes import plain
from tests.fakes.mosquitto import program

CITY = Path(__file__).resolve().parents[3] / "examples/city"
HEADERS = ("Host", "NGSILD-Tenant", "X-Forwarded-Proto")


@dataclass
class Broker:
    """A server in the place of a broker: keeps what it was asked, and answers as its path says."""

    name: str
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def start(self) -> int:
        """Listen; the port."""
        held = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                held.asked.append((self.command, self.path, len(body)))
                if self.path.startswith("/events"):
                    self._stream()
                    return
                status = 503 if "busy" in self.path else 200
                self.send_response(status)
                for header in HEADERS:
                    self.send_header(f"Seen-{header}", self.headers.get(header, ""))
                if status == 503:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"7\r\ndata: 1\r\n")
                held.gate.wait(20)
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = _answer  # noqa: N815  the names that http.server calls

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return int(self.server.server_address[1])

    def stop(self) -> None:
        """Be gone: connections are refused, those that are open end."""
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def written(directory: Path, port: int, brokers: list[int]) -> Path:
    """The city's nginx.conf for this machine: other ports, and names that need no looking up."""
    text = (CITY / "nginx.conf").read_text()
    for number, broker in enumerate(brokers, 1):
        text = text.replace(f"broker{number}:1026 resolve", f"127.0.0.1:{broker}")
    text = text.replace("listen 1026", f"listen 127.0.0.1:{port}").replace("/run/nginx.pid", f"{directory}/pid")
    text = re.sub(r"(?m)^  resolver .*$", "", text).replace("/etc/nginx/more", f"{directory}/more")
    text = text.replace("http {", "http {" + "".join(
        f"\n  {kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ))  # fmt: skip
    file = directory / "nginx.conf"
    file.write_text(("user root;\n" if os.geteuid() == 0 else "") + text)
    return file


@contextmanager
def proxied(directory: Path) -> Iterator[tuple[int, list[Broker]]]:
    """Two brokers behind nginx: its port, and they."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if nginx is None:
        pytest.skip("nginx is not installed: tools/install.sh packages nginx")
    brokers = [Broker("one"), Broker("two")]
    port = free_port()
    file = written(directory, port, [broker.start() for broker in brokers])
    log = (directory / "nginx.log").open("wb")
    process = subprocess.Popen([nginx, "-c", str(file), "-g", "daemon off;"], stdout=log, stderr=log)
    log.close()
    try:
        for _ in range(250):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            assert process.poll() is None, (directory / "nginx.log").read_text()
            time.sleep(0.02)
        yield port, brokers
    finally:
        process.terminate()
        process.wait(10)
        for broker in brokers:
            with suppress(OSError):
                broker.stop()


def asked(port: int, path: str, method: str = "GET", body: bytes = b"") -> httpx.Response:
    return plain.request(
        method, f"http://127.0.0.1:{port}{path}", content=body, headers={"NGSILD-Tenant": "ward"}, timeout=20
    )


def certificates(directory: Path) -> None:
    """Those of the members as docs/deploy.md makes them; the city has the first one's."""
    text = (CITY.parents[1] / "docs/deploy.md").read_text()
    block = re.search(r"(?m)^    openssl req -x509(?:.*\n(?:    |$))+", text)
    assert block is not None
    script = block[0].replace("chown 999 $n.pem && ", "").replace("rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-256")
    subprocess.run(["bash", "-ec", script], cwd=directory, check=True, capture_output=True)
    (directory / "city.crt").write_bytes((directory / "mongo1.crt").read_bytes())
    (directory / "city.key").write_bytes((directory / "mongo1.key").read_bytes())
    (directory / "clients.pem").write_bytes((directory / "ca.pem").read_bytes())


def test_with_tls_only_who_has_a_certificate_is_let_in_and_not_to_operators_pages(tmp_path: Path) -> None:
    certificates(tmp_path)
    secured = free_port()
    (tmp_path / "more").mkdir()
    text = (CITY / "tls.conf").read_text().replace("listen 443", f"listen 127.0.0.1:{secured}")
    (tmp_path / "more/tls.conf").write_text(text.replace("/certificates/", f"{tmp_path}/"))
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with proxied(tmp_path) as (port, _):
        root = f"https://localhost:{secured}"
        with httpx.Client(verify=trust) as nobody:
            assert nobody.get(f"{root}/ngsi-ld/v1/types").status_code == 400
        trust.load_cert_chain(tmp_path / "mongo2.crt", tmp_path / "mongo2.key")
        with httpx.Client(verify=trust) as known:
            assert known.get(f"{root}/ngsi-ld/v1/types").status_code == 200
            assert known.get(f"{root}/admin/dead-letters").status_code == 404
            assert known.get(f"{root}/metrics").status_code == 404
        assert asked(port, "/admin/dead-letters").status_code == 200, "on the machine itself they are there"


def test_requests_go_to_both_as_they_came(tmp_path: Path) -> None:
    with proxied(tmp_path) as (port, brokers):
        path = "/ngsi-ld/v1/entities/urn%3Ax%2F1%23a?q=a%3E1"
        answers = [asked(port, path) for _ in range(20)]
        assert [answer.status_code for answer in answers] == [200] * 20
        assert answers[0].headers["Seen-NGSILD-Tenant"] == "ward"
        assert answers[0].headers["Seen-Host"] == f"127.0.0.1:{port}"
        assert {line for broker in brokers for line in broker.asked} == {("GET", path, 0)}
        assert all(broker.asked for broker in brokers), "one of them was asked everything"


def test_a_large_batch_passes(tmp_path: Path) -> None:
    with proxied(tmp_path) as (port, brokers):
        assert asked(port, "/ngsi-ld/v1/entityOperations/upsert", "POST", b"x" * 20_000_000).status_code == 200
        assert {size for broker in brokers for *_, size in broker.asked} == {20_000_000}


def test_a_broker_that_is_gone_is_not_noticed(tmp_path: Path) -> None:
    with proxied(tmp_path) as (port, brokers):
        brokers[0].stop()
        assert {asked(port, "/ngsi-ld/v1/types").status_code for _ in range(20)} == {200}
        assert {asked(port, "/ngsi-ld/v1/entities", "POST", b"{}").status_code for _ in range(20)} == {200}
        assert len(brokers[1].asked) == 40


def test_a_refusal_and_when_to_come_again_pass_as_they_are(tmp_path: Path) -> None:
    with proxied(tmp_path) as (port, brokers):
        answers = [asked(port, "/ngsi-ld/v1/busy") for _ in range(10)]
        assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "1")}
        assert sum(len(broker.asked) for broker in brokers) == 10, "a 503 is not asked for twice"


def test_a_stream_is_not_held_back(tmp_path: Path) -> None:
    with (
        proxied(tmp_path) as (port, brokers),
        plain.stream("GET", f"http://127.0.0.1:{port}/events?after=0", timeout=5) as answer,
    ):
        assert next(answer.iter_raw()) == b"data: 1", "it came while the stream was open"
        for broker in brokers:
            broker.gate.set()


@pytest.mark.parametrize("given", ["misono:right", "misono:wrong", ""])
@pytest.mark.parametrize("file", ["mosquitto.conf", "mosquitto-tls.conf"])
def test_mosquitto_lets_in_who_has_the_password(tmp_path: Path, file: str, given: str) -> None:
    passwords, port, secured = tmp_path / "passwords", free_port(), free_port()
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", str(passwords), "misono", "right"], check=True)
    if file == "mosquitto-tls.conf":
        certificates(tmp_path)
    text = (CITY / file).read_text().replace("/certificates/", f"{tmp_path}/").replace("8883", f"{secured} 127.0.0.1")
    text = text.replace("listener 1883", f"listener {port} 127.0.0.1").replace("/mosquitto/data/", f"{tmp_path}/")
    text = "user root\n" + text.replace("/etc/mosquitto.passwords", str(passwords))
    (tmp_path / "mosquitto.conf").write_text(text)
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen([program("mosquitto"), "-c", str(tmp_path / "mosquitto.conf")], stdout=log, stderr=log)
    log.close()
    try:
        assert connected(port, given) == (given == "misono:right"), (tmp_path / "log").read_text()
        if file == "mosquitto-tls.conf":
            ca = str(tmp_path / "ca.pem")
            assert connected(secured, given, ca) == (given == "misono:right"), (tmp_path / "log").read_text()
    finally:
        server.kill()
        server.wait()


def connected(port: int, given: str, ca: str = "") -> bool:
    """Whether mosquitto takes that user and password; over TLS where an authority is named."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if ca:
        client.tls_set(ca)
    if given:
        client.username_pw_set(*given.split(":"))
    said: list[bool] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: said.append(not reason.is_failure)
    for _ in range(250):
        with suppress(OSError):
            client.connect("localhost" if ca else "127.0.0.1", port)
            break
        time.sleep(0.02)
    client.loop_start()
    for _ in range(250):
        if said:
            break
        time.sleep(0.02)
    client.disconnect()
    client.loop_stop()
    return said[0]
