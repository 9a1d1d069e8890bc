"""The room of a service of the city: its doors, what it does by itself, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import NgsiError
from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.values import Json
from services.looking import Looking
from services.pattern.cases import Case, Cases, Render
from services.room import Ground

LOOK_S: Final = 1.0
Due = Callable[[Db, str, Case], None]
"""What is to be done about a case that is due, as it is by now, in a transaction that has it still due."""


@dataclass(frozen=True, slots=True)
class Service:
    """What makes one of them: its name, its doors, its entities, and what is done when a case is due."""

    name: str
    routes: Sequence[Route]
    render: Render
    due: Due


class CityRoom:
    """The port Room of a service; `cases` are what it keeps. More is done in `also`, at every look."""

    def __init__(self, ground: Ground, cases: Cases, service: Service, also: Callable[[], None] = lambda: None) -> None:
        self._ground, self.cases, self._service, self._also = ground, cases, service, also
        self._looking = Looking(service.name, LOOK_S, self.tick, "what is due waits")

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._service.routes

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """As the port says."""
        gone = self.cases.forget_one(tenant, entity_id)
        return {f"services/{self._service.name}": gone} if gone else {}

    def forget(self, tenant: str, subject: str) -> Mapping[str, int]:
        """Forget a person; how many cases, by place."""
        return {f"services/{self._service.name}": self.cases.forget(tenant, subject)}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def tick(self) -> None:
        """Do what is due, show what waits. Raises the refusal of a case that waits, after all others are done."""
        self._also()
        refused = [error for tenant, case in self.cases.due(self._ground.clock.now())
                   if (error := self._do(tenant, case)) is not None]  # fmt: skip
        self.cases.show(self._service.render)
        if refused:
            raise refused[0]

    def _do(self, tenant: str, case: Case) -> NgsiError | None:
        now = self._ground.clock.now()

        def work(db: Db) -> None:
            there = self.cases.within(db, tenant, case.id)
            if there is not None and there.due is not None and there.due <= now:
                self._service.due(db, tenant, there)

        try:
            self._ground.file.write(work).result()
        except NgsiError as error:
            return error
        return None
