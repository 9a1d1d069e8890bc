"""What a room does by itself goes on after a failure, and says that there is one."""

from __future__ import annotations

import logging
from threading import Event

import pytest

from services.looking import Looking


def test_a_failure_is_told_once_and_forgotten_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    faults: list[Exception] = [ValueError("late"), KeyError("odd")]

    def work() -> None:
        if faults:
            raise faults.pop()

    looking = Looking("bank", 60.0, work, "what is due waits")
    assert looking.state() == "ok"
    with caplog.at_level(logging.WARNING):
        looking.once()
        looking.once()
    assert looking.state() == "what is due waits"
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    looking.once()
    assert looking.state() == "ok"


def test_it_goes_on_after_any_failure_until_it_is_stopped() -> None:
    turns, third = [0], Event()

    def work() -> None:
        turns[0] += 1
        if turns[0] == 3:
            third.set()
        raise RuntimeError("unforeseen")

    looking = Looking("ledger", 0.01, work, "it waits")
    looking.stop()  # before it began: nothing to wait for
    looking.start()
    assert third.wait(10), "one failure ended it"
    looking.stop()
    after = turns[0]
    assert not Event().wait(0.05)
    assert turns[0] == after
