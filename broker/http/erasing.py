"""`/admin/erasures` and `/admin/persons`: a person's right to be forgotten, as an operator grants it."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.operation import ADMIN, Operation
from broker.http.respond import plain
from broker.model.values import Json, to_text
from broker.operations.erase import erase_entity
from broker.operations.erase_person import Person, about_person, erase_person
from broker.ports.erasures import ErasedPerson


def erase(exchange: Exchange) -> Answer:
    """POST /admin/erasures: `{"certificate": …, "entityId": …, "erasedAt": …, "gone": ["entity", "history", …]}`.

    With `subject` in the place of `entityId`, all that is about that person goes, but for entities of the types `keep`
    (IRIs) and those that are about others who have not `agreed`.
    """
    body = cast("dict[str, Json]", exchange.body)
    entity_id, subject = body.get("entityId"), body.get("subject")
    if isinstance(subject, str) and entity_id is None:
        person = Person(subject, _texts(body, "keep"), _texts(body, "agreed"))
        made = erase_person(exchange.house.broker, exchange.call, person)
        return plain(as_json(made) if exchange.call.restriction.view is None else _alike(made))
    if not isinstance(entity_id, str):
        raise BadRequestData(
            "the body names no entity, and no person",
            pointer="/entityId",
            remedy='{"entityId": "urn:ngsi-ld:Person:1"}, or {"subject": "urn:misono:subject:8f2c"}',
        )
    erased = erase_entity(exchange.house.broker, exchange.call, entity_id)
    return plain(
        {
            "certificate": erased.id,
            "entityId": erased.entity_id,
            "erasedAt": to_text(erased.at),
            "gone": cast("list[Json]", erased.tables),
        }
    )


def find(exchange: Exchange) -> Answer:
    """POST /admin/persons: `{"entities": {"urn:…": ["urn:misono:subject:8f2c"]}}`, what is about a person."""
    subject = cast("dict[str, Json]", exchange.body).get("subject")
    if not isinstance(subject, str):
        raise BadRequestData("no person is named", pointer="/subject", remedy='{"subject": "urn:misono:subject:8f2c"}')
    about = about_person(exchange.house.broker, exchange.call, subject)
    return plain({"entities": {one: cast("list[Json]", sorted(whose)) for one, whose in sorted(about.items())}})


def as_json(made: ErasedPerson) -> dict[str, Json]:
    """What was erased, as the answer tells it and `HubOverHttp` reads it."""
    return {
        "certificate": made.id,
        "subject": made.subject,
        "erasedAt": to_text(made.at),
        "gone": {place: dict(went) for place, went in made.gone.items()},
        "erased": list(made.erased),
        "parts": list(made.parts),
        "joint": list(made.joint),
        "kept": {one: list(types) for one, types in made.kept.items()},
        "entityMaps": made.entity_maps,
    }


def _alike(made: ErasedPerson) -> dict[str, Json]:
    """What somebody is told who may not see whether there was anything."""
    return {"certificate": made.id, "subject": made.subject, "erasedAt": to_text(made.at)}


def _texts(body: dict[str, Json], name: str) -> frozenset[str]:
    found = body.get(name, [])
    if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
        raise BadRequestData(f"{name} is no list of texts", pointer=f"/{name}", remedy=f'"{name}": []')
    return frozenset(cast("list[str]", found))


ERASURES: tuple[Operation, ...] = (
    Operation(
        "erase_entity", "", "", "POST", "/erasures", erase,
        ((200, "Json"), (400, "ProblemDetails"), (404, "ProblemDetails")), body="object", schema="Erasure",
        writes=("application/json",), root=ADMIN,
    ),
    Operation(
        "find_person", "", "", "POST", "/persons", find,
        ((200, "Json"), (400, "ProblemDetails")), body="object", schema="Person",
        writes=("application/json",), root=ADMIN, asks=True,
    ),
)  # fmt: skip
