"""What is sent to the bank, held to its form: refusals say the member and what would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, cast

from jsonschema_rs import Draft202012Validator, ValidationError

from broker.errors import BadRequestData, Forbidden
from broker.model.values import Json
from broker.ports import Principal
from services.bank.moments import moment

KEPT_APART: Final = frozenset({"operator", "board", "auditor"})
"""Nobody who has two of these roles may act as either here."""

_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_LONG: Final = {"type": "string", "minLength": 1, "maxLength": 4_000}
_TEXT: Final = {
    "type": "object", "required": ["ja", "en"], "additionalProperties": False, "properties": {"ja": _LONG, "en": _LONG},
}  # fmt: skip
_TIME: Final = {"type": "string", "maxLength": 40}
_FLAG: Final = {"type": "boolean"}
_WORDS: Final = {"type": "array", "items": _WORD, "minItems": 1, "maxItems": 50, "uniqueItems": True}
_MANY: Final = {**_WORDS, "minItems": 0}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
_DURATION: Final = {"type": "string", "pattern": "^P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+D)?$"}
_CLASS: Final = {"enum": ["publicBody", "researchBody", "nonProfit", "commercial"]}
VIEWPOINTS: Final = ("engineer", "security", "lawyer", "ethics", "consumer")
MEDICAL: Final = "medicalAdviser"


def _object(required: str, **members: object) -> dict[str, Any]:
    return {
        "type": "object", "required": required.split(), "additionalProperties": False, "properties": members,
    }  # fmt: skip


_EVIDENCE: Final = _object(
    "kind number validFrom validUntil",
    kind={"enum": ["privacyMark", "isms", "equivalent"]},
    number=_WORD, issuer=_WORD, validFrom=_TIME, validUntil=_TIME, document=_WORD,
)  # fmt: skip
_CONTRACT: Final = _object(
    "number validFrom validUntil auditRight breachNotice",
    number=_WORD, validFrom=_TIME, validUntil=_TIME, auditRight=_FLAG, breachNotice=_FLAG, document=_WORD,
)  # fmt: skip
_RECIPIENT: Final = {
    "name": _TEXT, "recipientClass": _CLASS, "legalEntityNumber": {"type": "string", "pattern": "^[0-9]{13}$"},
    "address": _LONG, "representative": _WORD, "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "contact": _LONG, "purposes": _WORDS, "evidence": {"type": "array", "items": _EVIDENCE, "maxItems": 20},
    "contract": _CONTRACT,
}  # fmt: skip
_TERMS: Final = {
    "name": _TEXT, "description": _TEXT, "benefit": _TEXT, "dataItems": _WORDS, "purposes": _WORDS,
    "recipientClasses": {"type": "array", "items": _CLASS, "minItems": 1, "maxItems": 4, "uniqueItems": True},
    "recipients": _MANY, "validFrom": _TIME, "validUntil": _TIME, "retention": _DURATION, "profiling": _FLAG,
    "sensitiveInference": _FLAG, "secondaryUse": _FLAG, "reservePrice": {"type": "number", "minimum": 0},
    "priceCurrency": {"type": "string", "pattern": "^([A-Z]{3}|POINT)$"}, "priceRuleVersion": _WORD,
}  # fmt: skip
FORMS: Final[dict[str, dict[str, Any]]] = {
    "recipient": _object("name recipientClass contact country", id=_WORD, **_RECIPIENT),
    "recipient-change": _object("", **_RECIPIENT),
    "reason": _object("reason", reason=_LONG),
    "nothing": _object(""),
    "member": _object(
        "name viewpoints principal", name=_TEXT, principal=_WORD, affiliation=_WORD, validUntil=_TIME,
        viewpoints={**_WORDS, "items": {"enum": [*VIEWPOINTS, MEDICAL]}},
    ),
    "review": _object("about question", about=_WORD, question=_TEXT),
    "vote": _object(
        "vote reason", vote={"enum": ["approve", "conditional", "reject", "abstain"]}, reason=_LONG,
        conditions={"type": "array", "items": _LONG, "maxItems": 20}, conflictOfInterest=_FLAG,
    ),
    "decision": _object("summary validUntil", summary=_TEXT, validUntil=_TIME),
    "offer": _object("name benefit dataItems purposes recipientClasses validFrom validUntil", **_TERMS),
    "offer-change": _object("", **_TERMS),
    "publish": _object("", acceptsConditions=_FLAG),
    "request": _object(
        "offer purpose dataItems validFrom validUntil benefit", offer=_WORD, name=_TEXT, description=_TEXT,
        benefit=_TEXT, purpose=_WORD, dataItems=_WORDS, validFrom=_TIME, validUntil=_TIME, retention=_DURATION,
        peopleWanted={"type": "integer", "minimum": 1, "maximum": 10_000_000},
        bidPrice={"type": "number", "minimum": 0}, priceCurrency=_TERMS["priceCurrency"],
    ),
    "delivery": _object("", type=_WORD, after=_WORD),
    "complaint": _object("text", about=_WORD, text=_LONG, contact=_LONG),
    "answer": _object("answer", answer=_LONG, compensation=_LONG),
    "note": _object("note", note=_LONG),
    "incident": _object(
        "what foundAt dataItems people", what=_LONG, foundAt=_TIME, dataItems=_WORDS, people=_COUNT, recipient=_WORD,
        specialCare=_FLAG, financialHarm=_FLAG, malicious=_FLAG,
    ),
    "incident-change": _object(
        "", cause=_LONG, secondaryHarm=_LONG, publication=_LONG, prevention=_LONG, otherMatters=_LONG, people=_COUNT,
    ),
    "report": _object("reference", reference=_WORD, at=_TIME),
    "received": _object(
        "provider acquisition dataItems subjects receivedAt ground",
        provider=_object("name address representative", name=_WORD, address=_LONG, representative=_WORD),
        acquisition=_LONG, dataItems=_WORDS, subjects=_WORDS, receivedAt=_TIME,
        ground={"enum": ["consentBasis", "legalObligation", "vitalInterest", "publicInterest"]},
    ),
}  # fmt: skip
_TIMES: Final = ("validFrom", "validUntil", "foundAt", "receivedAt", "at")


def read(form: str, body: Json) -> dict[str, Any]:
    """The body, its times as the bank writes them. Raises BadRequestData."""
    error = next(iter(_validator(form).iter_errors(body)), None)
    if error is not None:
        raise _refusal(form, error)
    return cast("dict[str, Any]", _timed(body, ""))


def one_role(principal: Principal, roles: Iterable[str]) -> None:
    """Raises Forbidden where the principal has none of the roles, or two that are kept apart."""
    wanted = frozenset(roles)
    if not wanted & principal.roles:
        raise Forbidden(
            f"this is for {' or '.join(sorted(wanted))}", remedy=f"a token with the role {' or '.join(sorted(wanted))}"
        )
    both = principal.roles & KEPT_APART
    if len(both) > 1 and wanted & both:
        raise Forbidden(
            f"{' and '.join(sorted(both))} are kept apart in the bank: nobody acts as both",
            remedy="a token with one of these roles",
        )


def in_order(body: Mapping[str, Any], first: str = "validFrom", last: str = "validUntil") -> None:
    """Raises BadRequestData where a period ends before it begins."""
    if first in body and last in body and body[first] >= body[last]:
        raise BadRequestData("it ends before it begins", pointer=f"/{last}", remedy=f"an instant after {first}")


def _timed(value: object, pointer: str) -> object:
    if isinstance(value, dict):
        return {
            name: moment(str(part), f"{pointer}/{name}") if name in _TIMES else _timed(part, f"{pointer}/{name}")
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_timed(part, f"{pointer}/{place}") for place, part in enumerate(value)]
    return value


@cache
def _validator(form: str) -> Draft202012Validator:
    return Draft202012Validator(FORMS[form])


def _refusal(form: str, error: ValidationError) -> BadRequestData:
    """In words of our own: an error's would repeat what was sent, which may be somebody's complaint."""
    pointer = "".join(f"/{part}" for part in error.instance_path)
    rule = str(error.schema_path[-1]) if error.schema_path else "form"
    members = FORMS[form]
    needed = ", ".join(members["required"]) or "nothing"
    known = ", ".join(members["properties"]) or "none"
    return BadRequestData(
        f"the body is not as a {form} is written ({rule})", pointer=pointer or "/",
        remedy=f"members {known}; needed: {needed}",
    )  # fmt: skip
