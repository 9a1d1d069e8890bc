"""Offers and agreements as ODRL 2.2 policies, in JSON-LD: passing on is prohibited, whoever reads them.

The terms stand in the vendored `odrl-context.json`, so that a policy is read without asking anybody for its @context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from services.bank.items import DataItem

ODRL: Final = "http://www.w3.org/ns/odrl/2/"
PROFILE: Final = "https://misono.example/def/odrl/bank-1"
BANK: Final = "urn:misono:bank"
_CLASSES: Final = "https://misono.example/def/recipientClass/"


@cache
def context() -> dict[str, Any]:
    """The terms of ODRL that policies here use."""
    text = (files("services.bank") / "odrl-context.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["@context"]
    return found


def offer_policy(offer: Mapping[str, Any], items: Sequence[DataItem], purpose_iri: Callable[[str], str]) -> Any:  # noqa: ANN401  JSON
    """`{"@type": "Offer", "uid": "urn:ngsi-ld:DataOffer:1", "permission": […], "prohibition": […], …}`."""
    classes = [_CLASSES + one for one in offer["recipientClasses"]]
    constraints = [
        _constraint("purpose", "isAnyOf", [purpose_iri(one) for one in offer["purposes"]]),
        _constraint("recipient", "isAnyOf", offer.get("recipients") or classes),
        *_period(offer),
    ]
    head = {"@type": "Offer", "uid": offer["id"], "assigner": BANK}
    return _policy(head, offer, items, constraints)


def agreement_policy(agreement: Mapping[str, Any], items: Sequence[DataItem], purpose: str) -> Any:  # noqa: ANN401  JSON
    """The same of an agreement: `{"@type": "Agreement", "assignee": "urn:ngsi-ld:RecipientOrganisation:1", …}`."""
    constraints = [_constraint("purpose", "eq", purpose), *_period(agreement)]
    head = {
        "@type": "Agreement", "uid": agreement["id"], "assigner": BANK, "assignee": agreement["recipient"],
        "inheritFrom": agreement["offer"],
    }  # fmt: skip
    return _policy(head, agreement, items, constraints)


def _policy(head: Any, terms: Mapping[str, Any], items: Sequence[DataItem], constraints: list[Any]) -> Any:  # noqa: ANN401  JSON
    targets = [_asset(item) for item in items]
    prohibited = ["distribute", "sell", *([] if terms.get("profiling") else ["misono:profile"])]
    duties: list[Any] = [{"action": "misono:adhereToConsent"}]
    if "retention" in terms:
        limit = _constraint("elapsedTime", "lteq", {"@value": terms["retention"], "@type": "xsd:duration"})
        duties.append({"action": [{"rdf:value": {"@id": "odrl:delete"}, "refinement": [limit]}]})
    if terms.get("reservePrice"):
        paid = _constraint("payAmount", "gteq", terms["reservePrice"])
        paid["unit"] = terms.get("priceCurrency", "JPY")
        duties.append({"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": [paid]}]})
    return {
        "@context": context(), **head, "profile": PROFILE,
        "permission": [{"target": targets, "action": "use", "constraint": constraints, "duty": duties}],
        "prohibition": [{"target": targets, "action": action} for action in prohibited],
        "obligation": [{"action": "inform", "misono:of": "breach"}, {"action": "delete", "misono:of": "withdrawal"}],
    }  # fmt: skip


def _asset(item: DataItem) -> dict[str, Any]:
    parts: dict[str, Any] = {"@type": "AssetCollection", "misono:entityType": [{"@id": one} for one in item.types]}
    if not item.any:
        parts["misono:attribute"] = {"@id": item.attribute}
    return {**parts, "misono:granularity": item.granularity}


def _period(terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _constraint("dateTime", operator, {"@value": terms[name], "@type": "xsd:dateTime"})
        for name, operator in (("validFrom", "gteq"), ("validUntil", "lt"))
    ]


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of many shapes
    if isinstance(right, list) or (isinstance(right, str) and ":" in right):
        iris = right if isinstance(right, list) else [right]
        right = [{"@id": one} for one in iris]
    return {"leftOperand": left, "operator": operator, "rightOperand": right}
