"""The routes of the conditions of use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from broker.http.messages import Response
from broker.http.rooms.route import Asked, Route
from services.consents.answers import FOR, answer, get, other, post
from services.consents.conditions import Conditions
from services.consents.giving import Acting
from services.consents.reading import read


class ConditionsDoors:
    """The handlers; `acting` says who decides for whom."""

    def __init__(self, conditions: Conditions, acting: Callable[[Asked], Acting]) -> None:
        self._conditions, self._acting = conditions, acting

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            get("/conditions", "consent_show_conditions", self.show, FOR),
            post("/conditions", "consent_publish_conditions", self.publish),
            post("/conditions/agree", "consent_agree_conditions", self.agree, FOR),
        ]

    def show(self, asked: Asked) -> Response:
        """The newest, and for a resident whether they agreed."""
        told = self._conditions.newest(asked.tenant).told()
        if "resident" in asked.principal.roles:
            told["agreedAt"] = self._conditions.agreed(asked.tenant, self._acting(asked).subject)
        return answer(told)

    def publish(self, asked: Asked) -> Response:
        """A new version."""
        given = read("conditions", asked.body)
        return answer(self._conditions.publish(asked.tenant, other(asked), given).told(), 201)

    def agree(self, asked: Asked) -> Response:
        """A resident agrees."""
        acting, given = self._acting(asked), read("agreement", asked.body)
        return answer(self._conditions.agree(asked.tenant, acting.who, acting.subject, given["version"]))
