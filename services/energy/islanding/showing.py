"""What the hub shows of islanding: each time without the grid, and an alert while the community is without it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.energy.islanding.book import Book, Case
from services.energy.islanding.rationing import LOADS
from services.shaping import Shaper
from services.showing import show

SEVERITY: Final = {"gridOutage": "critical", "drill": "informational", "maintenance": "low"}


@cache
def texts() -> Mapping[str, Any]:
    """By state, and of alerts by cause; each in ja and en."""
    return tomllib.loads(files("services.energy.islanding").joinpath("texts.toml").read_text(encoding="utf-8"))


class Projector:
    """Shows what changed, until the hub has it."""

    def __init__(self, hub: Hub, library: Callable[[], Library], book: Book, place: tuple[str, str]) -> None:
        self._hub, self._library, self._book = hub, library, book
        self._tenant, self._community = place

    def catch_up(self) -> None:
        """Show what waits. Raises ServiceUnavailable."""
        while cases := self._book.unshown():
            show(self._hub, self._tenant, self._fragments(cases), "kept")
            self._book.was_shown(cases)

    def _fragments(self, cases: list[Case]) -> Mapping[str, Fragment | None]:
        library = self._library()
        events = Shaper(library, "misono-energy", "IslandingEvent")
        alerts = Shaper(library, "sdm-alert", "Alert")
        found: dict[str, Fragment | None] = {}
        for case in cases:
            found[case.id] = events.entity(case.id, _event(case))
            if case.subject == self._community:
                alert = case.id.replace(":IslandingEvent:", ":Alert:")
                found[alert] = alerts.entity(alert, _alert(case))
        return found


def _event(case: Case) -> dict[str, Any]:
    return {
        "subject": case.subject, "startedAt": to_text(case.started_at), "islandingCause": case.cause,
        "endedAt": None if case.ended_at is None else to_text(case.ended_at), "islandingPhase": case.phase,
        "priorityLoads": [*LOADS],
        "autonomyHoursLeft": None if case.minutes is None else round(case.minutes / 60, 2),
    }  # fmt: skip


def _alert(case: Case) -> dict[str, Any]:
    return {
        "category": "security", "alertSource": case.subject, "severity": SEVERITY[case.cause],
        "dateIssued": to_text(case.started_at), "validFrom": to_text(case.started_at),
        "validTo": None if case.ended_at is None else to_text(case.ended_at),
        "description": dict(texts()["alert"][case.cause]),
    }  # fmt: skip
