"""A link that fails is started again, and its adapter says so until it works; others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters import running
from adapters.frame import Frame
from adapters.link import Receive
from adapters.order import Delivered, NotReached, Order
from tests.fakes.piped import HandLink, Pipe, piped, until
from tests.unit.adapters.test_thin_path import ROOM, ROOMS

CITY = {**ROOMS, "others.yaml": ROOMS["sensors.yaml"].replace("adapter: sensors", "adapter: others")}


class Stumbling:
    """A link that fails so often before it works."""

    def __init__(self, inner: HandLink, times: int, error: Exception) -> None:
        self._inner, self.left, self._error = inner, times, error

    async def run(self, receive: Receive) -> None:
        """Fail, or work."""
        if self.left:
            self.left -= 1
            raise self._error
        await self._inner.run(receive)

    async def send(self, order: Order) -> Delivered:
        """As the link does."""
        return await self._inner.send(order)


@pytest.mark.parametrize("error", [ConnectionRefusedError("nobody listens"), ZeroDivisionError("a fault")])
def test_it_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(running, "PAUSE_S", 0.01)
    monkeypatch.setattr(running, "SETTLED_S", 0.2)
    with piped(tmp_path, CITY) as pipe:
        one = pipe.assembled.running.adapters["sensors"]
        stumbling = Stumbling(pipe.links["sensors"], 3, error)
        one.link = stumbling
        assert one.task is not None
        restart(pipe)
        until(lambda: one.failure)
        assert type(error).__name__ in one.failure
        assert pipe.assembled.running.states()["others"] == "ok"
        until(lambda: not stumbling.left and not one.failure)
        assert one.counts.link_failures == 3
        pipe.give("sensors", Frame(b'{"t": 21.5}', pipe.now(), device="sensor-1"))
        assert pipe.entity(ROOM)["warmth"]["value"] == 21.5


def restart(pipe: Pipe) -> None:
    """Have the adapter begin with its new link."""
    run = pipe.assembled.running
    one = run.adapters["sensors"]

    async def again() -> None:
        assert one.task is not None
        one.task.cancel()
        one.task = asyncio.get_running_loop().create_task(run._work(one))

    run.call(again()).result(5)


def test_an_adapter_that_does_not_run_here_reaches_nobody(tmp_path: Path) -> None:
    with piped(tmp_path, CITY) as pipe:
        device = pipe.assembled.devices.of_adapter("sensors")[0]
        assert pipe.assembled.running.send(Order("1", device, "on", value=True)).result(5) == Delivered("OK")
        assert [one.id for one in pipe.links["sensors"].orders] == ["1"]
        elsewhere = Order("2", device.__class__("x", "elsewhere"), "on", value=True)
        with pytest.raises(NotReached):
            pipe.assembled.running.send(elsewhere).result(5)
