"""Several brokers on one MongoDB count uses of @contexts side by side, and none overwrites another's."""

from __future__ import annotations

from contextlib import ExitStack

from broker.contexts.resolving import Contexts
from tests.engines.wires.running import fresh
from tests.http.doors import broker as made_broker


def test_counts_of_several_brokers_add_up() -> None:
    with ExitStack() as closing:
        url = closing.enter_context(fresh())
        contexts = []
        for _ in range(2):
            names = closing.enter_context(made_broker(store=url))[0].house.names
            assert isinstance(names, Contexts)
            contexts.append(names)
        entry = contexts[0].add({"@context": {"speed": "https://example.org/speed"}}, "")
        for times, names in zip((2, 3), contexts, strict=True):
            for _ in range(times):
                names.resolve(entry.url, "")
            names.flush()
        found = [names.entry(entry.id, "") for names in contexts]
        assert [one and one.hits for one in found] == [5, 5]
