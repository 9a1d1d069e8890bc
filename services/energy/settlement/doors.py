"""The routes of metering and settlement below /services/energy. Energy in Wh, money as text in yen with three decimals.

A participant is a resident whom the EnergyProsumer names: they see their own meters and statements. The operator runs
settlement and corrects meters; what he sees of participants is that of shops, who are no persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from broker.encode.text import dump
from broker.errors import BadRequestData, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Instant, Json, to_instant, to_text
from broker.ports.audit import Entry
from services.energy.configured import Community
from services.energy.metering.book import Interval, Meters
from services.energy.settlement.book import STATUSES, Book, Run
from services.energy.settlement.inputs import GROSS_UP, MILLION, RECEIVED, Tariff
from services.energy.settlement.runner import Runner, require_day
from services.energy.settlement.series import read_series
from services.energy.settlement.statements import LANGUAGES, POLICY, as_csv, as_page, statement
from services.forms import Forms
from services.room import Ground

BASE: Final = "/services/energy"
DAYS_MAX: Final = 31
PAGE, PAGE_MAX = 50, 200
_NUMBER_MAX: Final = 1 << 53
_STAFF: Final = frozenset({"operator", "auditor"})
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_DAYS: Final = frozenset({"from", "until", "participant"})
_WH: Final = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
_SHARE: Final = {"type": "integer", "minimum": 0, "maximum": MILLION // 2}
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 1_000}


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


FORMS: Final = Forms({
    "run": _object("day", day=_TEXT, status={"enum": [*STATUSES]}),
    "correction": _object(
        "leg intervalStart importEnergy exportEnergy reason", leg=_TEXT, intervalStart=_TEXT, importEnergy=_WH,
        exportEnergy=_WH, reason=_TEXT,
    ),
    "tariff": _object(
        "validFrom", validFrom=_TEXT, wheeling=_WH, fee=_WH, loss=_SHARE, tax=_SHARE,
        losses={"enum": [RECEIVED, GROSS_UP]},
    ),
    "imbalance": _object("csv source", csv={"type": "string", "maxLength": 2_000_000}, source=_TEXT),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """What the doors open on."""

    community: Community
    meters: Meters
    book: Book
    runner: Runner


class Doors:
    """The handlers."""

    def __init__(self, ground: Ground, parts: Parts) -> None:
        self._ground, self._of = ground, parts

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            _row("GET", "/meters", "energy_list_meters", self.meters, _DAYS),
            _row("POST", "/meters/corrections", "energy_correct_meter", self.correct),
            _row("GET", "/runs", "energy_list_runs", self.runs, frozenset({"day", "limit", "after"})),
            _row("POST", "/runs", "energy_run_settlement", self.run),
            _row("GET", "/statements", "energy_read_statement", self.statement, _DAYS | {"language", "format"}),
            _row("GET", "/tariffs", "energy_list_tariffs", self.tariffs),
            _row("POST", "/tariffs", "energy_add_tariff", self.add_tariff),
            _row("GET", "/imbalance", "energy_list_imbalance", self.imbalance, frozenset({"day"})),
            _row("POST", "/imbalance", "energy_import_imbalance", self.add_imbalance),
        ]

    def meters(self, asked: Asked) -> Response:
        """Intervals of one's own, at most a month."""
        days = self._days(asked)
        start, end = self._of.community.slots.of_day(days[0])[0], self._of.community.slots.of_day(days[-1])[-1] + 1
        found = self._of.meters.intervals(start, end, self._mine(asked))
        body: dict[str, Json] = {"intervals": [_interval(one) for one in found]}
        if asked.principal.roles & _STAFF:
            body["skewed"] = dict(self._of.meters.skewed())
        return _answer(body)

    def correct(self, asked: Asked) -> Response:
        """Another version of an interval, with a reason that is written down."""
        body = FORMS.read("correction", asked.body)
        slot = to_instant(body["intervalStart"])
        if slot is None or self._of.community.slots.start_of(slot) != slot:
            raise BadRequestData("no slot begins then", pointer="/intervalStart", remedy="2026-11-24T03:00:00Z")
        self._audit(asked, "correct", {"leg": body["leg"], "slot": to_text(slot), "reason": body["reason"]})
        made = self._of.meters.correct(slot, body["leg"], body["importEnergy"], body["exportEnergy"])
        if made is None:
            raise ResourceNotFound("nothing is metered there", pointer="/leg", remedy="a leg of a participant's router")
        return _answer({"leg": made.leg, "intervalStart": to_text(made.slot), "version": made.version}, 201)

    def runs(self, asked: Asked) -> Response:
        """Runs, oldest first."""
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        found = self._of.book.runs(asked.query.get("day", ""), asked.number("after", 0, _NUMBER_MAX), limit)
        body: dict[str, Json] = {"runs": [_run(one) for one in found], "mode": self._of.community.mode}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def run(self, asked: Asked) -> Response:
        """Settle a day as far as it is over, and take it to a stage; nothing where nothing is new."""
        body = FORMS.read("run", asked.body)
        require_day(self._of.community.slots, body["day"], "/day")
        while self._of.meters.work():
            pass
        self._of.runner.gather(body["day"])
        found = self._of.runner.run(body["day"])
        if found is None:
            raise ResourceNotFound("there is nothing to settle", pointer="/day", remedy="a day that was metered")
        if "status" in body and body["status"] != found.status:
            self._audit(asked, "advance", {"day": body["day"], "status": body["status"]})
            found = self._of.runner.advance(body["day"], body["status"])
        return _answer(_run(found))

    def statement(self, asked: Asked) -> Response:
        """What days came to for a participant: JSON, `format=csv`, or a page."""
        days, mine = self._days(asked), self._mine(asked)
        if len(mine) != 1:
            raise BadRequestData("say which participant", pointer="participant", remedy="the id of one of yours")
        told = statement(self._of.book, self._of.community.slots, days, mine[0])
        kind, language = asked.query.get("format", "json"), asked.query.get("language", "ja")
        if kind not in ("json", "csv", "html"):
            raise BadRequestData("no such format", pointer="format", remedy="json, csv, html")
        if language not in LANGUAGES:
            raise BadRequestData("no such language", pointer="language", remedy=", ".join(LANGUAGES))
        if kind == "json":
            return _answer({**told, "mode": self._of.community.mode})
        text = as_csv(told) if kind == "csv" else as_page(told, language, self._of.community.mode)
        headers = (
            ("Content-Type", f"text/{kind}; charset=utf-8"), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
        )  # fmt: skip
        return Response(200, headers, text.encode())

    def tariffs(self, _asked: Asked) -> Response:
        """All versions."""
        return _answer({"tariffs": [_tariff(one) for one in self._of.book.tariffs()]})

    def add_tariff(self, asked: Asked) -> Response:
        """Another version."""
        body = FORMS.read("tariff", asked.body)
        since = to_instant(body["validFrom"])
        if since is None:
            raise BadRequestData("that is no instant", pointer="/validFrom", remedy="2026-04-01T00:00:00Z")
        told = {name: value for name, value in body.items() if name != "validFrom"}
        made = self._of.book.add_tariff(Tariff(since=since, **told), self._ground.clock.now())
        return _answer(_tariff(made), 201)

    def imbalance(self, asked: Asked) -> Response:
        """Prices of a day."""
        starts = require_day(self._of.community.slots, asked.query.get("day", self._today()), "day")
        found = self._of.book.imbalances(starts[0], starts[-1] + 1)
        prices: list[Json] = [
            {"start": to_text(slot), "shortage": one.shortage, "surplus": one.surplus, "version": one.version}
            for slot, one in found.items()
        ]
        return _answer({"prices": prices})

    def add_imbalance(self, asked: Asked) -> Response:
        """A series; prices that are otherwise than before are another version, and their slots settled anew."""
        body = FORMS.read("imbalance", asked.body)
        prices = read_series(body["csv"], self._of.community.slots)
        return _answer({"slots": len(prices), "changed": self._of.book.take_imbalance(prices, body["source"])}, 201)

    def _mine(self, asked: Asked) -> list[str]:
        """Participants of who asks: a resident's own, for staff those who are no persons. Raises Forbidden."""
        known, principal = self._of.meters.participants(), asked.principal
        if principal.roles & _STAFF:
            found = [one for one, people in known.items() if not people]
        elif "resident" in principal.roles and principal.subject:
            acting = self._ground.consents.acting_for(self._of.community.tenant, principal.subject)
            found = [one for one, people in known.items() if acting & {*people}]
        else:
            found = []
        wanted = asked.query.get("participant", "")
        if not found or (wanted and wanted not in found):
            raise Forbidden("that is no participant of yours", pointer="participant", remedy="one that names you")
        return [wanted] if wanted else found

    def _days(self, asked: Asked) -> list[str]:
        first = asked.query.get("from", self._today())
        last = asked.query.get("until", first)
        for name, day in (("from", first), ("until", last)):
            require_day(self._of.community.slots, day, name)
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
        if not 0 <= (end - begin).days < DAYS_MAX:
            raise BadRequestData("that is no span of days", pointer="until", remedy=f"{DAYS_MAX} days at most")
        return [(begin + timedelta(days=place)).isoformat() for place in range((end - begin).days + 1)]

    def _today(self) -> str:
        return self._of.community.slots.named(self._ground.clock.now())[0]

    def _audit(self, asked: Asked, operation: str, more: dict[str, Json]) -> None:
        entry = Entry(
            "energy", self._of.community.tenant, asked.principal.name, self._ground.clock.now(), operation=operation,
            more=more,
        )  # fmt: skip
        self._ground.audit.record(entry).result()


def _row(method: str, path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    return Route(method, BASE + path, operation, handler, body=method == "POST", parameters=parameters)


def _interval(one: Interval) -> dict[str, Json]:
    return {
        "participant": one.participant, "leg": one.leg, "role": one.role, "intervalStart": to_text(one.slot),
        "importEnergy": one.imported, "exportEnergy": one.exported, "quality": one.quality, "version": one.version,
    }  # fmt: skip


def _run(one: Run) -> dict[str, Json]:
    return {
        "id": one.id, "day": one.day, "version": one.version, "inputsHash": one.hash, "status": one.status,
        "state": one.state, "at": to_text(one.at),
    }  # fmt: skip


def _tariff(one: Tariff) -> dict[str, Json]:
    since: Instant = one.since
    return {
        "version": one.version, "validFrom": to_text(since), "wheeling": one.wheeling, "fee": one.fee,
        "loss": one.loss, "tax": one.tax, "losses": one.losses,
    }  # fmt: skip


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
