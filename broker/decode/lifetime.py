"""How long something is wanted for: an ISO 8601 duration that is longer than nothing (clauses 5.2.41, 6.4.3.2)."""

from __future__ import annotations

from broker.decode.given import Given
from broker.errors import BadRequestData
from broker.model.duration import Duration
from broker.query.times import parse_duration

_WANTED = "an ISO 8601 duration such as PT1H or P1D"


def decode_lifetime(given: Given) -> Duration:
    """`PT1H` gives (0, 3600000000). Raises BadRequestData."""
    text = given.text(_WANTED)
    try:
        lifetime = Duration(*parse_duration(text))
    except BadRequestData:
        raise given.refused(_WANTED) from None
    if lifetime == Duration():
        raise given.refused(_WANTED)
    return lifetime
