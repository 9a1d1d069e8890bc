"""The names in which a source is asked: those of the request, or of the @context it wants (clause 4.3.6.6)."""

from __future__ import annotations

from broker.errors import NgsiError
from broker.http.exchange import Exchange
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.served import served_context
from broker.model.registration import Registration
from broker.model.values import Json

WANTED = "jsonldContext"
"""Key of contextSourceInfo: payload and parameters are compacted by the @context of that URL."""


def names_for(exchange: Exchange, registration: Registration) -> tuple[ActiveContext, Json]:
    """The names to compact a forward's path, parameters and body by, and their source: `Forward.context`.

    A wanted @context that cannot be had leaves those of the request: they come with their own Link, so the source
    understands them all the same. May fetch: not for the event loop.
    """
    wanted = registration.info_value(WANTED)
    if wanted is not None:
        try:
            return exchange.house.names.resolve(wanted, exchange.call.tenant), wanted
        except NgsiError:
            pass
    names = exchange.call.names
    return names, served_context(names.source)
