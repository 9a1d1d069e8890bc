"""What is remembered of pages: for half a second, until a write, and never for more queries than fit."""

from __future__ import annotations

from broker.query.ast import EVERYTHING, Compare, HasType, Op, Path
from broker.stores.mongo.offsets import KNOWN_US, PLACES_MAX, QUERIES_MAX, TENANTS_MAX, Offsets

NOW = 1_000_000_000
CAR = HasType("https://example.org/Car")


def test_a_page_without_an_offset_starts_at_the_start() -> None:
    assert Offsets().of("t", CAR).after(0, NOW) == 0


def test_places_and_totals_are_known_for_a_while() -> None:
    known = Offsets().of("t", CAR)
    known.place(40, 7, NOW)
    known.count(99, NOW)
    assert (known.after(40, NOW + KNOWN_US - 1), known.total(NOW + KNOWN_US - 1)) == (7, 99)
    assert (known.after(40, NOW + KNOWN_US), known.total(NOW + KNOWN_US)) == (None, None)
    assert (known.after(40, NOW - 1), known.total(NOW - 1)) == (None, None)
    assert known.after(20, NOW) is None


def test_a_write_makes_its_tenant_unknown_and_no_other() -> None:
    offsets = Offsets()
    for tenant in ("a", "b"):
        offsets.of(tenant, CAR).place(40, 7, NOW)
        assert not offsets.is_stale(tenant, NOW, lambda: False)
    offsets.forget("a")
    assert offsets.of("a", CAR).after(40, NOW) is None
    assert offsets.of("b", CAR).after(40, NOW) == 7
    assert offsets.is_stale("a", NOW, lambda: True)
    assert not offsets.is_stale("b", NOW, lambda: True)
    assert offsets.is_stale("b", NOW + KNOWN_US, lambda: True)


def test_one_and_true_are_two_queries() -> None:
    offsets = Offsets()
    one, true = (Compare(Path("https://example.org/a"), Op.EQ, value) for value in (1, True))
    offsets.of("t", one).place(40, 7, NOW)
    assert offsets.of("t", true).after(40, NOW) is None


def test_no_more_is_kept_than_fits() -> None:
    offsets = Offsets()
    offsets.of("first", EVERYTHING).place(40, 7, NOW)
    for number in range(TENANTS_MAX):
        offsets.of(f"t{number}", EVERYTHING)
    assert offsets.of("first", EVERYTHING).after(40, NOW) is None
    known = offsets.of("t", CAR)
    for number in range(PLACES_MAX + 1):
        known.place(number + 1, number, NOW)
    assert known.after(1, NOW) is None
    for number in range(QUERIES_MAX):
        offsets.of("t", HasType(f"urn:{number}"))
    assert offsets.of("t", CAR) is not known
