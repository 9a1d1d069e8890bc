"""What is sent to this room, held to its form: refusals say the member and what would do, and repeat nothing."""

from __future__ import annotations

from typing import Any, Final

from broker.errors import BadRequestData
from broker.model.values import Instant, Json, to_instant, to_text
from services.forms import Forms

SUBJECT: Final = {"type": "string", "pattern": "^urn:misono:subject:[A-Za-z0-9._:-]{1,120}$"}
_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_LONG: Final = {"type": "string", "minLength": 1, "maxLength": 2_000}
_TEXT: Final = {
    "type": "object", "required": ["ja", "en"], "additionalProperties": False, "properties": {"ja": _LONG, "en": _LONG},
}  # fmt: skip
_TIME: Final = {"type": "string", "maxLength": 40}
_FLAG: Final = {"type": "boolean"}
_LANGUAGE: Final = {"enum": ["ja", "en"]}
_DURATION: Final = {"type": "string", "pattern": "^P(?=.)([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,4}D)?$"}
_URL: Final = {"type": "string", "pattern": "^https?://", "maxLength": 500}
_URN: Final = {"type": "string", "pattern": "^urn:", "maxLength": 200}


def _list(of: object, most: int, least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": least, "maxItems": most, "uniqueItems": True}


def _object(required: str, **members: object) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": members}


_ITEMS: Final = _list(_WORD, 50)
_CHOSEN: Final = {
    "dataItems": _ITEMS, "specialCare": _list(_WORD, 50, 0), "validFrom": _TIME, "validUntil": _TIME,
    "coversObservationsFrom": _TIME, "coversObservationsUntil": _TIME, "allowsProfiling": _FLAG,
    "allowsReprovision": _FLAG,
}  # fmt: skip
FORMS: Final = Forms({
    "terms": _object(
        "purpose dataItems benefit retention privacyNotice", purpose=_WORD, dataItems=_ITEMS, benefit=_TEXT, name=_TEXT,
        description=_TEXT, retention=_DURATION, storageLocation=_WORD, privacyNotice=_URL, allowsProfiling=_FLAG,
        allowsReprovision=_FLAG, offer=_URN, ethicsDecision=_URN, validDays={"type": "integer", "minimum": 1},
        jurisdiction={"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}, recipient=_URN,
    ),
    "notice": _object("terms", terms=_WORD, language=_LANGUAGE),
    "consent": _object("notice dataItems", notice=_WORD, household=_list(SUBJECT, 11, 0), **_CHOSEN),
    "answer": _object("notice", notice=_WORD, **_CHOSEN),
    "renewal": _object("notice", notice=_WORD, validUntil=_TIME),
    "change": _object("", notice=_WORD, **_CHOSEN),
    "withdrawal": {
        **_object("", all={"const": True}, recipient=_URN, purpose=_WORD, item=_WORD, record=_URN), "minProperties": 1,
    },
    "requests": _object("terms subjects", terms=_WORD, subjects=_list(SUBJECT, 1_000), message=_TEXT),
    "delegation": _object(
        "delegate kind scope validUntil", subject=SUBJECT, delegate=SUBJECT, validFrom=_TIME, validUntil=_TIME,
        kind={"enum": ["parentalAuthority", "legalGuardian", "chosenDelegate"]}, evidence=_LONG,
        scope=_list({"enum": ["maySee", "mayDecide"]}, 2),
    ),
    "emergency": _object(
        "reason hours", reason={"type": "string", "minLength": 10, "maxLength": 1_000}, subjects=_list(SUBJECT, 1_000),
        everybody=_FLAG, hours={"type": "number", "exclusiveMinimum": 0, "maximum": 24},
    ),
    "confirmation": _object("", at=_TIME),
    "nothing": _object(""),
    "conditions": _object(
        "version text", version=_WORD, text=_TEXT, url=_URL,
        lapseDays={"type": "integer", "minimum": 1, "maximum": 366},
    ),
    "agreement": _object("version", version=_WORD),
    "receipt": _object("jws", jws={"type": "string", "maxLength": 100_000}),
})  # fmt: skip
_TIMES: Final = frozenset({"validFrom", "validUntil", "coversObservationsFrom", "coversObservationsUntil", "at"})


def read(form: str, body: Json) -> dict[str, Any]:
    """The body, its times written as the book writes them. Raises BadRequestData."""
    found = FORMS.read(form, body)
    return {name: _moment(value, f"/{name}") if name in _TIMES else value for name, value in found.items()}


def instant(text: str) -> Instant:
    """The instant of a text that `read` gave."""
    found = to_instant(text)
    assert found is not None, text
    return found


def _moment(text: str, pointer: str) -> str:
    found = to_instant(text)
    if found is None:
        raise BadRequestData("that is no instant in UTC", pointer=pointer, remedy="2026-11-23T03:00:00Z")
    return to_text(found)
