"""The room of the bank: its tables, routes and timer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import Final

from broker.errors import NgsiError
from broker.http.rooms.route import Route
from broker.keeping import NotKept
from broker.model.values import Json
from services.bank.bank import Bank
from services.bank.book import Book
from services.bank.configured import read_settings
from services.bank.doors import Row
from services.bank.operators_door import OperatorsDoor
from services.bank.projecting import Projector
from services.room import Ground

log = logging.getLogger("misono.services.bank")

LOOK_S: Final = 0.5
"""So often it is looked what is due: a certificate that runs out blocks at once by itself, this tells of it."""


class BankRoom:
    """The port Room; `bank` is what other rooms call."""

    def __init__(self, ground: Ground) -> None:
        settings = read_settings(ground.city)
        self._projector = Projector(ground.hub, ground.library, ground.public_url)
        self.book = Book(ground.file, ground.clock, self._projector.project)
        self._projector.book = self.book
        self.bank = Bank(self.book, ground.library, ground.new_id, settings)
        self._stopping, self._thread = Event(), Thread(target=self._run, name="bank", daemon=True)
        self._wrong = ""

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return [row.route() for row in self.rows()]

    def rows(self) -> Sequence[Row]:
        """The table, with the roles that may."""
        return OperatorsDoor(self.bank).rows()

    def start(self) -> None:
        """As the port says."""
        self._thread.start()

    def stop(self) -> None:
        """As the port says."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:  # noqa: ARG002  the port's
        """Nothing: what the bank keeps is of persons and organisations, not of entities (see `forget`)."""
        return {}

    def state(self) -> Json:
        """As the port says."""
        return self._wrong or "ok"

    def look(self) -> None:
        """Do what is due, and show what could not be shown before."""
        self.bank.look()
        for tenant, item in self.book.ahead():
            self._projector.project(tenant, [item])

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self.look()
                self._wrong = ""
            except (NgsiError, NotKept) as error:
                self._wrong = f"what is due waits: {error}"
                log.warning("the bank cannot do what is due: %s", error)


def open_room(ground: Ground) -> BankRoom:
    """The bank. Raises BadCity."""
    return BankRoom(ground)
