"""The room of the audit: `/admin/audit` for auditors, `/services/audit` for proofs; signs the root of every day.

GET  /admin/audit                       entries of the tenant, `kind`, `limit`, `after`
GET  /admin/audit/disclosures           who got what, by day; `subject`, `since` (a day)
POST /admin/audit/roots                 sign what there is now
GET  /services/audit/roots              all signed roots: for everybody, to keep
GET  /services/audit/consistency        that one root goes on where another one was (`from`, `to`: sizes)
GET  /services/audit/proof              that an entry is in a root (`number`, `size`), with what it says of who asks
GET  /services/audit/disclosures        the same of oneself, or of whom one acts for (`for`)
GET  /services/audit/disclosures/{number}   for a recipient: what something that it got rests on
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode

from broker.audit.log import TOLD_KINDS, AuditLog, Written
from broker.audit.roots import Roots
from broker.encode.text import dump
from broker.errors import BadRequestData, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.keeping import NotKept
from broker.model.values import Instant, Json
from broker.ports import Principal
from services.audit.shown import shown_disclosure, shown_entry, shown_receipt
from services.room import BadCity, Ground

if TYPE_CHECKING:
    from services.consents.room import ConsentRoom

log = logging.getLogger("misono.services.audit")

ADMIN, OPEN_ROOT = "/admin/audit", "/services/audit"
LIMIT, LIMIT_MAX, NUMBER_MAX = 100, 1_000, 1 << 53
LOOK_S: Final = 60.0
_PAGED: Final = frozenset({"limit", "after"})
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}")
_HIDDEN: Final = ResourceNotFound("There is no such entry.", pointer="number", remedy="a number of your disclosures")


class AuditRoom:
    """The port Room; `log` is the audit, `roots` its signed roots."""

    def __init__(self, ground: Ground) -> None:
        if not isinstance(ground.audit, AuditLog):
            raise BadCity("[audit] nothing is kept here: the audit needs `misono serve --access FILE`")
        self.log, self._acting_for = ground.audit, ground.consents.acting_for
        self._rooms = ground.rooms
        self.roots = Roots(self.log)
        self._stopping, self._thread = Event(), Thread(target=self._run, name="audit-roots", daemon=True)
        self._wrong = ""

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return (
            Route("GET", ADMIN, "audit_list_entries", self._entries, parameters=_PAGED | {"kind"}),
            Route(
                "GET", f"{ADMIN}/disclosures", "audit_list_disclosures", self._all_disclosures,
                parameters=_PAGED | {"subject", "since"},
            ),
            Route("POST", f"{ADMIN}/roots", "audit_sign_root", self._sign),
            Route("GET", f"{OPEN_ROOT}/roots", "audit_list_roots", self._list_roots, parameters=_PAGED, open=True),
            Route(
                "GET", f"{OPEN_ROOT}/consistency", "audit_prove_consistency", self._consistency,
                parameters=frozenset({"from", "to"}), open=True,
            ),
            Route(
                "GET", f"{OPEN_ROOT}/proof", "audit_prove_entry", self._proof,
                parameters=frozenset({"number", "size", "for"}),
            ),
            Route(
                "GET", f"{OPEN_ROOT}/disclosures", "audit_list_own_disclosures", self._own_disclosures,
                parameters=_PAGED | {"for", "since"},
            ),
            Route("GET", f"{OPEN_ROOT}/disclosures/{{number}}", "audit_retrieve_disclosure", self._received),
        )  # fmt: skip

    def start(self) -> None:
        """As the port says."""
        self._thread.start()

    def stop(self) -> None:
        """As the port says."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing: the audit holds pseudonyms and no entity; `Audit.erase` forgets a person."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._wrong or "ok"

    def _run(self) -> None:
        while True:
            try:
                self.roots.sign_days()
                self._wrong = ""
            except NotKept as error:
                self._wrong = f"the root of a day waits: {error}"
                log.warning("the root of a day cannot be signed: %s", error)
            if self._stopping.wait(LOOK_S):
                return

    def _entries(self, asked: Asked) -> Response:
        kind = asked.query.get("kind", "")
        return _listed(
            asked,
            lambda after, limit: [
                (one.number, shown_entry(one)) for one in self.log.entries(asked.tenant, after, limit, kind)
            ],
        )

    def _all_disclosures(self, asked: Asked) -> Response:
        return self._disclosures(asked, asked.query.get("subject", ""))

    def _own_disclosures(self, asked: Asked) -> Response:
        return self._disclosures(asked, self._subject(asked))

    def _disclosures(self, asked: Asked, subject: str) -> Response:
        found = self.log.disclosures(asked.tenant, subject, self._since(asked))
        shown = [(number, shown_disclosure(one)) for number, one in enumerate(found, 1)]
        return _listed(asked, lambda after, limit: shown[after : after + limit])

    def _since(self, asked: Asked) -> Instant:
        text = asked.query.get("since", "")
        if not text:
            return 0
        try:
            return self.log.days.end(self.log.days.before(date.fromisoformat(text).isoformat()))
        except (ValueError, OverflowError) as error:
            raise BadRequestData(f"'{text[:50]}' is no day", pointer="since", remedy="since=2026-11-23") from error

    def _sign(self, asked: Asked) -> Response:  # noqa: ARG002  a handler's
        return _plain(self.roots.sign().shown(), 201)

    def _list_roots(self, asked: Asked) -> Response:
        return _listed(asked, lambda after, limit: [(one.number, one.shown()) for one in self.roots.all(after, limit)])

    def _consistency(self, asked: Asked) -> Response:
        old, size = asked.number("from", 0, NUMBER_MAX), asked.number("to", 0, NUMBER_MAX)
        return _plain(self.roots.consistency(old, size))

    def _proof(self, asked: Asked) -> Response:
        number = asked.number("number", 0, NUMBER_MAX)
        written = self.log.entry(number)
        if written is None or written.entry.tenant != asked.tenant:
            raise _HIDDEN
        subject = ""
        if "auditor" not in asked.principal.roles:
            subject = self._subject(asked)
            if all(told.subject != subject for told in written.entry.told):
                raise _HIDDEN
        proof = self.roots.proof(number, asked.number("size", 0, NUMBER_MAX))
        return _plain({**proof, "said": self.log.said(number, subject)})

    def _received(self, asked: Asked) -> Response:
        """What was disclosed to who asks, without pseudonyms: 404 for every other entry, and for none."""
        text, who = asked.path["number"], asked.principal
        number = int(text) if _NUMBER.fullmatch(text) else 0
        written = self.log.entry(number) if number else None
        if written is None or written.entry.tenant != asked.tenant or not _is_to(written, who):
            raise _HIDDEN
        room, at = cast("ConsentRoom | None", self._rooms.get("consents")), written.at
        return _plain(
            shown_receipt(written, lambda records: [] if room is None else room.receipts_of(asked.tenant, records, at))
        )

    def _subject(self, asked: Asked) -> str:
        """Of whom somebody asks: themself, or whom they act for. Raises Forbidden."""
        own = asked.principal.subject
        if not own:
            raise Forbidden("this is a resident's own", remedy="a token of a resident")
        subject = asked.query.get("for", own)
        if subject != own and subject not in self._acting_for(asked.tenant, own):
            raise Forbidden("you do not act for them", pointer="for", remedy="leave it out, or have them appoint you")
        return subject


def open_room(ground: Ground) -> AuditRoom:
    """The room. Raises BadCity."""
    return AuditRoom(ground)


def _is_to(written: Written, who: Principal) -> bool:
    """Whether somebody got what an entry tells of, or told of before it was erased."""
    entry = written.entry
    if entry.kind not in TOLD_KINDS or not (entry.told or written.erased):
        return False
    return entry.recipient == who.recipient and (bool(who.recipient) or entry.principal == who.name)


def _plain(body: Json, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, (*_JSON, *headers), dump(body))


def _listed(asked: Asked, page: Callable[[int, int], Sequence[tuple[int, dict[str, Json]]]]) -> Response:
    """A page by `limit` and `after`, with a Link to the next one."""
    limit = asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
    found = page(asked.number("after", 0, NUMBER_MAX), limit + 1)
    body = cast("Json", [one for _, one in found[:limit]])
    if len(found) <= limit:
        return _plain(body)
    kept = {name: text for name, text in asked.query.items() if name not in _PAGED}
    query = urlencode({**kept, "after": found[limit - 1][0], "limit": limit})
    return _plain(body, 200, (("Link", f'<{asked.request.raw_path}?{query}>;rel="next";type="application/json"'),))
