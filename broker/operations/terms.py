"""Sources of data about persons are registered under terms only: recipient and purpose (decision 0021)."""

from __future__ import annotations

from broker.errors import BadRequestData
from broker.model.registration import Registration
from broker.model.terms import missing_terms
from broker.operations.broker import Broker


def check_terms(broker: Broker, registration: Registration) -> None:
    """Raise BadRequestData where a registration may be about persons, and does not say for whom and what for."""
    missing = missing_terms(registration, broker.of_persons())
    if missing:
        raise BadRequestData(
            f"The source may have data about persons, and its contract does not state: {', '.join(missing)}.",
            pointer=f"/contract/{missing[0]}",
            clause="5.9.2",
            remedy='"contract": {"recipient": "who gets the data", "purpose": "what for"}, or types not about persons',
        )
