"""The rows of the operation table for registrations of context sources (clauses 5.9, 5.10, 6.8, 6.9)."""

from __future__ import annotations

from broker.http import registrations
from broker.http.operation import Operation
from broker.http.parameters import Accepted

_LOCAL = Accepted(frozenset({"local"}))
_SYS = frozenset({"sysAttrs"})
_SOURCES = Accepted(
    frozenset(
        {
            "id",
            "idPattern",
            "type",
            "attrs",
            "pick",
            "omit",
            "q",
            "csf",
            "scopeQ",
            "expandValues",
            "jsonKeys",
            "datasetId",
        }
        | {"georel", "geometry", "coordinates", "geoproperty", "geometryProperty", "lang"}
        | {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"}
        | {"limit", "offset", "count", "options", "local"}
    ),
    _SYS,
)
_REFUSED, _GONE, _NONE = (400, "ProblemDetails"), (404, "ProblemDetails"), (204, "")
_TAKEN = (409, "ProblemDetails")
_ALL, _EACH = "/csourceRegistrations", "/csourceRegistrations/{registrationId}"

REGISTRATIONS: tuple[Operation, ...] = (
    Operation(
        "register_source", "5.9.2", "6.8.3.1", "POST", _ALL, registrations.register_source,
        ((201, ""), _REFUSED, _TAKEN), _LOCAL, "object", "CSourceRegistration", (),
    ),
    Operation(
        "query_sources", "5.10.2", "6.8.3.2", "GET", _ALL, registrations.query_sources,
        ((200, "CSourceRegistrationList"), _REFUSED), _SOURCES,
    ),
    Operation(
        "retrieve_source", "5.10.1", "6.9.3.1", "GET", _EACH, registrations.retrieve_source,
        ((200, "CSourceRegistration"), _REFUSED, _GONE), Accepted(frozenset({"options", "local"}), _SYS),
    ),
    Operation(
        "update_source", "5.9.3", "6.9.3.2", "PATCH", _EACH, registrations.update_source,
        (_NONE, _REFUSED, _GONE, _TAKEN), _LOCAL, "object", "CSourceRegistrationFragment", (),
    ),
    Operation(
        "delete_source", "5.9.4", "6.9.3.3", "DELETE", _EACH, registrations.delete_source,
        (_NONE, _REFUSED, _GONE), _LOCAL, writes=(),
    ),
)  # fmt: skip
