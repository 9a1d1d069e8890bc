"""Commands as the calls of either version of OCPP. Pure.

    Charging             true | false                               start or stop
    RemoteStart          true | TOKEN | {token, type}
    RemoteStop           true | TRANSACTION
    SetChargingProfile   LIMIT | {limit, for_s, phases}             a limit in W (unit WTT, KWT) or A (AMP)
    ClearChargingProfile true                                       no limit any more
    ChangeAvailability   true | false | Operative | Inoperative
    Reset                Soft | Hard | OnIdle | Immediate
    UnlockConnector      true
    TriggerMessage       MESSAGE                                    StatusNotification, MeterValues, …

Each may be an object with `connector`; else the part of the entity that was commanded is the connector, or the whole
station is meant. The names that 1.6 and 2.0.1 give starting and stopping do as well, in both.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from adapters.codecs.ocpp import V16
from adapters.codecs.ocpp_message import number
from adapters.links.ocpp.charging import Transaction
from adapters.links.ocpp.settings import COMMANDED
from adapters.order import Order
from broker.model.values import Instant, Json, to_text

_IDEMPOTENT: Final = frozenset({"SetChargingProfile", "ClearChargingProfile", "ChangeAvailability", "TriggerMessage"})
_RATES: Final[Mapping[str, tuple[str, float]]] = {"WTT": ("W", 1), "KWT": ("W", 1000), "AMP": ("A", 1)}
_LIMIT_MOST: Final = 10_000_000
_PHASES: Final = (1, 2, 3)
_RESETS: Final[Mapping[str, tuple[str, str]]] = {
    "Soft": ("Soft", "OnIdle"), "OnIdle": ("Soft", "OnIdle"),
    "Hard": ("Hard", "Immediate"), "Immediate": ("Hard", "Immediate"),
}  # fmt: skip
_AVAILABILITIES: Final[Mapping[Json, str]] = {
    True: "Operative", False: "Inoperative", "Operative": "Operative", "Inoperative": "Inoperative",
}  # fmt: skip


class CannotAsk(Exception):
    """An order that no call can be made of; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `Request("Reset", {"type": "Soft"})`."""

    action: str
    payload: dict[str, Json]

    @property
    def again(self) -> bool:
        """Whether it does no harm to ask twice."""
        return self.action in _IDEMPOTENT


@dataclass(frozen=True, slots=True)
class Asked:
    """An order with all that its calls are made of: `value` without its object, `more` the object's members."""

    order: Order
    version: str
    value: Json
    connector: int
    running: Sequence[Transaction]
    now: Instant
    more: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_16(self) -> bool:
        """Whether the station speaks 1.6."""
        return self.version == V16

    def transaction(self) -> Transaction | None:
        """What is charging there now."""
        here = [one for one in self.running if self.connector == 0 or one.connector == str(self.connector)]
        return here[-1] if here else None


def requests(order: Order, version: str, running: Sequence[Transaction], now: Instant) -> list[Request]:
    """The calls that make an order, one after the other; `running` are the station's transactions.

    Raises CannotAsk.
    """
    make = _MAKERS.get(order.name)
    if make is None:
        raise CannotAsk(f"{order.name!r} is no command of a charging station; there are {', '.join(sorted(_MAKERS))}")
    more = order.value if isinstance(order.value, dict) else {}
    value = more.get("value", True) if isinstance(order.value, dict) else order.value
    return make(Asked(order, version, value, _connector(order, more), running, now, more))


def _connector(order: Order, more: Mapping[str, Json]) -> int:
    given = more.get("connector", int(order.part) if order.part.isdecimal() and order.part.isascii() else 0)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < 1 << 31:
        raise CannotAsk("connector: a whole number, 0 for the whole station")
    return given


def _charging(asked: Asked) -> list[Request]:
    if not isinstance(asked.value, bool):
        raise CannotAsk("true to start, false to stop")
    return _start(asked) if asked.value else _stop(asked)


def _start(asked: Asked) -> list[Request]:
    token = asked.more.get("token", asked.value)
    token = COMMANDED if token is True else token
    most = 20 if asked.is_16 else 36
    if not isinstance(token, str) or not 0 < len(token) <= most:
        raise CannotAsk(f"true, or the token of who charges, of at most {most} characters")
    if asked.is_16:
        place: dict[str, Json] = {"connectorId": asked.connector} if asked.connector else {}
        return [Request("RemoteStartTransaction", {**place, "idTag": token})]
    kind = asked.more.get("type", "Central" if token == COMMANDED else "ISO14443")
    payload: dict[str, Json] = {
        "remoteStartId": zlib.crc32(asked.order.id.encode()) >> 1,
        "idToken": {"idToken": token, "type": kind},
    }
    return [Request("RequestStartTransaction", payload | ({"evseId": asked.connector} if asked.connector else {}))]


def _stop(asked: Asked) -> list[Request]:
    running = asked.transaction()
    name = asked.value if isinstance(asked.value, str) else running.name if running else ""
    if not name:
        raise CannotAsk("nothing is charging there")
    if not asked.is_16:
        return [Request("RequestStopTransaction", {"transactionId": name})]
    if not name.isdecimal():
        raise CannotAsk("a transaction of OCPP 1.6 is a number")
    return [Request("RemoteStopTransaction", {"transactionId": int(name)})]


def _limit(asked: Asked) -> list[Request]:
    """A limit for a connector holds for what charges now and for what will; for the station, for all together."""
    schedule = _schedule(asked)
    if not asked.connector:
        purpose = "ChargePointMaxProfile" if asked.is_16 else "ChargingStationMaxProfile"
        return [_profile(asked, purpose, 1, schedule)]
    made = [_profile(asked, "TxDefaultProfile", asked.connector * 10 + 2, schedule)]
    running = asked.transaction()
    if running is not None:
        made.append(_profile(asked, "TxProfile", asked.connector * 10 + 3, schedule, running.name))
    return made


def _schedule(asked: Asked) -> dict[str, Json]:
    limit = number(asked.more.get("limit", asked.value))
    unit, factor = _RATES.get(asked.order.unit or "WTT", ("", 1))
    if not unit:
        raise CannotAsk("a limit is in WTT, KWT or AMP")
    if limit is None or not 0 <= limit * factor <= _LIMIT_MOST:
        raise CannotAsk(f"a limit from 0 to {_LIMIT_MOST}")
    # 1.6 takes one digit after the point; a limit is never rounded up
    period: dict[str, Json] = {"startPeriod": 0, "limit": math.floor(round(limit * factor * 10, 6)) / 10}
    phases, for_s = asked.more.get("phases"), asked.more.get("for_s")
    if phases is not None:
        if phases not in _PHASES:
            raise CannotAsk("phases: 1, 2 or 3")
        period["numberPhases"] = phases
    schedule: dict[str, Json] = {
        "startSchedule": to_text(asked.now),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [period],
    }
    if for_s is not None:
        if not isinstance(for_s, int) or isinstance(for_s, bool) or not 0 < for_s < 1 << 31:
            raise CannotAsk("for_s: seconds, a whole number")
        schedule["duration"] = for_s
    return schedule


def _profile(asked: Asked, purpose: str, id_: int, schedule: dict[str, Json], transaction: str = "") -> Request:
    """A profile with the id that it always has takes the place of the one before."""
    profile: dict[str, Json] = {
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
    }
    if asked.is_16:
        named: dict[str, Json] = {"transactionId": int(transaction)} if transaction.isdecimal() else {}
        whole: dict[str, Json] = {"chargingProfileId": id_, **named, **profile, "chargingSchedule": schedule}
        return Request("SetChargingProfile", {"connectorId": asked.connector, "csChargingProfiles": whole})
    named = {"transactionId": transaction} if transaction else {}
    whole = {"id": id_, **named, **profile, "chargingSchedule": [{"id": id_, **schedule}]}
    return Request("SetChargingProfile", {"evseId": asked.connector, "chargingProfile": whole})


def _no_limit(asked: Asked) -> list[Request]:
    if asked.is_16:
        return [Request("ClearChargingProfile", {"connectorId": asked.connector})]
    return [Request("ClearChargingProfile", {"chargingProfileCriteria": {"evseId": asked.connector}})]


def _availability(asked: Asked) -> list[Request]:
    wanted = _AVAILABILITIES.get(asked.value) if isinstance(asked.value, str | bool) else None
    if wanted is None:
        raise CannotAsk("true or Operative, false or Inoperative")
    if asked.is_16:
        return [Request("ChangeAvailability", {"connectorId": asked.connector, "type": wanted})]
    place: dict[str, Json] = {"evse": {"id": asked.connector}} if asked.connector else {}
    return [Request("ChangeAvailability", {"operationalStatus": wanted, **place})]


def _reset(asked: Asked) -> list[Request]:
    kinds = _RESETS.get(asked.value) if isinstance(asked.value, str) else None
    if kinds is None:
        raise CannotAsk(f"one of {', '.join(_RESETS)}")
    return [Request("Reset", {"type": kinds[0] if asked.is_16 else kinds[1]})]


def _unlock(asked: Asked) -> list[Request]:
    if not asked.connector:
        raise CannotAsk("connector: which one")
    if asked.is_16:
        return [Request("UnlockConnector", {"connectorId": asked.connector})]
    return [Request("UnlockConnector", {"evseId": asked.connector, "connectorId": asked.more.get("plug", 1)})]


def _trigger(asked: Asked) -> list[Request]:
    if not isinstance(asked.value, str):
        raise CannotAsk("the name of a message, StatusNotification or another")
    place: dict[str, Json] = {}
    if asked.connector:
        place = {"connectorId": asked.connector} if asked.is_16 else {"evse": {"id": asked.connector}}
    return [Request("TriggerMessage", {"requestedMessage": asked.value, **place})]


_Maker: TypeAlias = Callable[[Asked], list[Request]]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "Charging": _charging,
    "RemoteStart": _start, "RemoteStartTransaction": _start, "RequestStartTransaction": _start,
    "RemoteStop": _stop, "RemoteStopTransaction": _stop, "RequestStopTransaction": _stop,
    "SetChargingProfile": _limit,
    "ClearChargingProfile": _no_limit,
    "ChangeAvailability": _availability,
    "Reset": _reset,
    "UnlockConnector": _unlock,
    "TriggerMessage": _trigger,
}  # fmt: skip
