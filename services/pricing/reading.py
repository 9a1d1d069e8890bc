"""What is sent to pricing, held to its form: refusals say the member and what would do, and repeat nothing."""

from __future__ import annotations

from typing import Any, Final

from services.forms import Forms
from services.ledger.postings import PURSES
from services.pricing.rules import RECIPIENT_CLASSES

_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_DAY: Final = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_FLAG: Final = {"type": "boolean"}
_ITEMS: Final = {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 50, "uniqueItems": True}


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


_SPAN: Final = {"dataItems": _ITEMS, "from": _DAY, "until": _DAY, "exclusive": _FLAG}
FORMS: Final = Forms({
    "estimate": _object(
        "dataItems from until recipientClass", recipientClass={"enum": [*RECIPIENT_CLASSES]}, version=_WORD, **_SPAN
    ),
    "quote": _object("dataItems from until purpose", purpose=_WORD, offer=_WORD, **_SPAN),
    "acceptance": _object(""),
    "verification": _object("quote", quote={"type": "string", "maxLength": 100_000}),
    "reserve": _object(
        "item amount", amount={"type": "number", "minimum": 0}, currency={"enum": [*PURSES]},
        item={"type": "string", "maxLength": 200, "pattern": r"^(\*|[^/@ *]+/(\*|[^/@ *]+))$"},
    ),
})  # fmt: skip
