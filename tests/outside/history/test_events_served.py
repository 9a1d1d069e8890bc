"""The change stream of a served broker: hundreds of idle followers, what they cost, and how they end."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.outside.served import Served, serving, stop

FOLLOWERS = 300
WAIT_S = 20.0
CPU_MS_A_SECOND_MAX = 50
"""Five hundredths of a core for all of them together."""
KIB_EACH_MAX = 100


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "data") as broker:
        yield broker


def follow(served: Served, query: str = "") -> socket.socket:
    """A follower's connection, its request sent."""
    one = socket.create_connection(("127.0.0.1", served.port))
    one.sendall(f"GET /events{query} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    return one


def read_until(followers: list[socket.socket], wanted: bytes) -> dict[socket.socket, bytes]:
    """What each has got, once all have got `wanted`."""
    texts = dict.fromkeys(followers, b"")
    by_number = {one.fileno(): one for one in followers}
    end = time.monotonic() + WAIT_S
    with selectors.DefaultSelector() as selector:
        for one in followers:
            selector.register(one, selectors.EVENT_READ)
        while any(wanted not in text for text in texts.values()):
            assert time.monotonic() < end, f"{sum(wanted in text for text in texts.values())} of {len(texts)}"
            for key, _ in selector.select(1):
                one = by_number[key.fd]
                texts[one] += one.recv(1 << 16)
    return texts


def cpu_s(served: Served) -> float:
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def create(served: Served, name: str) -> None:
    body = {"id": f"urn:ngsi-ld:Car:{name}", "type": "Car", "speed": {"type": "Property", "value": 1}}
    assert served.http.post("/entities", json=body).status_code == 201


def test_hundreds_of_idle_followers_cost_little_and_all_get_what_comes(lasting: Served) -> None:
    create(lasting, "first")
    small = lasting.rss_mib()
    with ExitStack() as closing:
        followers = [closing.enter_context(follow(lasting)) for _ in range(FOLLOWERS)]
        read_until(followers, b"id: 1\n\n")
        each_kib = (lasting.rss_mib() - small) * 1024 / FOLLOWERS
        time.sleep(2)  # what the start put off is over
        before, begin = cpu_s(lasting), time.monotonic()
        time.sleep(3)
        idle_ms = (cpu_s(lasting) - before) / (time.monotonic() - begin) * 1000
        create(lasting, "second")
        begin = time.monotonic()
        texts = read_until(followers, b"Car:second")
        took_ms = (time.monotonic() - begin) * 1000
    assert all(text.count(b"data: ") == 1 for text in texts.values())
    print(f"\nfigure idle_ms_a_second {idle_ms:.1f} {FOLLOWERS}")
    print(f"figure follower_kib {each_kib:.1f} {FOLLOWERS}")
    print(f"figure told_all_ms {took_ms:.1f} {FOLLOWERS}")
    assert idle_ms < CPU_MS_A_SECOND_MAX
    assert each_kib < KIB_EACH_MAX


def test_a_follower_that_left_is_forgotten(lasting: Served) -> None:
    with ExitStack() as closing:
        followers = [closing.enter_context(follow(lasting)) for _ in range(500)]
        read_until(followers, b"id: 0\n\n")
    time.sleep(0.5)
    with ExitStack() as closing:
        again = [closing.enter_context(follow(lasting)) for _ in range(500)]
        read_until(again, b"id: 0\n\n")


def test_too_many_are_refused_and_told_when_to_come_again(lasting: Served) -> None:
    with ExitStack() as closing:
        followers = [closing.enter_context(follow(lasting)) for _ in range(512)]
        read_until(followers, b"id: 0\n\n")
        texts = read_until([closing.enter_context(follow(lasting))], b"Service unavailable")
    (text,) = texts.values()
    assert text.startswith(b"HTTP/1.1 503")
    assert b"retry-after" in text.lower()


def test_open_streams_do_not_hold_the_stop(lasting: Served) -> None:
    with follow(lasting) as reading, follow(lasting) as silent:
        read_until([reading, silent], b"id: 0\n\n")
        begin = time.monotonic()
        lasting.process.send_signal(signal.SIGTERM)
        assert stop(lasting) == 0
        assert time.monotonic() - begin < 5
        assert reading.recv(1 << 16).endswith(b"0\r\n\r\n"), "the body ends, as HTTP ends it"


@pytest.mark.parametrize("workers", ["2"])
def test_a_follower_hears_of_what_another_process_wrote(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "several", "--workers", workers) as broker, follow(broker) as one:
        read_until([one], b"id: 0\n\n")
        for number in range(20):
            create(broker, str(number))
            broker.http.close()
            broker.http = type(broker.http)(base_url=f"{broker.root}/ngsi-ld/v1", timeout=60)
        (text,) = read_until([one], b"Car:19").values()
        assert [b"Car:%d" % number in text for number in range(20)] == [True] * 20
