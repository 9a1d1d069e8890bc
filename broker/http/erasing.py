"""`/admin/erasures`: a person's right to be forgotten, as an operator grants it."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.operation import ADMIN, Operation
from broker.http.respond import plain
from broker.model.values import Json, to_text
from broker.operations.erase import erase_entity


def erase(exchange: Exchange) -> Answer:
    """POST /admin/erasures: `{"certificate": …, "entityId": …, "erasedAt": …, "gone": ["entity", "history", …]}`."""
    entity_id = cast("dict[str, Json]", exchange.body).get("entityId")
    if not isinstance(entity_id, str):
        raise BadRequestData(
            "the body names no entity", pointer="/entityId", remedy='{"entityId": "urn:ngsi-ld:Person:1"}'
        )
    made = erase_entity(exchange.house.broker, exchange.call, entity_id)
    return plain(
        {
            "certificate": made.id,
            "entityId": made.entity_id,
            "erasedAt": to_text(made.at),
            "gone": cast("list[Json]", made.tables),
        }
    )


ERASURES: tuple[Operation, ...] = (
    Operation(
        "erase_entity", "", "", "POST", "/erasures", erase,
        ((200, "Json"), (400, "ProblemDetails"), (404, "ProblemDetails")), body="object", schema="Erasure",
        writes=("application/json",), root=ADMIN,
    ),
)  # fmt: skip
