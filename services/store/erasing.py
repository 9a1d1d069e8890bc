"""Erasure of a person, with a certificate: every place, what went, what stays and why, and where copies are.

reserved ─(due)─> running ─> done        a reserved one can be cancelled; one that was cut short runs again
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, runtime_checkable

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.model.values import Instant, Json, to_text
from broker.ports.audit import Disclosure, Entry
from broker.ports.erasures import ErasedPerson
from services.consents.book import Who
from services.room import Ground
from services.store.holding import Holding
from services.store.tables import Db, digest_of, salt_of, text_of
from services.store.words import kept_types, short, texts

if TYPE_CHECKING:
    from services.consents.room import ConsentRoom

log = logging.getLogger("misono.services.store")
CERTIFICATE: Final = "erasure-certificate+jwt"
RESERVED, RUNNING, DONE, CANCELLED = "reserved", "running", "done", "cancelled"
DAY_US: Final = 86_400_000_000
YEAR_US: Final = 366 * DAY_US
AHEAD_DAYS: Final = 366
RETRY_US: Final = 60_000_000
_COLUMNS: Final = "number, tenant, id, digest, subject, by, at, due, state, certificate, signed"
_OURS: Final = ("consents", "store", "audit")


@runtime_checkable
class Forgotten(Protocol):
    """What another room says of a person whom it forgot: rows that went by place, and (rows, until, why) that stay."""

    @property
    def gone(self) -> Mapping[str, int]:
        """By place."""

    @property
    def kept(self) -> Mapping[str, tuple[int, str, str]]:
        """By place: rows, until when, why."""


@runtime_checkable
class Forgets(Protocol):
    """A room that keeps something of persons."""

    def forget(self, tenant: str, subject: str) -> Forgotten | Mapping[str, int] | int:
        """Erase what may be erased; what of it is told: all, what went by place, or how much went."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A row; `subject` is there until it is done."""

    number: int
    tenant: str
    id: str
    digest: str
    subject: str | None
    by: str
    at: Instant
    due: Instant
    state: str
    certificate: str
    signed: str

    def told(self) -> dict[str, Json]:
        """As the person sees it."""
        told: dict[str, Json] = {
            "id": self.id,
            "state": self.state,
            "askedAt": to_text(self.at),
            "due": to_text(self.due),
        }
        if self.state == DONE:
            told |= {"certificate": json.loads(self.certificate), "signed": self.signed}
        return told


class Erasing:
    """Erases, now or when it is due."""

    def __init__(self, ground: Ground, holding: Holding) -> None:
        self._ground, self._holding = ground, holding
        self._salt = salt_of(ground.file)

    def ask(self, tenant: str, subject: str, by: str, due: Instant | None) -> dict[str, Json]:
        """Erase at once, or reserve it. Raises BadRequestData, Conflict where one is reserved."""
        now = self._ground.clock.now()
        if due is not None and not now < due <= now + AHEAD_DAYS * DAY_US:
            raise BadRequestData(
                f"an erasure is reserved for a time within {AHEAD_DAYS} days",
                pointer="/at",
                remedy=to_text(now + DAY_US),
            )
        erasure_id, digest = f"urn:ngsi-ld:Erasure:{self._ground.new_id()}", digest_of(self._salt, tenant, subject)

        def write(db: Db) -> None:
            sql = "SELECT 1 FROM store_erasure WHERE tenant = ? AND digest = ? AND state IN ('reserved', 'running')"
            if [*db.execute(sql, (tenant, digest))]:
                raise Conflict("an erasure is on its way", remedy="cancel it, or wait")
            sql = (
                "INSERT INTO store_erasure (tenant, id, digest, subject, by, at, due, state, certificate, signed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '')"
            )
            state = RUNNING if due is None else RESERVED
            db.execute(sql, (tenant, erasure_id, digest, subject, by, now, now if due is None else due, state))

        self._ground.file.write(write).result()
        if due is None:
            self._carry_out(self._row(erasure_id))
        return self._row(erasure_id).told()

    def again(self, tenant: str, subject: str) -> None:
        """Erase somebody whom a backup has brought back: what they had reserved is not waited for."""
        digest, now = digest_of(self._salt, tenant, subject), self._ground.clock.now()

        def write(db: Db) -> None:
            sql = "UPDATE store_erasure SET due = ?1, state = 'running' WHERE tenant = ?2 AND digest = ?3"
            db.execute(f"{sql} AND state = 'reserved'", (now, tenant, digest))

        self._ground.file.write(write).result()
        sql = f"SELECT {_COLUMNS} FROM store_erasure WHERE tenant = ? AND digest = ? AND state = 'running'"  # noqa: S608
        begun = [*map(_erasure, self._ground.file.read(sql, (tenant, digest)))]
        for one in begun:
            self._carry_out(one)
        if not begun:
            self.ask(tenant, subject, subject, None)

    def all(self, tenant: str, subject: str, after: int, limit: int) -> list[tuple[int, Json]]:
        """A person's erasures, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM store_erasure WHERE tenant = ? AND digest = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608, E501 - constants
        rows = self._ground.file.read(sql, (tenant, digest_of(self._salt, tenant, subject), after, limit))
        return [(one.number, one.told()) for one in map(_erasure, rows)]

    def one(self, tenant: str, subject: str, erasure_id: str) -> Erasure:
        """One of them. Raises ResourceNotFound, alike for another's."""
        found = self._found(erasure_id)
        if found is None or (found.tenant, found.digest) != (tenant, digest_of(self._salt, tenant, subject)):
            raise ResourceNotFound("there is no such erasure", remedy="/services/store/erasures lists yours")
        return found

    def cancel(self, tenant: str, subject: str, erasure_id: str) -> dict[str, Json]:
        """Cancel a reserved one. Raises ResourceNotFound, Conflict where it is not reserved any more."""
        self.one(tenant, subject, erasure_id)

        def write(db: Db) -> None:
            sql = (
                "UPDATE store_erasure SET state = 'cancelled', subject = NULL, by = ''"
                " WHERE id = ? AND state = 'reserved' RETURNING 1"
            )
            if not [*db.execute(sql, (erasure_id,))]:
                raise Conflict("it is not reserved any more")

        self._ground.file.write(write).result()
        return self._row(erasure_id).told()

    def tick(self) -> int:
        """Carry out what is due, and what was cut short; how many."""
        now = self._ground.clock.now()
        sql = (
            f"SELECT {_COLUMNS} FROM store_erasure WHERE (state = 'reserved' AND due <= ?1)"  # noqa: S608 - constants
            " OR (state = 'running' AND at <= ?2)"
        )
        found = [*map(_erasure, self._ground.file.read(sql, (now, now - RETRY_US)))]
        for one in found:
            self._carry_out(one)
        return len(found)

    def _carry_out(self, one: Erasure) -> None:
        """Consents first, so that nobody is shown anything meanwhile; the audit last, as others read it before."""
        tenant, subject = one.tenant, cast("str", one.subject)
        told = self._ground.audit.disclosures(tenant, subject)
        gone, kept = dict[str, int](), list[dict[str, Json]]()
        copies = self._end_consents(tenant, one.by, subject, gone, kept)
        for name, room in self._ground.rooms.items():
            if name not in _OURS and isinstance(room, Forgets):
                kept += _note(f"services/{name}", room.forget(tenant, subject), gone)
        erased = self._ground.hub.erase(tenant, subject, frozenset(kept_types()), self._agreed(tenant, subject))
        gone.update(self._forget_own(tenant, subject))
        more: dict[str, Json] = {"certificate": one.id, "entities": len(erased.erased)}
        entry = Entry("erasure", tenant, "resident", erased.at, operation="store_erase", more=more)
        self._ground.audit.record(entry).result()
        gone["audit"] = self._ground.audit.erase(tenant, subject, f"erasure {one.id}")
        certificate = self._certificate(one, erased, gone, [*kept, *_kept_entities(erased)])
        certificate["copies"] = cast("Json", [*copies, *_others(told, copies)])
        signed = self._ground.signer.sign(certificate, CERTIFICATE)
        sql = (
            "UPDATE store_erasure SET state = 'done', subject = NULL, by = '', certificate = ?, signed = ? WHERE id = ?"
        )

        def write(db: Db) -> None:
            db.execute(sql, (text_of(certificate), signed, one.id))
            self._ground.file.empty_log()

        self._ground.file.write(write).result()
        log.info("erasure %s in tenant %r is done", one.id, tenant)

    def _end_consents(
        self, tenant: str, by: str, subject: str, gone: dict[str, int], kept: list[dict[str, Json]]
    ) -> list[dict[str, Json]]:
        room = cast("ConsentRoom | None", self._ground.rooms.get("consents"))
        if room is None or not room.book.person(tenant, subject):  # who was never heard of there stays so
            return []
        done = cast("dict[str, Any]", room.forget(tenant, Who(subject=by), subject))
        gone["services/consents"] = done["delegations"] + done["notices"]
        if done["kept"]["events"]:
            why = texts()["kept"]["ConsentRecord"]
            kept.append({
                "place": "services/consents", "rows": done["kept"]["events"], "until": done["kept"]["until"],
                "why": {"ja": why["ja"], "en": why["en"]},
            })  # fmt: skip
        return [{**one, "subject": None} for one in room.deletions(tenant, subject)]

    def _agreed(self, tenant: str, subject: str) -> frozenset[str]:
        """Of those whom the person's data are about as well, who asked for erasure of all that is about both.

        An erasure that is done counts for what it left as joint, not for what came later.
        """
        shared: dict[str, set[str]] = {}
        for entity_id, named in self._ground.hub.about(tenant, subject).items():
            for other in named - {subject}:
                shared.setdefault(other, set()).add(entity_id)
        return frozenset(other for other, ids in shared.items() if self._asked_for(tenant, other, ids))

    def _asked_for(self, tenant: str, other: str, ids: set[str]) -> bool:
        """Whether they are having everything erased now, or had these left as joint when they did."""
        sql = (
            "SELECT state, certificate FROM store_erasure"
            " WHERE tenant = ? AND digest = ? AND state IN ('done', 'running')"
        )
        left = set[str]()
        for state, certificate in self._ground.file.read(sql, (tenant, digest_of(self._salt, tenant, other))):
            if state == RUNNING:
                return True
            left.update(json.loads(str(certificate))["joint"]["entities"])
        return ids <= left

    def _forget_own(self, tenant: str, subject: str) -> dict[str, int]:
        def write(db: Db) -> dict[str, int]:
            shares = "SELECT id FROM store_share WHERE tenant = ? AND subject = ?"
            db.execute(f"DELETE FROM store_share_use WHERE share IN ({shares})", (tenant, subject))  # noqa: S608
            gone = {}
            for table in ("share", "correction"):
                sql = f"DELETE FROM store_{table} WHERE tenant = ? AND subject = ? RETURNING 1"  # noqa: S608 - two names
                gone[f"services/store/{table}s"] = len([*db.execute(sql, (tenant, subject))])
            return gone

        return self._ground.file.write(write).result()

    def _certificate(
        self, one: Erasure, erased: ErasedPerson, gone: Mapping[str, int], kept: Sequence[Mapping[str, Json]]
    ) -> dict[str, Json]:
        rows = {**_rows(erased), **gone}
        places: list[Json] = [
            {"place": name, "label": {"ja": label["ja"], "en": label["en"]}, "erased": rows.pop(name, 0)}
            for name, label in texts()["places"].items()
        ]
        places += [
            {"place": name, "label": {"ja": name, "en": name}, "erased": number} for name, number in rows.items()
        ]
        why = texts()["why"]["joint"]
        return {
            "id": one.id, "issuedAt": to_text(self._ground.clock.now()), "erasedAt": to_text(erased.at),
            "tenant": one.tenant, "subjectDigest": f"blake2b-256:{one.digest}", "places": places,
            "entities": len(erased.erased), "entitiesInPart": len(erased.parts),
            "snapshots": [place for place in erased.gone if place],
            "joint": {"entities": [*erased.joint], "why": {"ja": why["ja"], "en": why["en"]}},
            "kept": cast("Json", [*kept]),
        }  # fmt: skip

    def _found(self, erasure_id: str) -> Erasure | None:
        sql = f"SELECT {_COLUMNS} FROM store_erasure WHERE id = ?"  # noqa: S608 - constants of ours
        return next(map(_erasure, self._ground.file.read(sql, (erasure_id,))), None)

    def _row(self, erasure_id: str) -> Erasure:
        found = self._found(erasure_id)
        assert found is not None
        return found


def _rows(erased: ErasedPerson) -> dict[str, int]:
    """Rows by place; those of snapshots together."""
    rows = {table: int(cast("int", number)) for table, number in erased.gone.get("", {}).items()}
    snapshots = [went for place, went in erased.gone.items() if place]
    rows["snapshot"] = sum(int(cast("int", number)) for went in snapshots for number in went.values())
    rows["entity_map"] = erased.entity_maps
    return rows


def _note(place: str, told: Forgotten | Mapping[str, int] | int, gone: dict[str, int]) -> list[dict[str, Json]]:
    """Add what went to `gone`; what stays."""
    if isinstance(told, Forgotten):
        gone.update(told.gone)
        return [_kept(one, *row) for one, row in told.kept.items()]
    gone.update({place: told} if isinstance(told, int) else told)
    return []


def _kept(place: str, rows: int, until: str, why: str) -> dict[str, Json]:
    return {"place": place, "rows": rows, "until": until, "why": {"ja": why, "en": why}}


def _kept_entities(erased: ErasedPerson) -> list[dict[str, Json]]:
    """Records that the law has kept, by type."""
    counts: dict[str, int] = {}
    known = kept_types()
    for types in erased.kept.values():
        for iri in types:
            counts[iri] = counts.get(iri, 0) + (iri in known)
    return [
        {
            "place": f"entity {short(iri)}", "rows": number,
            "until": to_text(erased.at + known[iri]["years"] * YEAR_US),
            "why": {"ja": known[iri]["ja"], "en": known[iri]["en"]},
        }
        for iri, number in counts.items() if number
    ]  # fmt: skip


def _others(told: Sequence[Disclosure], copies: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """Who got something and was not asked to delete by way of a consent."""
    asked = {str(one["recipient"]) for one in copies}
    rest = sorted({one.recipient or one.principal for one in told} - asked)
    return [{"recipient": one, "state": "told", "deadline": None} for one in rest]


def _erasure(row: tuple[Any, ...]) -> Erasure:
    return Erasure(*row)
