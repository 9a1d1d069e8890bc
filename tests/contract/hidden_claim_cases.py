"""As hidden_cases, for attributes that command devices: who claims those of a hidden entity learns nothing of it."""

from __future__ import annotations

from broker.model.values import Json
from tests.contract.hidden_seed import MISSING, ONE, UPDATE, Case
from tests.fakes.hiding import HIDDEN_ENTITY, NS


def _claim(*entities: str) -> dict[str, Json]:
    return {"key": "5a" * 32, "rows": [{"commands": {f"{NS}Thing": [f"{NS}speed"]}, "entities": [*entities]}]}


_ADAPTER = "/admin/command-claims/chargers"

CLAIM_CASES: dict[str, list[Case]] = {
    "iot_list_command_claims": [("GET /admin/command-claims", None)],
    "iot_claim_commands": [
        (f"PUT {_ADAPTER}", _claim(HIDDEN_ENTITY, ONE)),
        ("PUT /admin/command-claims/others", _claim(HIDDEN_ENTITY)),
        ("GET /admin/command-claims", None),
        *((f"PATCH /entities/{one}/attrs", UPDATE) for one in (ONE, HIDDEN_ENTITY)),
    ],
    "iot_disclaim_commands": [
        (f"DELETE {_ADAPTER}", None),
        (f"PUT {_ADAPTER}", _claim(HIDDEN_ENTITY, MISSING)),
        (f"DELETE {_ADAPTER}", None),
    ],
}
