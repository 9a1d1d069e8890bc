"""Who this broker is: Context Source Identity (clauses 5.15.1, 5.2.40)."""

from __future__ import annotations

from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Broker, Call

_SECOND = 1_000_000
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def source_identity(broker: Broker, call: Call, *, alias: str, started_at: Instant) -> dict[str, Json]:
    """Retrieve Context Source Identity Information (clause 5.15.1).

    `alias` is the pseudonym of Via (clause 6.3.18); each tenant is a source of its own:

        {"id": "urn:ngsi-ld:ContextSourceIdentity:misono", "type": "ContextSourceIdentity",
         "contextSourceAlias": "misono", "contextSourceUptime": "P1DT2H0M5S", "contextSourceTimeAt": "2026-…Z"}
    """
    now = broker.clock.now()
    name = tenant_alias(alias, call.tenant)
    return {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{name}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": name,
        "contextSourceUptime": duration((now - started_at) // _SECOND),
        "contextSourceTimeAt": to_text(now),
    }


def tenant_alias(alias: str, tenant: str) -> str:
    """How peers tell the tenants of this broker apart: `misono`, and `misono-t1` for the tenant t1 (clause 5.2.40)."""
    return f"{alias}-{tenant}" if tenant else alias


def duration(seconds: int) -> str:
    """Seconds as an ISO 8601 duration: `duration(93605)` is `P1DT2H0M5S`."""
    days, rest = divmod(max(seconds, 0), _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    return f"P{days}DT{hours}H{minutes}M{left}S"
