"""The room of safe outputs.

GET  /services/safe/datasets    what there is, how safe it is made, and what is left of the budget of who asks
POST /services/safe/totals      {"dataset": "pulse", "measure": "mean", "by": ["town"]}   a table, unsafe cells hidden
                                the answer of before (asOf) until k contributors changed
POST /services/safe/noisy       {"dataset": "pulse", "measure": "mean", "epsilon": 0.5}   with noise, off the budget
POST /services/safe/views       {"dataset": "pulse"}                                      anonymised rows, in bands
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
from services.safe.book import Answer, Of, SafeBook
from services.safe.buying import Buying, Wish, key_of, micro_of
from services.safe.cells import Contribution, tabulate
from services.safe.configured import MICRO, Dataset, read_datasets
from services.safe.differences import name_of, told_of
from services.safe.people import People, Person, understood
from services.safe.telling import kept, told
from services.safe.views import Row, View, anonymised, pseudonymised

ROOT: Final = "/services/safe"
MEASURES: Final = ("count", "sum", "mean")
BY_MAX: Final = 2
LIMIT, LIMIT_MAX, NUMBER_MAX = 100, 1_000, 1 << 53
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class SafeRoom:
    """The port Room; `spent` and `pseudonymised` are what other rooms call."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._datasets = ground, read_datasets(ground.city)
        self._people = People(ground.hub, ground.consents, ground.clock)
        self.book = SafeBook(ground.file)
        self._buying = Buying(ground, self.book)

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
        return self.book.forget(tenant, name_of(subject, self.book.key))

    def spent(self, tenant: str, dataset: str, recipient: str) -> float:
        """How much ε of a data set a recipient has spent: what aggregates are priced by."""
        return self.book.spent(Of(tenant, dataset, recipient)) / MICRO

    def pseudonymised(self, asked: Asked, dataset: str) -> View:
        """A view for use inside the hub, never for a third party; its method is recorded."""
        found = self._dataset(dataset)
        people = self._contributors(asked, found, rows=True)
        key = name_of(f"{asked.tenant}\n{dataset}\n{_purpose(asked)}", self.book.key)
        view = pseudonymised(_rows(people, found), found.quasi, key)
        self._note(asked, found, "pseudonymised", (len(view.rows), cast("dict[str, Json]", view.method)))
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
        counts, bounds = measure == "count", dataset.bounds
        given = (Contribution(one.who, 1.0 if counts else bounds.held(one.value), one.about) for one in people)
        table = tabulate(given, by, dataset.rules)
        answer = self._answered(
            asked, dataset, f"{'count' if counts else 'values'} {','.join(by)}",
            [[(who, None if counts else value) for who, value in cell.given.items()] for cell in table.told()],
            kept(table, by),
        )  # fmt: skip
        cells = len(cast("list[Json]", answer.body["cells"])) + (
            "people" in cast("dict[str, Json]", answer.body["total"])
        )
        self._tell(asked, "aggregate", {"dataset": dataset.name, "measure": measure, "cells": cells})
        return _plain({**told(answer.body, measure), "asOf": to_text(answer.at)})

    def _noisy(self, asked: Asked) -> Response:
        body = _body(asked, {"dataset", "measure", "epsilon"})
        dataset, measure, micro = self._dataset(body.get("dataset")), _measure(body), micro_of(body.get("epsilon"))
        people = self._contributors(asked, dataset)
        wish = Wish(_of(asked, dataset), measure, micro, key_of(asked, needed=dataset.priced))
        answer = self._buying.before(wish) or self._buying.buy(wish, dataset, people)
        self._tell(asked, "aggregate", {"dataset": dataset.name, "measure": measure, "epsilon": wish.epsilon})
        return _plain(answer)

    def _view(self, asked: Asked) -> Response:
        dataset = self._dataset(_body(asked, {"dataset"}).get("dataset"))
        people = self._contributors(asked, dataset, rows=True)
        view = anonymised(_rows(people, dataset), dataset.quasi, dataset.anonymity)
        groups = [[(row.who, row.value) for row in group] for group in view.groups]
        sets = [*groups, [row for group in groups for row in group]] if groups else []
        body = {"rows": cast("Json", view.rows), "method": cast("Json", view.method)}
        answer = self._answered(asked, dataset, "rows", sets, body)
        rows, method = cast("list[Json]", answer.body["rows"]), cast("dict[str, Json]", answer.body["method"])
        self._note(asked, dataset, "anonymised", (len(rows), method))
        return _plain({**answer.body, "asOf": to_text(answer.at)})

    def _answered(
        self, asked: Asked, dataset: Dataset, question: str, sets: Sequence[Sequence[tuple[str, float | None]]],
        body: Mapping[str, Json],
    ) -> Answer:  # fmt: skip
        """What may be answered: this, or what was before where too little changed. Raises Forbidden."""
        over = list(dict.fromkeys(told_of(one, self.book.key) for one in sets))
        answer = Answer(f"{question}\n{_purpose(asked)}", self._ground.clock.now(), over, body)
        found = self.book.answered(_of(asked, dataset), answer, dataset.rules.k)
        if found is None:
            raise Forbidden(
                "this differs by too few persons from something that you have", pointer="/dataset",
                remedy="ask again when more has changed, or for a noisy one: POST /services/safe/noisy",
            )  # fmt: skip
        return found

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

    def _contributors(self, asked: Asked, dataset: Dataset, *, rows: bool = False) -> list[Person]:
        return self._people.of(asked.tenant, asked.principal, understood(self._ground.library(), dataset, rows=rows))

    def _shown(self, asked: Asked, one: Dataset) -> dict[str, Json]:
        shown: dict[str, Json] = {
            "dataset": one.name, "item": one.item, "bounds": [one.bounds.low, one.bounds.high],
            "groups": list(one.groups), "k": one.rules.k, "dominancePercent": round(one.rules.share * 100),
            "epsilon": one.budget / MICRO, "bands": list(one.anonymity.edges), "priced": one.priced,
        }  # fmt: skip
        if asked.principal.recipient:
            shown["left"] = (one.budget - self.book.spent(_of(asked, one))) / MICRO
        return shown

    def _note(self, asked: Asked, dataset: Dataset, kind: str, made: tuple[int, Mapping[str, Json]]) -> None:
        rows, method = made
        told: dict[str, Json] = {**method, "item": dataset.item}
        self.book.note_method(_of(asked, dataset), self._ground.clock.now(), kind, rows, told)
        self._tell(asked, kind, {"dataset": dataset.name, "rows": rows, **told})

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


def _purpose(asked: Asked) -> str:
    return "\n".join(sorted(asked.principal.purposes))


def _rows(people: Sequence[Person], dataset: Dataset) -> list[Row]:
    return [Row(one.who, dataset.bounds.held(one.value), one.about) for one in people]


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
