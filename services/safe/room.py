"""The room of safe outputs.

GET  /services/safe/datasets    what there is, how safe it is made, and what is left of the budget of who asks
POST /services/safe/totals      {"dataset": "pulse", "measure": "mean", "by": ["town"]}   a table, unsafe cells hidden
POST /services/safe/noisy       {"dataset": "pulse", "measure": "mean", "epsilon": 0.5}   with noise, off the budget
POST /services/safe/views       {"dataset": "pulse"}                                      anonymised rows
GET  /services/safe/methods     how views were made: for everybody, as APPI article 43 asks for
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from broker.encode.text import dump
from broker.errors import BadRequestData, Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json, to_text
from broker.ports.audit import Entry
from services.room import Ground
from services.safe import noise
from services.safe.book import Of, SafeBook
from services.safe.cells import Cell, Contribution, Table, tabulate
from services.safe.configured import MICRO, Dataset, read_datasets
from services.safe.differences import members_of
from services.safe.people import People, Person, understood
from services.safe.views import Row, View, anonymised, pseudonymised

ROOT: Final = "/services/safe"
MEASURES: Final = ("count", "sum", "mean")
BY_MAX: Final = 2
LIMIT, LIMIT_MAX, NUMBER_MAX = 100, 1_000, 1 << 53
DIGITS: Final = 6
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class SafeRoom:
    """The port Room; `spent` and `pseudonymised` are what other rooms call."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._datasets = ground, read_datasets(ground.city)
        self._people = People(ground.hub, ground.consents, ground.clock)
        self.book = SafeBook(ground.file)

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        paged = frozenset({"limit", "after"})
        return (
            Route("GET", f"{ROOT}/datasets", "safe_list_datasets", self._list),
            Route("POST", f"{ROOT}/totals", "safe_total", self._totals, body=True),
            Route("POST", f"{ROOT}/noisy", "safe_noisy", self._noisy, body=True),
            Route("POST", f"{ROOT}/views", "safe_view", self._view, body=True),
            Route("GET", f"{ROOT}/methods", "safe_list_methods", self._methods, parameters=paged, open=True),
        )

    def start(self) -> None:
        """As the port says: nothing is done by itself."""

    def stop(self) -> None:
        """As the port says."""

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing: no entity is kept here."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return "ok"

    def forget(self, tenant: str, subject: str) -> int:
        """Forget that a person contributed; in how many places they did."""
        return self.book.forget(tenant, members_of([subject], self.book.key))

    def spent(self, tenant: str, dataset: str, recipient: str) -> float:
        """How much ε of a data set a recipient has spent: what aggregates are priced by."""
        return self.book.spent(Of(tenant, dataset, recipient)) / MICRO

    def pseudonymised(self, asked: Asked, dataset: str) -> View:
        """A view for use inside the hub, never for a third party; its method is recorded."""
        found = self._dataset(dataset)
        people = self._contributors(asked, found)
        purpose = "\n".join(sorted(asked.principal.purposes))
        key = members_of([f"{asked.tenant}\n{dataset}\n{purpose}"], self.book.key)
        view = pseudonymised(_rows(people, found), found.quasi, next(iter(key)))
        self._note(asked, found, "pseudonymised", view)
        return view

    def _list(self, asked: Asked) -> Response:
        return _plain([self._shown(asked, one) for one in self._datasets.values()])

    def _totals(self, asked: Asked) -> Response:
        body = _body(asked, {"dataset", "measure", "by"})
        dataset, measure, by = self._dataset(body.get("dataset")), _measure(body), _by(body)
        if not set(by) <= set(dataset.groups):
            there = ", ".join(dataset.groups) or "none: leave by out"
            raise BadRequestData("the data set is not grouped by that", pointer="/by", remedy=there)
        people = self._contributors(asked, dataset)
        given = (Contribution(one.who, 1.0 if measure == "count" else one.value, one.about) for one in people)
        table = tabulate(given, by, dataset.rules)
        shown = table.shown()
        sets = [_set(cell, self.book.key) for cell in shown.values()]
        if not self.book.admit(_of(asked, dataset), sets, dataset.rules.k):
            raise Forbidden(
                "this differs by too few persons from a total that you have", pointer="/by",
                remedy="ask again when more has changed, or for a noisy one: POST /services/safe/noisy",
            )  # fmt: skip
        self._tell(asked, "aggregate", {"dataset": dataset.name, "measure": measure, "cells": len(shown)})
        return _plain(_table(table, by, measure))

    def _noisy(self, asked: Asked) -> Response:
        body = _body(asked, {"dataset", "measure", "epsilon"})
        dataset, measure, micro = self._dataset(body.get("dataset")), _measure(body), _micro(body)
        people = self._contributors(asked, dataset)
        of, now = _of(asked, dataset), self._ground.clock.now()
        if not self.book.spend(of, micro, dataset.budget, (now, measure)):
            left = (dataset.budget - self.book.spent(of)) / MICRO
            raise Forbidden(f"of the budget {left:g} is left", pointer="/epsilon", remedy=f"epsilon: {left:g} at most")
        epsilon = micro / MICRO
        values = [one.value for one in people]
        found = _noised(measure, values, dataset, epsilon)
        self._tell(asked, "aggregate", {"dataset": dataset.name, "measure": measure, "epsilon": epsilon})
        left = (dataset.budget - self.book.spent(of)) / MICRO
        method = "Laplace (OpenDP), one value a contributor, held to the bounds"
        told: dict[str, Json] = {"measure": measure, "value": found, "epsilon": epsilon, "left": left, "method": method}
        return _plain(told)

    def _view(self, asked: Asked) -> Response:
        body = _body(asked, {"dataset"})
        dataset = self._dataset(body.get("dataset"))
        people = self._contributors(asked, dataset)
        view = anonymised(_rows(people, dataset), dataset.quasi, dataset.anonymity)
        kept = members_of((one for person in people for one in person.who.split()), self.book.key)
        if view.rows and not self.book.admit(_of(asked, dataset), [kept], dataset.rules.k):
            raise Forbidden(
                "this view differs by too few persons from what you have", pointer="/dataset",
                remedy="ask again when more has changed",
            )  # fmt: skip
        self._note(asked, dataset, "anonymised", view)
        return _plain({"rows": cast("Json", view.rows), "method": dict(view.method)})

    def _methods(self, asked: Asked) -> Response:
        limit = min(asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT, LIMIT_MAX)
        found = self.book.methods(asked.tenant, asked.number("after", 0, NUMBER_MAX), limit)
        return _plain(
            [
                {"number": number, "dataset": dataset, "kind": kind, "at": to_text(at), "rows": rows, "method": told}
                for number, dataset, _, at, kind, rows, told in found
            ]
        )

    def _dataset(self, name: object) -> Dataset:
        found = self._datasets.get(name) if isinstance(name, str) else None
        if found is None:
            raise ResourceNotFound(
                "There is no such data set.", pointer="/dataset", remedy=", ".join(self._datasets) or "none yet"
            )
        return found

    def _contributors(self, asked: Asked, dataset: Dataset) -> list[Person]:
        return self._people.of(asked.tenant, asked.principal, understood(self._ground.library(), dataset))

    def _shown(self, asked: Asked, one: Dataset) -> dict[str, Json]:
        shown: dict[str, Json] = {
            "dataset": one.name, "item": one.item, "bounds": [one.bounds.low, one.bounds.high],
            "groups": list(one.groups), "k": one.rules.k, "dominancePercent": round(one.rules.share * 100),
            "epsilon": one.budget / MICRO,
        }  # fmt: skip
        if asked.principal.recipient:
            shown["left"] = (one.budget - self.book.spent(_of(asked, one))) / MICRO
        return shown

    def _note(self, asked: Asked, dataset: Dataset, kind: str, view: View) -> None:
        told: dict[str, Json] = {**view.method, "item": dataset.item}
        self.book.note_method(_of(asked, dataset), self._ground.clock.now(), kind, len(view.rows), told)
        self._tell(asked, kind, {"dataset": dataset.name, "rows": len(view.rows), **told})

    def _tell(self, asked: Asked, kind: str, more: dict[str, Json]) -> None:
        """Into the audit, before anything leaves."""
        principal = asked.principal
        self._ground.audit.record(Entry(
            kind, asked.tenant, principal.name, self._ground.clock.now(), principal.recipient, principal.purposes,
            "safe_output", self._ground.consents.epoch(asked.tenant), (), more,
        )).result()  # fmt: skip


def open_room(ground: Ground) -> SafeRoom:
    """The room. Raises BadCity."""
    return SafeRoom(ground)


def _plain(body: Json | dict[str, Json], status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))


def _of(asked: Asked, dataset: Dataset) -> Of:
    return Of(asked.tenant, dataset.name, asked.principal.recipient)


def _set(cell: Cell, key: bytes) -> frozenset[bytes]:
    """Persons, one by one: of a household each."""
    return members_of((one for who in cell.given for one in who.split()), key)


def _rows(people: Sequence[Person], dataset: Dataset) -> list[Row]:
    step = dataset.bounds
    return [Row(one.who, step.step(one.value) * step.resolution, one.about) for one in people]


def _noised(measure: str, values: Sequence[float], dataset: Dataset, epsilon: float) -> float:
    if measure == "count":
        return noise.count(len(values), epsilon)
    made = noise.total if measure == "sum" else noise.mean
    return round(made(values, dataset.bounds, epsilon), DIGITS)


def _table(table: Table, by: Sequence[str], measure: str) -> dict[str, Json]:
    """What may be shown; a cell that may not is absent: that there is one already says that somebody is there."""
    every = {**table.cells, **table.margins} if by else {}
    cells: list[Json] = [
        {**dict(zip(by, key, strict=True)), **_cell(cell, measure)}
        for key, cell in sorted(every.items())
        if not cell.hidden
    ]
    return {"measure": measure, "by": list(by), "cells": cells, "total": _cell(table.total, measure)}


def _cell(cell: Cell, measure: str) -> dict[str, Json]:
    if cell.hidden:
        return {"hidden": cell.hidden}
    value = {"count": float(cell.people), "sum": cell.total}.get(measure)
    return {"people": cell.people, "value": round(cell.mean if value is None else value, DIGITS)}


def _body(asked: Asked, known: set[str]) -> dict[str, Any]:
    if not isinstance(asked.body, dict) or not asked.body.keys() <= known:
        there = ", ".join(sorted(known))
        raise BadRequestData(f"the body is an object with {there}", pointer="", remedy=there)
    return cast("dict[str, Any]", asked.body)


def _measure(body: Mapping[str, Any]) -> str:
    measure = body.get("measure", "count")
    if measure not in MEASURES:
        raise BadRequestData("there is no such measure", pointer="/measure", remedy=", ".join(MEASURES))
    return str(measure)


def _by(body: Mapping[str, Any]) -> tuple[str, ...]:
    by = body.get("by", [])
    if not isinstance(by, list) or len(by) > BY_MAX or len({*map(str, by)}) != len(by):
        raise BadRequestData("by is a list of up to two groups", pointer="/by", remedy='by: ["town"]')
    return tuple(map(str, by))


def _micro(body: Mapping[str, Any]) -> int:
    epsilon = body.get("epsilon")
    if not isinstance(epsilon, int | float) or isinstance(epsilon, bool) or not 1 <= epsilon * MICRO <= 100 * MICRO:
        raise BadRequestData("epsilon is a number above 0", pointer="/epsilon", remedy="epsilon: 0.1")
    return int(epsilon * MICRO)
