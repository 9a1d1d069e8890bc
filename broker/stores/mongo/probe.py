"""What this server does right, found out at the start with a dozen documents: only that is used afterwards.

Servers that speak MongoDB's protocol differ in ranges over arrays, in the order of characters beyond 16 bits, and in
what `$group` can do. A range that gives too much does no harm, one that gives too little is never asked for.
"""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import Final

from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from broker.stores.mongo.compile import Able
from broker.stores.mongo.connection import Bson

log = logging.getLogger("misono.store")

COLLECTION: Final = "probe"
_KEYS: Final[tuple[list[str], ...]] = (
    ["*", "va-n1", "va-n5"], ["*", "va-n3"], ["*", "va-n2", "vb-n9"], ["*", "va-n3", "va-n3Z"], ["*", "va-o"],
    ["va-n"], ["*", "va-sab"], ["*", "va-s2026-01-01T00:00:00Z", "va-b1"], ["*", "va-s大阪"], ["*", "va-s\uff21"],
    ["*", "va-s\U0001d11e"], ["*", "va-s\U0010ffff"], [],
)  # fmt: skip
_RANGES: Final = (
    ("va-n2", "va-n4"), ("va-n3", "va-o"), ("va-n", "va-n2"), ("va-s2026-01-01T00:00:0", "va-s2026-01-01T00:00:1"),
    ("va-s", "va-t"), ("va-o", "va-p"),
)  # fmt: skip
_OF_TEXTS: Final = (
    ("va-sa", "va-t"), ("va-s大", "va-t"), ("va-s\uff21", "va-s\U0001d11e"), ("va-s\U0001d11e", "va-t"),
    ("va-s", "va-s\uff21\U0010ffff"), ("va-s", "va-s\U0001d11f"),
)  # fmt: skip


def probe(database: Database[Bson]) -> Able:
    """Write, ask and delete; what others probe at the same time is not in the way."""
    held, mark = database[COLLECTION], token_hex(8)
    held.create_index([("t", ASCENDING), ("k", ASCENDING), ("o", ASCENDING)])
    try:
        held.insert_many(
            [{"_id": f"{mark}{number}", "t": mark, "k": keys, "o": number} for number, keys in enumerate(_KEYS)]
        )
        ranges = all(_is_right(held, mark, *bounds) for bounds in _RANGES)
        texts = ranges and all(_is_right(held, mark, *bounds) for bounds in _OF_TEXTS)
        able = Able(ranges, texts, _groups(held, mark))
    finally:
        held.delete_many({"t": mark})
    if able != Able():
        log.info("this server answers less than MongoDB does: %s; queries do without", able)
    return able


def _is_right(held: Collection[Bson], mark: str, low: str, high: str) -> bool:
    """Whether a range gives at least what is in it."""
    within = {number for number, keys in enumerate(_KEYS) if any(low <= key < high for key in keys)}
    found = held.find({"t": mark, "k": {"$elemMatch": {"$gte": low, "$lt": high}}}, {"o": 1})
    return within <= {row["o"] for row in found}


def _groups(held: Collection[Bson], mark: str) -> bool:
    """Whether groups have bounds."""
    group = {"_id": "$t", "n": {"$sum": 1}, "least": {"$min": "$o"}, "most": {"$max": "$o"}}
    try:
        found = list(held.aggregate([{"$match": {"t": mark}}, {"$group": group}]))
    except OperationFailure:
        return False
    return found == [{"_id": mark, "n": len(_KEYS), "least": 0, "most": len(_KEYS) - 1}]
