"""Our tables of ECHONET Lite against pychonet's, which others keep: the same bytes mean the same.

Where they differ, the appendix of the standard was looked at; each difference is named here, and no other may appear.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pychonet
from pychonet.EchonetInstance import EchonetInstance

from adapters.codecs.echonet.tables import Field, kinds, properties

THEY_READ_NO_SIGN = {"0011 E0", "0022 E1", "0022 E2", "0022 E3", "0023 E2"}
THEY_READ_A_SIGN = {"027B 84", "027B E9"}
THEIR_WORDS_ARE_OF_ANOTHER_RELEASE = {
    *("0130 C0", "0130 C1", "0260 EE", "0260 EF", "0263 EE", "0263 EF", "026F E7", "027C D0", "027E C7", "027E DA"),
    *("027E DC", "027E DD", "0290 B1", "03BB B1", "026B D7", "03BB B0", "03CE E0", "03CE E1", "03CE E2", "03CE E7"),
}
THEY_KNOW_WORDS_OF_MAKERS = {"0130 B0", "0130 CC", "0260 E9", "0263 E9", "03CE B0"}
DRAWN = 50
AGREED_AT_LEAST = 380


class Known:
    """What pychonet asks of who makes its devices: places to put values."""

    def __init__(self) -> None:
        self._state: Any = _deep()


def _deep() -> Any:
    return defaultdict(_deep)


def theirs() -> Iterator[tuple[str, dict[int, Any]]]:
    """Their functions of each class that we know too."""
    for module in pkgutil.iter_modules(pychonet.__path__):
        found: dict[str, Any] = vars(importlib.import_module(f"pychonet.{module.name}"))
        for one in found.values():
            if inspect.isclass(one) and issubclass(one, EchonetInstance) and one is not EchonetInstance:
                made: Any = one
                device = made("h1", Known())
                kind = f"{device._eojgc:02X}{device._eojcc:02X}"
                if kind in kinds():
                    yield kind, made.EPC_FUNCTIONS


def read(function: Any, edt: bytes) -> Any:
    return function[0](edt, *function[1:]) if isinstance(function, list) else function(edt)


def same_words(field: Field, function: Any) -> bool | None:
    """None where they have no words."""
    if not isinstance(function, list) or not isinstance(function[1], dict):
        return None
    return set(function[1]) == set(field.words or {})


def same_numbers(field: Field, function: Any, chance: random.Random) -> bool:
    """As they come, or by their scale."""
    for raw in [field.least, field.most, *(chance.randint(field.least, field.most) for _ in range(DRAWN))]:
        value = read(function, raw.to_bytes(field.size, "big", signed=field.signed))
        ours = (raw, raw * field.scale)
        if raw not in (field.words or {}) and not any(abs(value - one) <= 1e-9 * abs(one) for one in ours):
            return False
    return True


def test_the_same_bytes_mean_the_same() -> None:
    chance = random.Random(1)
    agreed: set[str] = set()
    differ: set[str] = set()
    for kind, functions in theirs():
        for code, function in functions.items():
            found = properties(kind).get(code)
            if found is None or len(found.fields) != 1 or found.fields[0].columns:
                continue
            field = found.fields[0]
            same = None
            if field.kind == "code":
                same = same_words(field, function)
            elif field.kind == "number" and not field.times:
                same = same_numbers(field, function, chance)
            if same is not None:
                (agreed if same else differ).add(f"{kind} {code:02X}")
    print(f"{len(agreed)} agree, {len(differ)} do not")
    known = THEY_READ_NO_SIGN | THEY_READ_A_SIGN | THEIR_WORDS_ARE_OF_ANOTHER_RELEASE | THEY_KNOW_WORDS_OF_MAKERS
    assert differ == known
    assert len(agreed) >= AGREED_AT_LEAST
