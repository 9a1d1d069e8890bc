"""Whether a process alone makes commands in its store: only then may it pass over changes that did not ring there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from broker.joining import guard_claims
from broker.notify.slots import Slot, taken
from broker.wiring import build
from specs.door import settings_of


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[Callable[[], bool]]:
    """A process that serves, as far as that is seen by others; and what tells whether it is alone."""
    settings = settings_of("--data", str(directory), *options)
    with ExitStack() as closing:
        built = build(settings)
        closing.callback(built.close)
        slot = Slot(directory)
        closing.callback(slot.release)
        guard_claims(settings, built.store, built.guard, built.house.broker.clock)
        assert built.guard is not None
        yield built.guard.alone


def test_who_serves_by_itself_is_alone_until_another_comes(tmp_path: Path) -> None:
    with serving(tmp_path, "--store", "sqlite") as alone:
        assert alone()
        assert taken(tmp_path) == 1
        with serving(tmp_path, "--store", "sqlite") as other:
            assert not alone()
            assert not other()
            assert taken(tmp_path) == 2
        assert not alone(), "what that one wrote is read"
    with serving(tmp_path, "--store", "sqlite") as alone:
        assert alone()


@pytest.mark.parametrize(
    ("options", "found"), [(("--store", "memory"), True), (("--store", "sqlite", "--workers", "2"), False)]
)
def test_memory_is_nobody_elses_and_workers_are_many(tmp_path: Path, options: tuple[str, ...], found: bool) -> None:
    with serving(tmp_path, *options) as alone:
        assert alone() is found
