"""The model of a large city: what is counted once is multiplied, and what is scarcest says how many machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.city_model import GB, Assumed, Case, brokers, collections, index_bytes, lines, shards

THINGS = ("entity", "created_history", "changed_history", "changed_log", "subscription", "notification")
COUNTED = {
    **{f"{thing}_{part}": value for thing in THINGS for part, value in (("documents", 1.0), ("bytes", 1000.0))},
    **{f"index_{thing}__{part}": value for thing in THINGS for part, value in (("id_entries", 1.0), ("id_kept", 67.0))},
    "index_entity__t_k_o_entries": 24.0,
    "index_entity__t_k_o_kept": 335.0,
    **{
        f"{name}_{part}": value
        for name in ("patch", "closing", "get", "page_q")
        for part, value in (("commands", 2.0), ("bytes_sent", 500.0), ("bytes_read", 1000.0))
    },
}
ASSUMED = Assumed(fill=0.67)


def test_pages_of_an_index_are_as_full_as_assumed() -> None:
    found = index_bytes(COUNTED, "entity", ASSUMED)
    assert found == {"id": pytest.approx(100), "t_k_o": pytest.approx(500)}


def test_all_entities_are_as_large_as_so_many() -> None:
    entities, history, *_ = collections(Case(changes_s=1, history_days=1), COUNTED, ASSUMED)
    assert entities.bytes == 10 * GB
    assert entities.index_bytes == pytest.approx(6 * GB)
    assert history.documents == 10e6 + 86_400


def test_a_log_is_kept_by_size_too() -> None:
    few = Case(tenants=1, changes_s=1000)
    log = next(one for one in collections(few, COUNTED, ASSUMED) if one.name == "log")
    assert log.bytes == pytest.approx(64 * 2**20)


def test_the_scarcest_says_how_many_sets() -> None:
    small = Case(changes_s=10, reads_s=10, pages_s=1)
    assert shards(small, COUNTED, ASSUMED) == {"memory": 1, "disk": 1, "commands": 1}
    busy = replace(small, reads_s=20_000)
    assert shards(busy, COUNTED, ASSUMED) == {"memory": 1, "disk": 1, "commands": 13}
    large = replace(small, entities=350e6)
    assert shards(large, COUNTED, ASSUMED)["memory"] == 5
    assert brokers(busy, ASSUMED) > brokers(small, ASSUMED)


def test_the_tables_are_markdown() -> None:
    text = "\n".join(lines(Case(), COUNTED, ASSUMED))
    assert "| entities | 10,000,000 | 1,000 | 10.0 | 6.0 |" in text
    assert "| `t_k_o` | 24 | 500 | 5.0 |" in text
    assert "Replica sets: 1 by memory" in text
