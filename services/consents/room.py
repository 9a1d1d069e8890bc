"""The room of consents: its parts put together, what is done by itself, and what other rooms call in Python."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from threading import Event as Flag
from threading import Thread
from typing import Final

from broker.errors import NgsiError
from broker.http.rooms.route import Route
from broker.keeping import NotKept
from broker.model.values import Instant, Json
from broker.ports.audit import Entry
from broker.ports.hub import HubAway
from services.consents import timing
from services.consents.asking import Asking
from services.consents.book import Book, Done, Means, Who
from services.consents.closing import Closing, Withdrawn
from services.consents.conditions import Conditions
from services.consents.conditions_doors import ConditionsDoors
from services.consents.configured import read_settings
from services.consents.delegations import Delegations
from services.consents.doors import Doors
from services.consents.emergencies import Emergencies
from services.consents.forgetting import Forgetting
from services.consents.giving import Giving
from services.consents.parts import Parts
from services.consents.projecting import Projection
from services.consents.receipt_doors import ReceiptDoors
from services.consents.receipts import Receipts
from services.consents.recipient_doors import RecipientDoors, deletions_of
from services.consents.states import Record
from services.consents.terms import TermsRoom
from services.room import Ground

log = logging.getLogger("misono.consents")

TICK_S: Final = 1.0


class ConsentRoom:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self.settings = read_settings(ground.city)
        self._ground = ground
        self._projection = Projection(ground.hub, ground.library, ground.public_url)
        self.receipts = Receipts(ground, self.settings)
        self.book = Book(ground.file, Means(ground.clock, ground.new_id, self.receipts.issue), self._finish)
        self.conditions = Conditions(self.book, self.settings.reconsent_days)
        self.terms = TermsRoom(self.book, self.conditions, ground, self.settings)
        self.closing = Closing(self.book, ground.library, self.settings)
        self.giving = Giving(self.book, self.terms, self.closing, ground.library, self.settings)
        self.asking = Asking(self.book, self.terms, self.settings)
        self.delegations = Delegations(self.book)
        self.emergencies = Emergencies(self.book, ground.audit, self.settings)
        self.forgetting = Forgetting(self.book, self.closing, self.settings)
        self._stopping = Flag()
        self._thread: Thread | None = None
        self._wrong = ""

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        parts = Parts(self.book, self.terms, self.closing, self.giving, self.asking, self.delegations, self.emergencies)
        doors = Doors(parts, self._ground)
        receipts = ReceiptDoors(self.book, self.receipts, self._ground, doors.mine, doors.seeing)
        conditions = ConditionsDoors(self.conditions, doors.acting)
        return [
            *doors.routes(),
            *conditions.routes(),
            *receipts.routes(),
            *RecipientDoors(self.book, self.closing, doors.seeing).routes(),
        ]

    def start(self) -> None:
        """As the port says: end what is due, show what could not be shown."""
        self._thread = Thread(target=self._run, name="consents-timer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """As the port says."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing is kept here by the id of an entity that holds data: `forget` is about persons."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._wrong or "ok"

    def tick(self) -> None:
        """End what is due by now, and show what could not be shown."""
        self.terms.note_changed()
        self.conditions.note_changed()
        timing.end_due(self.book, self.closing)
        self.forgetting.forget_due()
        self.forgetting.drop_notices()
        self._projection.catch_up(self.book)

    def records(self, tenant: str, subject: str) -> list[Record]:
        """A person's consents, oldest first."""
        return self.book.of_person(tenant, subject)

    def receipts_of(self, tenant: str, records: Iterable[str], at: Instant) -> list[str]:
        """The ids of the receipts that were the newest ones of these consents at that time."""
        sql = (
            "SELECT id FROM consents_receipt WHERE tenant = ? AND record = ? AND at <= ?"
            " ORDER BY version DESC, number DESC LIMIT 1"
        )
        found = (self._ground.file.read(sql, (tenant, record, at)) for record in records)
        return [str(row[0]) for rows in found for row in rows]

    def withdraw_all(self, tenant: str, who: Who, subject: str) -> Withdrawn:
        """End every consent of a person."""
        return self.closing.withdraw(tenant, who, subject, {"all": True})

    def forget(self, tenant: str, who: Who, subject: str) -> dict[str, Json]:
        """Let a person leave: see `forgetting`."""
        return self.forgetting.forget(tenant, who, subject)

    def deletions(self, tenant: str, subject: str) -> list[dict[str, Json]]:
        """What recipients were asked to delete of a person, with the state of each request."""
        return deletions_of(self.book, tenant, subject)

    def _finish(self, tenant: str, who: Who, done: Done) -> None:
        """Show first: what is withdrawn is not to be seen a moment longer. Then the audit, of all at once."""
        if done.shown:
            self._projection.show(self.book, tenant, done.shown)
        entries = [
            Entry(
                "consent", tenant, who.by or "resident", event.at, record.recipient, frozenset({record.purpose}),
                event.act.value, record.epoch,
                more={"record": record.id, "version": event.version, "state": record.state.value},
            )
            for event, record in done.events
        ]  # fmt: skip
        for pending in [self._ground.audit.record(entry) for entry in entries]:
            pending.result()

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                self.tick()
                self._wrong = ""
            except (NgsiError, HubAway, NotKept, OSError) as error:
                if not self._wrong:
                    log.warning("consents cannot be looked after now: %s", error)
                self._wrong = "what is due is not done"


def open_room(ground: Ground) -> ConsentRoom:
    """The room. Raises BadCity."""
    return ConsentRoom(ground)
