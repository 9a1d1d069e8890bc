"""What homes said: the latest sign of every source, and the hours of days in which there was activity.

Only the last 28 days are kept, by the hour, and of measurements only the last one: what is judged needs no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from broker.keeping import Db
from broker.model.entity import instances
from broker.model.values import Instant, to_instant
from broker.ports.hub import HubChange
from datamodels.library import Library
from services.watch.rules import Usual

KEPT_DAYS: Final = 28
KINDS: Final = {
    "activity": (("misono-care", "ActivityObservation"), ("sdm-device", "Device")),
    "indoor": (("sdm-environment", "IndoorEnvironmentObserved"),),
    "door": (("sdm-device", "Device"),),
}
"""The models that a source of each kind may be of: a door is a Device whose deviceState is open or closed."""
TABLES: Final = (
    """CREATE TABLE watch_source (
        tenant TEXT NOT NULL, entity TEXT NOT NULL, plan TEXT NOT NULL, kind TEXT NOT NULL,
        PRIMARY KEY (tenant, entity, plan)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE watch_sign (
        tenant TEXT NOT NULL, plan TEXT NOT NULL, entity TEXT NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL,
        since INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (tenant, plan, entity, what)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE watch_active (
        tenant TEXT NOT NULL, plan TEXT NOT NULL, day TEXT NOT NULL, hour INTEGER NOT NULL,
        PRIMARY KEY (tenant, plan, day, hour)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE watch_told (
        tenant TEXT NOT NULL, who TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (tenant, who, event)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER watch_gone AFTER DELETE ON watch_case BEGIN
        DELETE FROM watch_source WHERE tenant = OLD.tenant AND plan = OLD.id;
        DELETE FROM watch_sign WHERE tenant = OLD.tenant AND plan = OLD.id;
        DELETE FROM watch_active WHERE tenant = OLD.tenant AND plan = OLD.id;
        DELETE FROM watch_told WHERE tenant = OLD.tenant AND event = OLD.id;
    END""",
)


class Names:
    """The IRIs of what is followed."""

    def __init__(self, library: Library) -> None:
        models = {pair: library.packages[pair[0]].models[pair[1]] for pairs in KINDS.values() for pair in pairs}
        indoor = models["sdm-environment", "IndoorEnvironmentObserved"].attributes
        self.types: Final = frozenset(one.iri for one in models.values())
        self.of_kind: Final = {kind: frozenset(models[one].iri for one in pairs) for kind, pairs in KINDS.items()}
        self.measured: Final = {
            "temperature": indoor["temperature"].iri, "relativeHumidity": indoor["relativeHumidity"].iri
        }  # fmt: skip
        self.state: Final = models["sdm-device", "Device"].attributes["deviceState"].iri


def note(db: Db, names: Names, zone: ZoneInfo, tenant: str, change: HubChange) -> list[str]:
    """Take a change in; the plans of homes to be looked at."""
    sql = "SELECT plan, kind FROM watch_source WHERE tenant = ? AND entity = ?"
    told = []
    for plan, kind in db.execute(sql, (tenant, change.entity_id)).fetchall():
        for what, value, at in _said(names, str(kind), change):
            _keep(db, (tenant, plan, change.entity_id, what), at, value)
            if what == "activity":
                local = _local(at, zone)
                db.execute(
                    "INSERT OR IGNORE INTO watch_active VALUES (?,?,?,?)",
                    (tenant, plan, local.date().isoformat(), local.hour),
                )
            told.append(str(plan))
    return told


def latest(db: Db, tenant: str, plan: str) -> dict[str, list[tuple[str, Instant, Instant, float]]]:
    """The last signs by what they tell: (source, at, since, value)."""
    found: dict[str, list[tuple[str, Instant, Instant, float]]] = {}
    sql = "SELECT what, entity, at, since, value FROM watch_sign WHERE tenant = ? AND plan = ?"
    rows: Sequence[Any] = db.execute(sql, (tenant, plan)).fetchall()
    for what, entity, at, since, value in rows:
        found.setdefault(what, []).append((entity, at, since, value))
    return found


def usual(db: Db, tenant: str, plan: str, today: date) -> Usual:
    """What is usual by the days before today; older ones are forgotten."""
    first = (today - timedelta(days=KEPT_DAYS)).isoformat()
    db.execute("DELETE FROM watch_active WHERE tenant = ? AND plan = ? AND day < ?", (tenant, plan, first))
    sql = "SELECT hour, count(*), min(day) FROM watch_active WHERE tenant = ? AND plan = ? AND day < ? GROUP BY hour"
    rows: Sequence[Any] = db.execute(sql, (tenant, plan, today.isoformat())).fetchall()
    begun = min((row[2] for row in rows), default=today.isoformat())
    return Usual({hour: count for hour, count, _ in rows}, (today - date.fromisoformat(begun)).days)


def today_of(at: Instant, zone: ZoneInfo) -> date:
    """The city's day of an instant."""
    return _local(at, zone).date()


def _local(at: Instant, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)


def _said(names: Names, kind: str, change: HubChange) -> list[tuple[str, float, Instant]]:
    if kind == "activity":
        at = max((_at(value, change.at) for value in change.after.values() if isinstance(value, dict)), default=0)
        return [("activity", 1.0, at)] if at else []
    if kind == "door":
        said = next((str(one.get("value")) for one in instances(change.after.get(names.state))), "")
        known = {"open": 1.0, "closed": 0.0}
        return [("open", known[said], _at(change.after[names.state], change.at))] if said in known else []
    found = []
    for what, iri in names.measured.items():
        for one in instances(change.after.get(iri)):
            value = one.get("value")
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((what, float(value), _at(one, change.at)))
    return found


def _at(value: object, at: Instant) -> Instant:
    """When it was observed, where it says so; never later than it came."""
    observed = to_instant(str(value.get("observedAt", ""))) if isinstance(value, Mapping) else None
    return at if observed is None else min(observed, at)


def _keep(db: Db, key: tuple[Any, ...], at: Instant, value: float) -> None:
    """The latest wins, whenever it comes; `since` stays while the value does."""
    db.execute(
        """INSERT INTO watch_sign (tenant, plan, entity, what, at, since, value) VALUES (?,?,?,?,?,?,?)
           ON CONFLICT (tenant, plan, entity, what) DO UPDATE SET at = excluded.at, value = excluded.value,
           since = CASE WHEN value = excluded.value THEN since ELSE excluded.since END WHERE excluded.at > at""",
        (*key, at, at, value),
    )
