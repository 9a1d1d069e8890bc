"""Which supporters a request suits, what it costs, and codes of lockers that nobody can read again."""

from __future__ import annotations

from services.childcare.matching import HOUR_US, Offer, Wanted, fee, suits
from services.lockers.secrets_of import fits, new_code, sealed


def test_kind_day_and_age_decide() -> None:
    wanted = Wanted("lookingAfter", 3, (18, 40))
    assert suits(wanted, Offer(("lookingAfter", "dropOffPickUp"), (1, 3), 12))
    assert suits(wanted, Offer(("lookingAfter",)))
    assert not suits(wanted, Offer(("dropOffPickUp",)))
    assert not suits(wanted, Offer(("lookingAfter",), (1, 2)))
    assert not suits(wanted, Offer(("lookingAfter",), (), 24))


def test_a_fee_is_whole_thousandths_of_the_time() -> None:
    assert fee(800_000, 0, 3 * HOUR_US) == 2_400_000
    assert fee(1_000, 0, HOUR_US // 3) == 333


def test_a_code_fits_what_was_sealed_of_it_alone() -> None:
    code = new_code()
    kept, again = sealed(code), sealed(code)
    assert fits(kept, code)
    assert not fits(kept, f"{(int(code) + 1) % 1_000_000:06d}")
    assert not fits(None, code)
    assert kept != again
    assert code not in kept.values()
