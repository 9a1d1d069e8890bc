"""How consents end: withdrawn in one act, expired, lapsed; what ends with them, and what recipients then delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from broker.errors import BadRequestData
from datamodels.library import Library
from services.consents.book import Book, Desk, Who, owned, text_of
from services.consents.configured import Settings
from services.consents.items import purpose_of, without
from services.consents.states import HOLDING, OPEN, Act, Record
from services.consents.terms import DAY_US

LIVE: Final = HOLDING | OPEN


@dataclass(slots=True)
class Withdrawn:
    """What a withdrawal ended (entity ids), what took its place with less in it, and what recipients are to delete."""

    ended: list[str] = field(default_factory=list)
    narrowed: list[str] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)


class Closing:
    """Ends consents."""

    def __init__(self, book: Book, library: Callable[[], Library], settings: Settings) -> None:
        self._book, self._library, self._settings = book, library, settings

    def withdraw(self, tenant: str, who: Who, subject: str, what: Mapping[str, Any]) -> Withdrawn:
        """End a person's consents in one act: all, those of a record, recipient or purpose, or one item of them.

        `what` is `{"all": true}` or some of `record`, `recipient`, `purpose`, `item` (`Type/attribute`, `Type/*`).
        Requests that wait for an answer are refused with them. Nothing more leaves when this returns.
        """
        wanted = {name: what[name] for name in ("recipient", "purpose") if name in what}
        if "purpose" in wanted:
            wanted["purpose"] = purpose_of(self._library(), wanted["purpose"])
        item = str(what.get("item", "")).partition("@")[0]
        if "item" in what and item.count("/") != 1:
            raise BadRequestData("that is no item", pointer="/item", remedy="Type/attribute, or Type/* for all of it")

        def work(desk: Desk) -> Withdrawn:
            done = Withdrawn()
            if "record" in what:
                owned(desk.record(what["record"]), subject)
            for record in desk.records("r.person = ?", desk.person(subject)):
                named = what.get("record", record.id) == record.id
                if named and all(getattr(record, name) == value for name, value in wanted.items()):
                    self._withdraw(desk, record.id, item, done)
            return done

        return self._book.transact(tenant, who, work)

    def revoke(self, tenant: str, who: Who, recipient: str, record_id: str) -> Record:
        """End a consent as its recipient, who no longer wants it. Raises as `owned`."""

        def work(desk: Desk) -> Record:
            found = desk.record(record_id)
            record = owned(found, found.subject if found is not None and found.recipient == recipient else "")
            self.close(desk, record, Act.REVOKE if record.state in HOLDING else Act.LAPSE, Withdrawn())
            return owned(desk.record(record_id), record.subject)

        return self._book.transact(tenant, who, work)

    def close(self, desk: Desk, record: Record, act: Act, done: Withdrawn) -> None:
        """End one, and with it the other members' where a household gave it together."""
        desk.append(record.id, act)
        done.ended.append(record.id)
        if record.state in HOLDING:
            self.ask_deletion(desk, record, record.items, done)
        for other in self.together(desk, record):
            desk.append(other.id, Act.LAPSE)
            if other.state in HOLDING:
                self.ask_deletion(desk, other, other.items, done)

    def ask_deletion(self, desk: Desk, record: Record, items: Sequence[str], done: Withdrawn) -> None:
        """Have the recipient delete what it got by a consent, and say until when."""
        thing = desk.new_id("DeletionRequest")
        deadline = desk.now + self._settings.deletion_days * DAY_US
        row = (desk.tenant, thing, record.id, record.person, record.recipient, desk.now, deadline, text_of([*items]))
        sql = (
            "INSERT INTO consents_deletion (tenant, id, record, person, recipient, asked, deadline, items)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        desk.db.execute(sql, row)
        desk.note("deletion", thing, "ask", {"record": record.id})
        done.deletions.append(thing)

    def narrow(self, desk: Desk, record: Record, changed: Mapping[str, Any]) -> Record:
        """Another record in the place of one that holds, with what is changed; so for all whose household gave it."""
        together = [record, *self.together(desk, record)]
        joint = desk.new_id("ConsentGroup") if len(together) > 1 else None
        found: list[Record] = []
        for one in together:
            desk.append(one.id, Act.SUPERSEDE)
            head = {"person": one.person, "recipient": one.recipient, "purpose": one.purpose}
            body = {**one.body, **changed, "supersedesConsent": one.id, "joint": joint}
            found.append(desk.append(desk.new_id("ConsentRecord"), Act.GIVE, {**head, **body}))
        return found[0]

    def _withdraw(self, desk: Desk, record_id: str, item: str, done: Withdrawn) -> None:
        record = desk.record(record_id)  # anew: it may have ended with another of the same household
        if record is None or record.state not in LIVE:
            return
        left, lost = without(self._library(), record.items, item) if item else ([], [*record.items])
        if not lost:
            return
        if record.state in OPEN:
            self.close(desk, record, Act.REFUSE, done)
        elif not left:
            self.close(desk, record, Act.WITHDRAW, done)
        else:
            together = [record, *self.together(desk, record)]
            done.narrowed.append(self.narrow(desk, record, {"dataItems": left}).id)
            named = [item if text.endswith("/*") else text for text in lost] if not item.endswith("/*") else lost
            for one in together:
                self.ask_deletion(desk, one, named, done)

    def together(self, desk: Desk, record: Record) -> list[Record]:
        """The other members' where a household gave it together, as far as they have not ended."""
        joint = record.body.get("joint")
        if joint is None:
            return []
        return [one for one in desk.records("r.joint = ?", joint) if one.id != record.id and one.state in LIVE]
