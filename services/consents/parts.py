"""The parts of the room that its doors work with."""

from __future__ import annotations

from dataclasses import dataclass

from services.consents.asking import Asking
from services.consents.book import Book
from services.consents.closing import Closing
from services.consents.delegations import Delegations
from services.consents.emergencies import Emergencies
from services.consents.giving import Giving
from services.consents.terms import TermsRoom


@dataclass(frozen=True, slots=True)
class Parts:
    """Each does what its module says."""

    book: Book
    terms: TermsRoom
    closing: Closing
    giving: Giving
    asking: Asking
    delegations: Delegations
    emergencies: Emergencies
