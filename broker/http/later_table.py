"""The rows of the operation table whose resources come later: found, checked, and answered 501."""

from __future__ import annotations

from broker.http.later import not_yet
from broker.http.operation import Body, Operation
from broker.http.parameters import Accepted

_PAGE = frozenset({"limit", "offset", "count"})
_GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty", "geometryProperty"})
_WHICH = frozenset({"id", "idPattern", "type", "q", "csf", "scopeQ", "expandValues", "jsonKeys", "local"}) | _GEO
_TIME = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"})
_SYS = frozenset({"sysAttrs"})
_LOCAL = Accepted(frozenset({"local"}))
_LIST = Accepted(_PAGE | {"options", "local"}, _SYS)
_ONE = Accepted(frozenset({"options", "local"}), _SYS)
_SOURCES = Accepted(_WHICH | _PAGE | _TIME | {"attrs", "pick", "omit", "options"}, _SYS)
_STATUS = {"GET": 200, "POST": 201, "PATCH": 204, "DELETE": 204}


def _later(name: str, clauses: tuple[str, str], where: str, accepts: Accepted, body: Body = "none") -> Operation:
    method, template = where.split(" ")
    writes = () if method in ("PATCH", "DELETE") or (method == "POST" and not name.startswith("query")) else None
    answers = ((_STATUS[method], ""), (400, "ProblemDetails"), (501, "ProblemDetails"))
    refuse, schema = not_yet(clauses[1]), "Json" if body != "none" else ""
    row = Operation(name, *clauses, method, template, refuse, answers, accepts, body, schema, later=True)
    return row if writes is None else Operation(
        name, *clauses, method, template, refuse, answers, accepts, body, schema, writes,
        later=True,
    )  # fmt: skip


_SOURCE_SUBSCRIPTION = "/csourceSubscriptions/{subscriptionId}"

LATER: tuple[Operation, ...] = (
    _later("create_source_subscription", ("5.11.2", "6.12.3.1"), "POST /csourceSubscriptions", _LOCAL, "object"),
    _later("query_source_subscriptions", ("5.11.5", "6.12.3.2"), "GET /csourceSubscriptions", _LIST),
    _later("retrieve_source_subscription", ("5.11.4", "6.13.3.1"), f"GET {_SOURCE_SUBSCRIPTION}", _ONE),
    _later(
        "update_source_subscription", ("5.11.3", "6.13.3.2"), f"PATCH {_SOURCE_SUBSCRIPTION}", _LOCAL,
        "object",
    ),
    _later("delete_source_subscription", ("5.11.6", "6.13.3.3"), f"DELETE {_SOURCE_SUBSCRIPTION}", _LOCAL),
)  # fmt: skip
