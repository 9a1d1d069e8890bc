"""What a charging station answers to a command, of 1.6 and 2.0.1 alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.readings import Answered
from broker.model.values import Json

DONE: Final = frozenset({"Accepted", "Scheduled", "Unlocked", "RebootRequired"})
"""`Scheduled`: it is done when the running transaction ends."""


def answer_of(command: str, payload: Mapping[str, Json]) -> Answered:
    """`answer_of("cmd-17", {"status": "Rejected"})` is an ERROR with that word; no status at all is a plain yes."""
    status = payload.get("status", "Accepted")
    if not isinstance(status, str):
        return Answered(command, "ERROR", "an answer without a status")
    return Answered(command, "OK" if status in DONE else "ERROR", _with_reason(status, payload))


def _with_reason(status: str, payload: Mapping[str, Json]) -> str:
    info = payload.get("statusInfo")
    reason = info.get("reasonCode") if isinstance(info, dict) else None
    return f"{status}: {reason}"[:255] if isinstance(reason, str) and reason else status[:255]
