"""Corrections: a person puts right what is held about them, and it is seen that they did."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.model.entity import ENTITY_MEMBERS, Instance, as_list, instances, member
from broker.model.subjects import JUDGED_BY
from broker.model.values import Json, to_text
from broker.ports.audit import Entry, Told
from services.room import Ground
from services.store.holding import Holding
from services.store.tables import Db, text_of
from services.store.words import DEF, kept_types, short

CORRECTED: Final = DEF + "correctedBy"
CORRECTED_AT: Final = DEF + "correctedAt"
VALUE_MAX: Final = 10_000


class Correcting:
    """Writes corrections, and notes them."""

    def __init__(self, ground: Ground, holding: Holding) -> None:
        self._ground, self._holding = ground, holding

    def correct(self, tenant: str, subject: str, by: str, given: dict[str, Any]) -> dict[str, Json]:
        """Put one value right; what it was stays in its history. Raises the refusal."""
        held = self._holding.entity(tenant, subject, str(given["entity"]))
        if held.document is None:
            raise Conflict("it is gone, nothing of it can be corrected", pointer="/entity")
        if not kept_types().keys().isdisjoint(as_list(held.types)):
            raise Forbidden("that is a record of what was done", pointer="/entity", remedy="a complaint to the bank")
        name = _name(held.document, str(given["attribute"]))
        now, dataset = self._ground.clock.now(), given.get("datasetId")
        right = _corrected(held.document[name], given["value"], cast("str | None", dataset), to_text(now))
        (refusal,) = self._ground.hub.upsert(tenant, [{"id": held.id, "type": held.types, name: right}])
        if refusal is not None:
            raise refusal
        body = {"entity": held.id, "attribute": name, "reason": str(given.get("reason", ""))[:500]}
        made = f"urn:ngsi-ld:DataCorrection:{self._ground.new_id()}"
        sql = "INSERT INTO store_correction (tenant, id, subject, by, at, body) VALUES (?, ?, ?, ?, ?, ?)"

        def write(db: Db) -> None:
            db.execute(sql, (tenant, made, subject, by, now, text_of(body)))

        self._ground.file.write(write).result()
        told = Told(subject, {iri: frozenset({name}) for iri in as_list(held.types)})
        entry = Entry("correction", tenant, "resident", now, operation="store_correct", told=(told,))
        self._ground.audit.record(entry).result()
        return {"id": made, "at": to_text(now), **body}

    def all(self, tenant: str, subject: str, after: int, limit: int) -> list[tuple[int, Json]]:
        """What a person corrected, oldest first."""
        sql = (
            "SELECT number, id, at, body FROM store_correction"
            " WHERE tenant = ? AND subject = ? AND number > ? ORDER BY number LIMIT ?"
        )
        rows = self._ground.file.read(sql, (tenant, subject, after, limit))
        return [
            (int(str(number)), {"id": str(id_), "at": to_text(int(str(at))), **json.loads(str(body))})
            for number, id_, at, body in rows
        ]


def _name(document: dict[str, Json], wanted: str) -> str:
    for name in document:
        if name not in ENTITY_MEMBERS and name not in JUDGED_BY and wanted in (name, short(name)):
            return name
    raise ResourceNotFound("it has no such attribute", pointer="/attribute", remedy="one that it has")


def _corrected(held: Json, value: Json, dataset: str | None, now: str) -> Json:
    """The attribute with that instance put right. Raises BadRequestData, ResourceNotFound."""
    found: list[Instance] = []
    there = False
    for one in instances(held):
        if one.get("datasetId") == dataset:
            there = True
            found.append(_put_right(one, value, now))
        else:
            found.append(one)
    if not there:
        raise ResourceNotFound("it has no value of this datasetId", pointer="/datasetId")
    return member(found)


def _put_right(one: Instance, value: Json, now: str) -> Instance:
    name = {"Property": "value", "VocabProperty": "vocab", "LanguageProperty": "languageMap"}.get(str(one["type"]))
    if name is None:
        raise BadRequestData("only values are corrected here", pointer="/attribute", remedy="a Property")
    was = one[name]
    numbers = isinstance(was, int | float) and isinstance(value, int | float)
    if not (numbers or type(was) is type(value)) or isinstance(was, bool) is not isinstance(value, bool):
        raise BadRequestData("the value is of another kind", pointer="/value", remedy="one like that which it has")
    if len(text_of(value)) > VALUE_MAX:
        raise BadRequestData(f"a value of {VALUE_MAX} characters at most", pointer="/value")
    told: Instance = {"type": "Property", "value": "dataSubject"}
    return {**one, name: value, CORRECTED: told, CORRECTED_AT: {"type": "Property", "value": now}}
