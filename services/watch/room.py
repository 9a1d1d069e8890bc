"""The room of watching over people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from broker.keeping import Db
from broker.ports.hub import Fragment, HubChange
from services.following import Wish
from services.pattern.cases import Case, Cases
from services.pattern.room import CityRoom, Service
from services.room import Ground
from services.shaping import Shaper
from services.watch.configured import read_settings
from services.watch.doors import Doors
from services.watch.judging import EVENT, Judging, shown_as
from services.watch.signs import TABLES, Names, note

NAME: Final = "watch"


def open_room(ground: Ground) -> CityRoom:
    """The room. Raises BadCity."""
    settings = read_settings(ground.city)
    cases = Cases(ground, NAME)
    ground.file.tables("watch_signs", TABLES)
    names = Names(ground.library())

    def took(db: Db, changes: Sequence[HubChange]) -> None:
        for change in changes:
            for plan in note(db, names, settings.zone, settings.tenant, change):
                db.execute("UPDATE watch_case SET due = 0 WHERE tenant = ? AND id = ?", (settings.tenant, plan))

    def render(_: str, case: Case) -> list[Fragment]:
        if case.kind != EVENT:
            return []
        return [Shaper(ground.library(), "misono-care", "WatchOverEvent").entity(case.id, shown_as(case))]

    ground.following.register(Wish(NAME, settings.tenant, names.types, took))
    judging = Judging(ground, cases, settings)
    return CityRoom(ground, cases, Service(NAME, Doors(ground, cases).routes(), render, judging.due))
