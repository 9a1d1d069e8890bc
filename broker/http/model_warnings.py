"""The header that tells of entities which were let in although they break their model.

    Misono-Model-Warning: [{"entity": "urn:ngsi-ld:Router:1", "pointer": "/ratedPower/value", "rule": "minimum",
                            "model": "DigitalGridRouter 1.0.0", "wanted": "-5 is less than the minimum of 0"}]

One line of JSON in ASCII, of at most WARNINGS_MAX warnings; where there were more, the last element is `{"more": 17}`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from broker.http.messages import Response
from broker.ports.validator import Violation

NAME: Final = "Misono-Model-Warning"
WARNINGS_MAX: Final = 8
CHARACTERS_MAX: Final = 160
"""Of each member: eight warnings stay within what clients and proxies take as one header."""


def with_warnings(response: Response, warnings: Sequence[Violation]) -> Response:
    """The response with the header where there are warnings; itself where there are none."""
    if not warnings:
        return response
    shown: list[dict[str, object]] = [_shown(one) for one in warnings[:WARNINGS_MAX]]
    if len(warnings) > WARNINGS_MAX:
        shown.append({"more": len(warnings) - WARNINGS_MAX})
    return Response(response.status, (*response.headers, (NAME, json.dumps(shown))), response.body)


def _shown(one: Violation) -> dict[str, object]:
    members = {
        "entity": one.entity_id, "pointer": one.pointer, "rule": one.rule, "model": one.model, "wanted": one.wanted,
    }  # fmt: skip
    return {name: text[:CHARACTERS_MAX] for name, text in members.items()}
