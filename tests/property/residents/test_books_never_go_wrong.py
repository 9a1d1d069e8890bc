"""The books never go wrong: random postings, reversals, freezes, people who leave, crashes, and two processes at once.

After every step the balances of each currency sum to zero, the chain holds, and every balance is what a plain
dictionary says; the same key gave the same posting.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from broker.errors import Conflict
from broker.keeping import Db, KeptFile
from services.ledger.book import Ledger, Opening
from services.ledger.postings import CURRENCIES, Leg, Posted, Posting
from tests.fakes.clock import FakeClock

PEOPLE = ("hana", "taro", "ken")
EXAMPLES = int(os.environ.get("BOOKS", "25"))
"""Of so many random steps each; more of them: BOOKS=500."""
amounts = st.integers(1, 5_000)
currencies = st.sampled_from(CURRENCIES)
people = st.sampled_from(PEOPLE)


class Crash(Exception):
    """The process ends within a transaction."""


class Books(RuleBasedStateMachine):
    """The ledger beside a dictionary of balances."""

    posted = Bundle("posted")

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="books-"))
        self.numbers, self.keys = itertools.count(1), itertools.count(1)
        self.balances, self.states, self.reversed = Counter[str](), dict[str, str](), set[str]()
        self.accounts: dict[tuple[str, str], str] = {}
        self.files = [self._opened(), self._opened()]
        self.ledgers = [self._ledger(file) for file in self.files]
        self.turn = 0

    def _opened(self) -> KeptFile:
        return KeptFile(self.directory / "services.sqlite", "services")

    def _ledger(self, file: KeptFile) -> Ledger:
        return Ledger(file, FakeClock(), lambda: f"{next(self.numbers):032x}")

    @property
    def ledger(self) -> Ledger:
        """Now the one process, now the other."""
        self.turn += 1
        return self.ledgers[self.turn % 2]

    @initialize()
    def accounts_there(self) -> None:
        for currency in CURRENCIES:
            issuer = Opening("urn:misono:issuer", "issuerAccount", currency, None)
            self.accounts["issuer", currency] = self.ledger.open("", issuer).id
            for name in PEOPLE:
                self.opened(name, currency)

    def opened(self, name: str, currency: str) -> str:
        """The account of somebody, who may have left and come again."""
        account = self.ledger.open("", Opening(f"urn:misono:subject:{name}", "residentAccount", currency))
        self.accounts[name, currency] = account.id
        self.states.setdefault(account.id, account.state)
        return account.id

    def works(self, posting: Posting) -> bool:
        """Whether the dictionary takes it."""
        after = self.balances.copy()
        for leg in posting.legs:
            after[leg.account] += leg.amount
        floors = [after[one] >= 0 for one in self.states]
        return all(floors) and all(self.states.get(one.account, "accountActive") == "accountActive"
                                   for one in posting.legs)  # fmt: skip

    def book(self, posting: Posting) -> Posted | None:
        """Post it, and have the ledger agree with the dictionary about whether it can be."""
        if not self.works(posting):
            with pytest.raises(Conflict):
                self.ledger.post("", posting)
            return None
        done = self.ledger.post("", posting)
        for leg in posting.legs:
            self.balances[leg.account] += leg.amount
        return done

    def legs(self, giver: str, taker: str, currency: str, amount: int) -> tuple[Leg, Leg]:
        """From one to another."""
        gives, takes = self.accounts[giver, currency], self.accounts[taker, currency]
        return Leg(gives, currency, -amount), Leg(takes, currency, amount)

    @rule(target=posted, taker=people, currency=currencies, amount=amounts)
    def issue(self, taker: str, currency: str, amount: int) -> object:
        posting = Posting(f"key-{next(self.keys)}", "issuance", self.legs("issuer", taker, currency, amount))
        done = self.book(posting)
        return multiple() if done is None else done

    @rule(target=posted, giver=people, taker=people, currency=currencies, amount=amounts)
    def move(self, giver: str, taker: str, currency: str, amount: int) -> object:
        posting = Posting(f"key-{next(self.keys)}", "transfer", self.legs(giver, taker, currency, amount))
        done = self.book(posting)
        return multiple() if done is None else done

    @rule(target=posted, payer=people, shares=st.lists(st.tuples(people, currencies, amounts), min_size=1, max_size=6))
    def pay_many(self, payer: str, shares: list[tuple[str, str, int]]) -> object:
        legs = tuple(leg for taker, currency, amount in shares for leg in self.legs(payer, taker, currency, amount))
        done = self.book(Posting(f"key-{next(self.keys)}", "dataBenefit", legs))
        return multiple() if done is None else done

    @rule(done=posted)
    def ask_again(self, done: Posted) -> None:
        again = self.ledger.post("", done.posting)
        assert (again.number, again.id, again.posting) == (done.number, done.id, done.posting)

    @rule(done=posted)
    def something_else_by_the_same_key(self, done: Posted) -> None:
        twice = tuple(Leg(one.account, one.currency, one.amount * 2) for one in done.posting.legs)
        with pytest.raises(Conflict):
            self.ledger.post("", Posting(done.posting.key, done.posting.reason, twice))

    @rule(target=posted, done=posted)
    def take_back(self, done: Posted) -> object:
        back = tuple(Leg(one.account, one.currency, -one.amount) for one in done.posting.legs)
        if done.id in self.reversed or not self.works(Posting("any", "reversal", back)):
            with pytest.raises(Conflict):
                self.ledger.reverse("", done.id, f"key-{next(self.keys)}")
            return multiple()
        taken = self.ledger.reverse("", done.id, f"key-{next(self.keys)}")
        self.reversed.add(done.id)
        for leg in back:
            self.balances[leg.account] += leg.amount
        return taken

    @rule(name=people, currency=currencies, state=st.sampled_from(["accountFrozen", "accountActive"]))
    def freeze(self, name: str, currency: str, state: str) -> None:
        account = self.accounts[name, currency]
        self.states[account] = self.ledger.set_state("", account, state).state

    @rule(name=people)
    def leave_and_come_again(self, name: str) -> None:
        assert self.ledger.forget("", f"urn:misono:subject:{name}") == len(CURRENCIES)
        for currency in CURRENCIES:
            old = self.accounts[name, currency]
            self.states[old] = self.ledger.account("", old).state
            assert self.states[old] == ("accountFrozen" if self.balances[old] else "accountClosed")
            assert self.opened(name, currency) != old

    @rule(taker=people, currency=currencies, amount=amounts)
    def crash_within(self, taker: str, currency: str, amount: int) -> None:
        posting = Posting(f"key-{next(self.keys)}", "issuance", self.legs("issuer", taker, currency, amount))
        if not self.works(posting):
            return
        ledger = self.ledger

        def end(db: Db) -> None:
            ledger.post_within(db, "", posting)
            raise Crash

        with pytest.raises(Crash):
            self.files[0].write(end).result()

    @rule()
    def start_again(self) -> None:
        self.files[0].close()
        self.files[0] = self._opened()
        self.ledgers[0] = self._ledger(self.files[0])

    @invariant()
    def books_hold(self) -> None:
        self.ledger.verify()
        rows = self.files[1].read("SELECT currency, sum(balance) FROM ledger_account GROUP BY currency")
        assert all(total == 0 for _, total in rows)
        kept = self.files[0].read("SELECT id, balance FROM ledger_account")
        assert all(balance == self.balances[str(one)] for one, balance in kept)

    def teardown(self) -> None:
        for file in self.files:
            file.close()
        shutil.rmtree(self.directory)


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
