"""`/catalogue`: what this hub holds, for data portals and other hubs (DCAT-AP 3)."""

from __future__ import annotations

from broker.encode.text import dump
from broker.errors import OperationNotSupported
from broker.http.exchange import Exchange
from broker.http.media import JSON, LD_JSON, TURTLE
from broker.http.messages import Answer, Response
from broker.http.operation import Operation


def show_catalogue(exchange: Exchange) -> Answer:
    """GET /catalogue: a dcat:Catalog as JSON-LD or Turtle."""
    catalogues = exchange.house.catalogues
    if catalogues is None:
        raise OperationNotSupported("this hub has no catalogue")
    found = catalogues.catalogue(exchange.house.broker, exchange.call)
    turtle = exchange.media_type == TURTLE
    body = catalogues.turtle(found) if turtle else dump(found)
    media_type = f"{TURTLE}; charset=utf-8" if turtle else exchange.media_type
    return Response(200, (("Content-Type", media_type), ("Vary", "Accept, NGSILD-Tenant")), body)


CATALOGUE: tuple[Operation, ...] = (
    Operation(
        "show_catalogue", "", "", "GET", "/catalogue", show_catalogue, ((200, "Json"), (400, "ProblemDetails")),
        writes=(LD_JSON, JSON, TURTLE), root="",
    ),
)  # fmt: skip
