"""What a hub tells over HTTP of persons and of history, as the port has it."""

from __future__ import annotations

from typing import Any, cast

from broker.decode.temporal import decode_history
from broker.ldcontext.core import core_context
from broker.model.values import Instant, Json, to_instant
from broker.ports.erasures import ErasedPerson
from broker.ports.hub import Past


def erased_of(body: dict[str, Any]) -> ErasedPerson:
    """What was erased, of an answer of `/admin/erasures`; of one that tells nothing of it, nothing."""
    return ErasedPerson(
        body["certificate"],
        body["subject"],
        to_instant(body["erasedAt"]) or 0,
        body.get("gone", {}),
        tuple(body.get("erased", ())),
        tuple(body.get("parts", ())),
        tuple(body.get("joint", ())),
        {one: tuple(types) for one, types in body.get("kept", {}).items()},
        body.get("entityMaps", 0),
    )


def past_of(body: Json, *, cut: bool) -> Past:
    """A temporal representation; where it was `cut` the rest begins after the last instance that it has."""
    history = decode_history(body, core_context())
    attributes = {name: cast("Json", list(held)) for name, held in history.attributes.items()}
    types = cast("list[Json]", list(history.types))
    document = {"id": history.id, "type": types if len(types) > 1 else types[0], **attributes}
    return Past(document, _last(history.attributes.values()) + 1 if cut else None)


def _last(attributes: Any) -> Instant:  # noqa: ANN401 - instances by attribute
    seen = [to_instant(one["observedAt"]) or 0 for held in attributes for one in held if "observedAt" in one]
    return max(seen, default=0)
