"""What went wrong, in the words of each part of the door: problem bodies, and those of the IoT Agent API."""

from __future__ import annotations

import re
from typing import Final

from adapters.link import BadSettings
from adapters.mapping.members import BadMapping
from adapters.provisioning.book import AlreadyThere, NotThere
from adapters.provisioning.changing import InFile, InUse
from adapters.store import NotKept
from broker.errors import AlreadyExists, BadRequestData, Conflict, NgsiError, ResourceNotFound, ServiceUnavailable
from broker.http.messages import Response
from broker.http.respond import plain, problem

TEXT_MAX: Final = 500
_PLACE: Final = re.compile(r"[\w.\[\]-]{1,200}(?=: )", re.ASCII)
_NAMES: Final = {
    400: "WRONG_SYNTAX",
    403: "ACCESS_FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_CONTENT_TYPE",
    503: "SERVICE_UNAVAILABLE",
}
_THERE: Final = {"device": "DUPLICATE_DEVICE_ID", "group": "DUPLICATE_GROUP"}
_NOT_THERE: Final = {"device": "DEVICE_NOT_FOUND", "group": "DEVICE_GROUP_NOT_FOUND"}
EXPECTED: Final = (NgsiError, BadSettings, BadMapping, AlreadyThere, NotThere, InFile, InUse, NotKept)


def as_refusal(fault: Exception) -> NgsiError:
    """One of EXPECTED as a refusal of the house."""
    if isinstance(fault, NgsiError):
        return fault
    if isinstance(fault, AlreadyThere):
        return AlreadyExists(str(fault), remedy="another name, or PUT to change what is there")
    if isinstance(fault, NotThere):
        return ResourceNotFound(str(fault), remedy="a name out of the list")
    if isinstance(fault, InFile | InUse):
        return Conflict(str(fault))
    if isinstance(fault, NotKept):
        return ServiceUnavailable(f"nothing was changed: {fault}")
    place = _PLACE.match(str(fault))
    pointer = "" if place is None else "/" + re.sub(r"[\[\].]+", "/", place[0]).strip("/")
    return BadRequestData(str(fault), pointer=pointer)


def as_problem(fault: Exception) -> Response:
    """The answer of `/admin`."""
    return problem(as_refusal(fault))


def as_agent(fault: Exception) -> Response:
    """The answer of `/iot`: `{"name": "DUPLICATE_DEVICE_ID", "message": "…"}`."""
    refusal = as_refusal(fault)
    name = _NAMES.get(refusal.status, "GENERAL_ERROR")
    if isinstance(fault, AlreadyThere):
        name = _THERE.get(fault.key[0], name)
    elif isinstance(fault, NotThere):
        name = _NOT_THERE.get(fault.key[0], name)
    kept = [pair for pair in problem(refusal).headers if pair[0] in ("Allow", "Retry-After", "WWW-Authenticate")]
    return plain({"name": name, "message": refusal.detail[:TEXT_MAX]}, refusal.status, tuple(kept))
