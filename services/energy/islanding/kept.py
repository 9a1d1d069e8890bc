"""The state of the fold as it is kept: JSON and back. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from services.energy.islanding.fold import Act, Drill, Proposal, State
from services.energy.islanding.telling import Known

_PARTS: Final = {"proposal": Proposal, "confirmed": Proposal, "drill": Drill}


def packed(state: State) -> str:
    """The state as a text."""
    return json.dumps(asdict(state), separators=(",", ":"), sort_keys=True)


def unpacked(text: str, state: State) -> State:
    """The state that was kept, with the routers that `state` has: new ones as if they had told nothing."""
    found: dict[str, Any] = json.loads(text)
    for name, kind in _PARTS.items():
        if found[name] is not None:
            found[name] = kind(**found[name])
    known = {name: Known(**one) for name, one in found["routers"].items() if name in state.routers}
    found["routers"] = {**state.routers, **known}
    confirmed = found["confirmed"]
    if confirmed is not None and confirmed.master not in found["routers"]:
        found["confirmed"] = None
    return State(**found)


def act_body(act: Act) -> str:
    """What an act says, but for who did it and when."""
    said = {"master": act.master, "until": act.until, "cause": act.cause if act.kind == "drill" else ""}
    return json.dumps({name: value for name, value in said.items() if value})
