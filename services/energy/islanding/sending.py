"""What is asked of routers, as attributes of their entities whose change is a command to the device.

`exchange` {"mode": "form"} and `exchangePower` of the leg at the line are what every router of the line knows
(docs/commands.md); `islanding` ({"mode": "isolate"}, {"mode": "resynchronise"}, {"loads": 2}) is for those that can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from broker.ldcontext.active import DEFAULT_VOCABULARY
from broker.model.values import Instant, Json
from broker.ports.hub import Fragment, Hub
from services.energy.islanding.asking import Asked
from services.energy.islanding.fold import SECOND_US
from services.energy.sites import LEG, ROUTER, Site

TTL_S: Final = 180
REFRESH_S: Final = 60
_NS: Final = DEFAULT_VOCABULARY
Wanted = tuple[str, str, str]
"""The entity, the attribute (a term) and the value as a JSON text."""


def wanted(asked: Mapping[str, Asked], sites: Sequence[Site]) -> list[Wanted]:
    """Every value that is to be written."""
    found: list[Wanted] = []
    for site in sites:
        one = asked.get(site.router, Asked())
        if one.mode == "form":
            found.append((site.router, "exchange", json.dumps({"mode": "form"})))
        elif one.mode == "resynchronise":
            found.append((site.router, "exchange", json.dumps({"mode": "wait"})))  # it holds the line no longer
        islanding: dict[str, Json] = {} if one.mode in ("", "form") else {"mode": one.mode}
        if one.loads is not None:
            islanding["loads"] = one.loads
        if islanding:
            found.append((site.router, "islanding", json.dumps(islanding, sort_keys=True)))
        leg = site.legs.get("interchange", "")
        if one.line_w is not None and leg and one.mode != "form":
            found.append((leg, "exchangePower", str(one.line_w)))
    return found


def due(found: Sequence[Wanted], sent: Mapping[tuple[str, str], tuple[str, Instant]], now: Instant) -> list[Wanted]:
    """Of these what is new, or was asked so long ago that it is asked again before it runs out."""
    return [one for one in found if _is_due(one[2], sent.get(one[:2]), now)]


def send(hub: Hub, tenant: str, found: Sequence[Wanted], now: Instant) -> list[Wanted]:
    """Write them; those that the hub took. The same within one refresh is the same command. Raises HubAway."""
    fragments = [_fragment(one, now) for one in found]
    refused = hub.upsert(tenant, fragments) if fragments else []
    return [one for one, why in zip(found, refused, strict=True) if why is None]


def _is_due(body: str, last: tuple[str, Instant] | None, now: Instant) -> bool:
    return last is None or last[0] != body or now - last[1] >= REFRESH_S * SECOND_US


def _fragment(one: Wanted, now: Instant) -> Fragment:
    entity, term, text = one
    value = json.loads(text)
    turn = now // (REFRESH_S * SECOND_US)
    command = f"urn:misono:islanding:{entity}:{term}:{turn}:{_digest(text)}"
    attribute: dict[str, Json] = {
        "type": "Property", "value": value,
        _NS + "commandId": {"type": "Property", "value": command},
        _NS + "commandTtl": {"type": "Property", "value": TTL_S},
    }  # fmt: skip
    if term == "exchangePower":
        attribute["unitCode"] = "WTT"
    return {"id": entity, "type": LEG if term == "exchangePower" else ROUTER, _NS + term: attribute}


def _digest(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign == "-" else "." for sign in text)
