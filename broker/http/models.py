"""`/models`, `/contexts` and `/admin/models/policies`: data models, and what is done about entities that break them."""

from __future__ import annotations

from typing import cast

from broker.encode.text import dump
from broker.errors import OperationNotSupported, ResourceNotFound
from broker.http.exchange import Exchange, Models
from broker.http.media import JSON, LD_JSON
from broker.http.messages import Answer, Deferred, Response
from broker.http.operation import ADMIN, Operation
from broker.http.respond import NO_CONTENT, plain
from broker.model.values import Json

_REFUSED, _GONE = (400, "ProblemDetails"), (404, "ProblemDetails")


def list_models(exchange: Exchange) -> Answer:
    """GET /models: the packages, each with its models."""
    return plain(_models(exchange).listed())


def serve_package_context(exchange: Exchange) -> Answer:
    """GET /contexts/misono-energy-v1.jsonld: the @context of a package, for those who have only this broker."""
    name = exchange.path["name"]
    found = _models(exchange).context(name)
    if found is None:
        raise ResourceNotFound(f"no package has the @context {name}", remedy="GET /models names them")
    media_type = exchange.media_type if "accept" in exchange.request.headers else LD_JSON
    headers = (("Content-Type", media_type), ("Cache-Control", "max-age=3600"))
    return Response(200, headers, dump(found))


def list_policies(exchange: Exchange) -> Answer:
    """GET /admin/models/policies: `{"others": "off", "policies": [{"type": IRI, "model": …, "mode": "reject"}]}`."""
    return plain(_models(exchange).policies(exchange.call.tenant))


def set_policy(exchange: Exchange) -> Answer:
    """PUT /admin/models/policies/DigitalGridRouter with `{"mode": "reject"}`: 204."""
    models, mode = _models(exchange), cast("dict[str, Json]", exchange.body).get("mode", "")
    pending = models.say(exchange.call.tenant, _type(exchange, models), mode)
    return Deferred(pending, lambda _: NO_CONTENT)


def forget_policy(exchange: Exchange) -> Answer:
    """DELETE /admin/models/policies/DigitalGridRouter: 204, 404 where nothing was said of the type."""
    models = _models(exchange)
    iri = _type(exchange, models)

    def render(was: bool) -> Response:  # noqa: FBT001  what the future gives
        if not was:
            raise ResourceNotFound(
                f"there is no policy for {iri}", remedy="GET /admin/models/policies has those there are"
            )
        return NO_CONTENT

    return Deferred(models.say(exchange.call.tenant, iri, None), render)


def _type(exchange: Exchange, models: Models) -> str:
    return models.type_of(exchange.path["type"], exchange.call.names)


def _models(exchange: Exchange) -> Models:
    if exchange.house.models is None:
        raise OperationNotSupported("this broker has no data models")
    return exchange.house.models


_POLICY = "/models/policies/{type}"

MODELS: tuple[Operation, ...] = (
    Operation(
        "list_models", "", "", "GET", "/models", list_models, ((200, "Json"), _REFUSED), writes=(JSON,), root="",
    ),
    Operation(
        "serve_package_context", "", "", "GET", "/contexts/{name}", serve_package_context,
        ((200, "Context"), _REFUSED, _GONE), writes=(LD_JSON, JSON), root="",
    ),
    Operation(
        "list_model_policies", "", "", "GET", "/models/policies", list_policies, ((200, "Json"), _REFUSED),
        writes=(JSON,), root=ADMIN,
    ),
    Operation(
        "set_model_policy", "", "", "PUT", _POLICY, set_policy, ((204, ""), _REFUSED), body="object",
        schema="ModelPolicy", writes=(), root=ADMIN,
    ),
    Operation(
        "forget_model_policy", "", "", "DELETE", _POLICY, forget_policy, ((204, ""), _REFUSED, _GONE), writes=(),
        root=ADMIN,
    ),
)  # fmt: skip
