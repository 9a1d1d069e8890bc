"""The room of the bank: its tables, routes and timer, and what it keeps of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import NgsiError
from broker.http.rooms.route import Route
from broker.model.values import Json
from services.bank import complaints, incidents, offers, recipients, requesting
from services.bank.bank import Bank
from services.bank.book import Book, Item
from services.bank.configured import read_settings
from services.bank.delivering import Delivering, Parts
from services.bank.doors import Row
from services.bank.handing import HandedOver
from services.bank.items import texts_of
from services.bank.operators_door import OperatorsDoor
from services.bank.peoples_door import PeoplesDoor
from services.bank.projecting import Projector
from services.bank.public_door import PublicDoor
from services.bank.records import Records
from services.bank.telling import Telling
from services.looking import Looking
from services.room import Ground

LOOK_S: Final = 0.5
"""So often it is looked what is due: a certificate that runs out blocks at once by itself, this tells of it."""
THIN_LOOKS: Final = 7_200
"""About once an hour what the law no longer asks to be kept goes, and what the audit told is taken over."""
LAPSES: Final = {
    recipients.KIND: recipients.lapse, offers.KIND: offers.lapse, requesting.AGREEMENT: requesting.lapse,
    complaints.KIND: complaints.lapse, incidents.KIND: incidents.lapse,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went of a person, by place, and what stays: how many rows, until when, and why."""

    gone: Mapping[str, int]
    kept: Mapping[str, tuple[int, str, str]]


class BankRoom:
    """The port Room; `bank`, `records` and `handed` are what other rooms call, and `forget`."""

    def __init__(self, ground: Ground) -> None:
        settings = read_settings(ground.city)
        projector = Projector(ground.hub, ground.library, ground.public_url)
        self._clock, self._projector = ground.clock, projector
        self.book = projector.book = Book(ground.file, ground.clock, projector.project)
        self.bank = Bank(self.book, ground.library, ground.new_id, settings)
        self.handed = HandedOver(ground.file, lambda: self.bank.id("DataDisclosure"))
        self.records = Records(ground.file, ground.audit, self._named, lambda items: texts_of(ground.library(), items))
        self.telling = Telling(ground.file, ground.audit)
        parts = Parts(ground.hub, ground.consents, ground.audit, ground.signer)
        self._doors = (
            OperatorsDoor(self.bank),
            PeoplesDoor(
                self.bank, ground, Delivering(self.bank, parts, self.handed, projector), self.handed,
                self.records,
            ),
            PublicDoor(self.bank),
        )  # fmt: skip
        self._looking = Looking("bank", LOOK_S, self._due, "what is due waits")
        self._looks, self._wrong = 0, ""

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return [row.route() for row in self.rows()]

    def rows(self) -> Sequence[Row]:
        """The table, with the roles that may."""
        return [row for door in self._doors for row in door.rows()]

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing: what the bank keeps is of persons and organisations, not of entities (see `forget`)."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def forget(self, tenant: str, subject: str) -> Forgotten:
        """Erase what is a person's own here (complaints); say what the law has kept, and until when.

        To be called before the audit forgets the person: what it tells of them is taken over into the records first.
        """
        self.records.collect(tenant, subject)
        gone = {"services/bank/complaints": self.book.forget(tenant, subject)}
        rows, until = self.records.count(tenant, subject)
        handed = self.handed.count(tenant, subject)
        why = "APPI 29, 30: records of provision are kept three years"
        kept = {"services/bank/records": (rows, until, why), "services/bank/handed": (handed, until, why)}
        return Forgotten(gone, {place: told for place, told in kept.items() if told[0]})

    def look(self) -> None:
        """Do what is due, show what could not be shown before, tell the audit what was done.

        Raises the first refusal, after all the rest.
        """
        refused: list[NgsiError] = []
        for tenant, item in self.book.due():
            try:
                self._lapse(tenant, item)
            except NgsiError as error:
                refused.append(error)
        for tenant, item in self.book.ahead():
            try:
                self._projector.project(tenant, [item])
            except NgsiError as error:
                refused.append(error)
        while self.telling.tell():
            pass
        if refused:
            raise refused[0]

    def _lapse(self, tenant: str, item: Item) -> None:
        lapse = LAPSES[item.kind]
        self.book.transact(tenant, "bank", lambda desk: lapse(desk, item.id))

    def tidy(self) -> None:
        """Take over what the audit told, and remove what the law no longer asks to be kept."""
        for tenant in self.book.tenants():
            self.records.collect(tenant)
        self.records.thin(self._clock.now())
        old = self.handed.old(self._clock.now())
        for tenant, receipt in old:
            self._projector.withdraw(tenant, receipt)
        if old:
            self.handed.remove(old)

    def _named(self, tenant: str, recipient: str) -> dict[str, str]:
        """The name, address and representative of an organisation, in Japanese."""
        item = self.book.find(tenant, recipients.KIND, recipient)
        body = {} if item is None else item.body
        return {
            "name": body.get("name", {}).get("ja", ""), "address": body.get("address", ""),
            "representative": body.get("representative", ""),
        }  # fmt: skip

    def _due(self) -> None:
        self.look()
        if self._looks % THIN_LOOKS == 0:
            self.tidy()
        self._looks += 1


def open_room(ground: Ground) -> BankRoom:
    """The bank. Raises BadCity."""
    return BankRoom(ground)
