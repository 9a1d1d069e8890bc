"""What is sent to pricing, held to its form: refusals say the member and what would do, and repeat nothing."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, cast

from jsonschema_rs import Draft202012Validator

from broker.errors import BadRequestData
from broker.model.values import Json
from services.ledger.postings import CURRENCIES
from services.pricing.rules import RECIPIENT_CLASSES

_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_DAY: Final = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_FLAG: Final = {"type": "boolean"}
_ITEMS: Final = {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 50, "uniqueItems": True}


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


_SPAN: Final = {"dataItems": _ITEMS, "from": _DAY, "until": _DAY, "exclusive": _FLAG}
FORMS: Final[dict[str, dict[str, Any]]] = {
    "estimate": _object(
        "dataItems from until recipientClass", recipientClass={"enum": [*RECIPIENT_CLASSES]}, version=_WORD, **_SPAN
    ),
    "quote": _object("dataItems from until purpose", purpose=_WORD, offer=_WORD, **_SPAN),
    "acceptance": _object(""),
    "verification": _object("quote", quote={"type": "string", "maxLength": 100_000}),
    "reserve": _object(
        "item amount", amount={"type": "number", "minimum": 0}, currency={"enum": [*CURRENCIES]},
        item={"type": "string", "maxLength": 200, "pattern": r"^(\*|[^/@ *]+/(\*|[^/@ *]+))$"},
    ),
}  # fmt: skip


def read(form: str, body: Json) -> dict[str, Any]:
    """The body. Raises BadRequestData."""
    error = next(iter(_validator(form).iter_errors(body)), None)
    if error is not None:
        pointer = "".join(f"/{part}" for part in error.instance_path)
        rule = str(error.schema_path[-1]) if error.schema_path else "form"
        known, needed = ", ".join(FORMS[form]["properties"]), ", ".join(FORMS[form]["required"])
        raise BadRequestData(
            f"the body is not as a {form} is written ({rule})", pointer=pointer or "/",
            remedy=f"members {known or 'none'}; needed: {needed or 'nothing'}",
        )  # fmt: skip
    return cast("dict[str, Any]", body)


@cache
def _validator(form: str) -> Draft202012Validator:
    return Draft202012Validator(FORMS[form])
