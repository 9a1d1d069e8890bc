"""The routes of the store of one's own, below /services/store. Whose data: the principal's, or `?for=` somebody's.

GET  /summary                        what kinds of data are held, how many, how sensitive
GET  /entities, /entities/{entity}   all that is held, `limit`, `after`;   /entities/{entity}/history  what it was
GET  /disclosures                    who got what, when, why, for what benefit
POST /corrections                    put a value right;   GET: what was
GET  /export                         `format` jsonld, csv or fhir
POST /shares                         share for a while;   GET, POST /shares/{share}/end;   POST /shared/{share} opens
POST /erasures                       erase, now or `at` a time;   GET, POST /erasures/{erasure}/cancel
POST /certificates                   whether a certificate is this hub's
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from broker.encode.text import dump
from broker.errors import BadRequestData, InvalidRequest
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.entity import ENTITY_MEMBERS, as_list
from broker.model.subjects import JUDGED_BY
from broker.model.values import Json, to_text
from broker.ports.audit import Disclosure
from broker.signing import BadSignature
from services.room import Ground
from services.store.answers import (
    BASE,
    FOR,
    NOT_KEPT,
    PAGED,
    Asking,
    answer,
    body_of,
    get,
    instant_of,
    language_of,
    page_of,
    paged,
    post,
    resident_of,
    text_member,
)
from services.store.correcting import Correcting
from services.store.erasing import CERTIFICATE, Erasing
from services.store.exporting import Taken, as_csv, as_fhir, as_json_ld, told_entity
from services.store.holding import HISTORY_MAX, Held, Holding
from services.store.sharing import Sharing, code_of
from services.store.words import DEF, Words, short

HISTORY_PAGE: Final = 1_000
FORMATS: Final = ("jsonld", "csv", "fhir")


class Doors:
    """The handlers."""

    def __init__(self, ground: Ground, erasing: Erasing) -> None:
        self._ground, self._erasing = ground, erasing
        self._holding, self._words, self._asking = Holding(ground.hub), Words(ground.library), Asking(ground)
        self._correcting = Correcting(ground, self._holding)
        self._sharing = Sharing(ground, self._holding, self._words)

    def routes(self) -> Sequence[Route]:
        """All of them."""
        one = "/entities/{entity}"
        shared = Route("POST", f"{BASE}/shared/{{share}}", "store_open_share", self.open_share, body=True, open=True)
        verified = Route(
            "POST", f"{BASE}/certificates", "store_verify_certificate", self.verify, body=True, asks=True, open=True
        )  # fmt: skip
        return [
            get("/summary", "store_show_summary", self.summary),
            get("/entities", "store_list_entities", self.entities, FOR | PAGED),
            get(one, "store_retrieve_entity", self.entity),
            get(f"{one}/history", "store_retrieve_history", self.history, FOR | {"since"}),
            get("/disclosures", "store_list_disclosures", self.disclosures, FOR | PAGED),
            post("/corrections", "store_correct", self.correct),
            get("/corrections", "store_list_corrections", self.corrections, FOR | PAGED),
            get("/export", "store_export", self.export, FOR | {"format", "history"}),
            post("/shares", "store_share", self.share),
            get("/shares", "store_list_shares", self.shares, FOR | PAGED),
            post("/shares/{share}/end", "store_end_share", self.end_share),
            shared,
            post("/erasures", "store_erase", self.erase),
            get("/erasures", "store_list_erasures", self.erasures, FOR | PAGED),
            get("/erasures/{erasure}", "store_retrieve_erasure", self.erasure),
            post("/erasures/{erasure}/cancel", "store_cancel_erasure", self.cancel),
            verified,
        ]  # fmt: skip

    def summary(self, asked: Asked) -> Response:
        """By type: how many, which attributes, how sensitive, how many of them are about others too."""
        kinds: dict[str, dict[str, Json]] = {}
        for held in self._holding.all(asked.tenant, self._asking.seeing(asked)):
            name = as_list(held.types)[0] if held.document else ""
            kind = kinds.setdefault(name, self._kind(held))
            kind["entities"] = int(str(kind["entities"])) + 1
            kind["joint"] = int(str(kind["joint"])) + held.joint
        return answer({"held": [kinds[name] for name in sorted(kinds)]})

    def _kind(self, held: Held) -> dict[str, Json]:
        if held.document is None:
            return {"type": None, "label": {"ja": "過去のデータ", "en": "Of the past"}, "entities": 0, "joint": 0}
        attributes: list[Json] = [
            {
                "attribute": name, "label": self._words.label(held.types, name),
                "class": self._words.sensitivity(held.types, name),
            }
            for name in held.document if name not in ENTITY_MEMBERS and name not in JUDGED_BY
        ]  # fmt: skip
        head: dict[str, Json] = {"type": as_list(held.types)[0], "label": self._words.type_label(held.types)}
        return {**head, "entities": 0, "joint": 0, "attributes": attributes}

    def entities(self, asked: Asked) -> Response:
        """What is held now."""
        after, limit = page_of(asked)
        found = self._holding.page(asked.tenant, self._asking.seeing(asked), after, limit)
        return paged("entities", [(number, self._told(held)) for number, held in found], limit)

    def entity(self, asked: Asked) -> Response:
        """One of them."""
        return answer(self._told(self._holding.entity(asked.tenant, self._asking.seeing(asked), asked.path["entity"])))

    def history(self, asked: Asked) -> Response:
        """What it was; where that is not all, `more` is the `since` of the rest."""
        subject = self._asking.seeing(asked)
        held = self._holding.entity(asked.tenant, subject, asked.path["entity"])
        text = asked.query.get("since", "")
        since = instant_of(text, "since") if text else None
        past = self._holding.past(asked.tenant, subject, held, since, HISTORY_PAGE)
        body: dict[str, Json] = {"id": held.id, "history": None if past is None else past.document}
        return answer(body if past is None or past.more is None else {**body, "more": to_text(past.more)})

    def disclosures(self, asked: Asked) -> Response:
        """Who got what, the newest day first, with the benefit that was promised for it."""
        after, limit = page_of(asked)
        found = self._ground.audit.disclosures(asked.tenant, self._asking.seeing(asked))[after : after + limit]
        rows = [(after + at, self._told_disclosure(asked.tenant, one)) for at, one in enumerate(found, 1)]
        return paged("disclosures", rows, limit)

    def correct(self, asked: Asked) -> Response:
        """`{"entity": "urn:…", "attribute": "bodyWeight", "value": 61.5, "reason": "…"}`."""
        known = frozenset({"entity", "attribute", "value", "datasetId", "reason"})
        body = body_of(asked, known, frozenset({"entity", "attribute", "value"}))
        text_member(body, "reason", 500)
        subject, by = self._asking.deciding(asked), resident_of(asked)
        return answer(self._correcting.correct(asked.tenant, subject, by, body), 201)

    def corrections(self, asked: Asked) -> Response:
        """What was corrected."""
        after, limit = page_of(asked)
        return paged("corrections", self._correcting.all(asked.tenant, self._asking.seeing(asked), after, limit), limit)

    def export(self, asked: Asked) -> Response:
        """Everything, to take along; with `history=true` what it was too."""
        form, subject = asked.query.get("format", "jsonld"), self._asking.seeing(asked)
        past = asked.query.get("history", "false")
        if form not in FORMATS:
            raise BadRequestData("that form is not known", pointer="format", remedy=", ".join(FORMATS))
        if past not in ("true", "false"):
            raise BadRequestData("true or false", pointer="history", remedy="history=true")
        taken = self._taken(asked.tenant, subject, past=past == "true")
        if form == "csv":
            text = as_csv(taken, self._words, language_of(asked)).encode()
            return _file(text, "text/csv; charset=utf-8", "misono.csv")
        if form == "fhir":
            return _file(dump(as_fhir(taken, subject)), "application/fhir+json", "misono-fhir.json")
        return _file(dump(as_json_ld(taken)), "application/ld+json", "misono.jsonld")

    def share(self, asked: Asked) -> Response:
        """`{"items": ["HeartRateObservation/heartRate"], "until": "…", "note": "…"}`: the code is told once."""
        body = body_of(asked, frozenset({"items", "until", "note"}), frozenset({"items", "until"}))
        text_member(body, "note", 500)
        subject, by = self._asking.deciding(asked), resident_of(asked)
        return answer(self._sharing.make(asked.tenant, subject, by, body), 201)

    def shares(self, asked: Asked) -> Response:
        """Whom what was shared with, and whether it was opened."""
        after, limit = page_of(asked)
        return paged("shares", self._sharing.all(asked.tenant, self._asking.seeing(asked), after, limit), limit)

    def end_share(self, asked: Asked) -> Response:
        """Close one."""
        body_of(asked, frozenset())
        return answer(self._sharing.end(asked.tenant, self._asking.deciding(asked), asked.path["share"]))

    def open_share(self, asked: Asked) -> Response:
        """For whoever has the link and the code."""
        body = body_of(asked, frozenset({"code"}), frozenset({"code"}))
        return answer(self._sharing.open(asked.path["share"], code_of(body["code"])))

    def erase(self, asked: Asked) -> Response:
        """`{"confirm": true}`, with `at` later: the certificate, or when it will be."""
        body = body_of(asked, frozenset({"confirm", "at"}), frozenset({"confirm"}))
        if body["confirm"] is not True:
            raise BadRequestData("what is erased does not come back", pointer="/confirm", remedy='{"confirm": true}')
        due = instant_of(text_member(body, "at", 40), "/at") if "at" in body else None
        subject, by = self._asking.deciding(asked), resident_of(asked)
        return answer(self._erasing.ask(asked.tenant, subject, by, due), 201)

    def erasures(self, asked: Asked) -> Response:
        """Those that were asked for."""
        after, limit = page_of(asked)
        return paged("erasures", self._erasing.all(asked.tenant, self._asking.seeing(asked), after, limit), limit)

    def erasure(self, asked: Asked) -> Response:
        """One, with its certificate."""
        return answer(self._erasing.one(asked.tenant, self._asking.seeing(asked), asked.path["erasure"]).told())

    def cancel(self, asked: Asked) -> Response:
        """Cancel a reserved one."""
        body_of(asked, frozenset())
        return answer(self._erasing.cancel(asked.tenant, self._asking.deciding(asked), asked.path["erasure"]))

    def verify(self, asked: Asked) -> Response:
        """`{"signed": "eyJ…"}`: what this hub signed. Raises InvalidRequest."""
        body = body_of(asked, frozenset({"signed"}), frozenset({"signed"}))
        try:
            found = self._ground.signer.verify(text_member(body, "signed", 1 << 20), CERTIFICATE)
        except BadSignature as error:
            raise InvalidRequest(f"no certificate of this hub: {error}", pointer="/signed") from error
        return answer({"valid": True, "certificate": found})

    def _told(self, held: Held) -> dict[str, Json]:
        return {**told_entity(Taken(held.id, held.types, held.document), self._words), "joint": held.joint}

    def _taken(self, tenant: str, subject: str, *, past: bool) -> Iterator[Taken]:
        for held in self._holding.all(tenant, subject):
            found = self._holding.past(tenant, subject, held, None, HISTORY_MAX) if past or not held.document else None
            if found is not None and found.more is not None:
                raise InvalidRequest(
                    f"{held.id} has more than {HISTORY_MAX} values",
                    remedy=f"/services/store/entities/{held.id}/history",
                )
            types = held.types if held.document or found is None else found.document["type"]
            yield Taken(held.id, types, held.document, {} if found is None else found.document)

    def _told_disclosure(self, tenant: str, one: Disclosure) -> dict[str, Json]:
        items: list[Json] = [
            {"item": f"{short(type_)}/{short(name)}", "label": self._words.label(type_, name)}
            for type_, names in sorted(one.items.items())
            for name in sorted(names)
        ]
        benefits = [self._member(tenant, record, "benefit", "languageMap") for record in sorted(one.records)[:20]]
        return {
            "kind": one.kind, "day": one.day, "first": to_text(one.first), "last": to_text(one.last),
            "recipient": one.recipient or one.principal, "purposes": [*sorted(one.purposes)],
            "recipientName": self._member(tenant, one.recipient, "name", "value"), "items": items,
            "values": one.values, "times": one.times, "consents": [*sorted(one.records)],
            "benefits": [told for told in benefits if told is not None], "entries": [*one.entries],
        }  # fmt: skip

    def _member(self, tenant: str, entity_id: str, name: str, member: str) -> Json:
        """A value of an entity that services show; None where there is none."""
        held = self._ground.hub.entity(tenant, entity_id) if entity_id.startswith("urn:") else None
        found = {} if held is None else held.get(DEF + name, {})
        return found.get(member, found.get("value")) if isinstance(found, dict) else None


def _file(content: bytes, media_type: str, name: str) -> Response:
    disposition = ("Content-Disposition", f'attachment; filename="{name}"')
    return Response(200, (("Content-Type", media_type), disposition, NOT_KEPT), content)
