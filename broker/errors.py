"""The error table: every refusal this broker can give (clauses 5.5.2, 6.3.2).

    NgsiError
    ├── InvalidRequest 400        the request is syntactically wrong, or its parameters exclude each other
    ├── BadRequestData 400        the content is wrong: an attribute, a value, a query
    ├── ResourceNotFound 404      ├── NonexistentTenant 404
    ├── AlreadyExists 409         ├── Conflict 409
    ├── OperationNotSupported 422 ├── TooComplexQuery 403    ├── TooManyResults 403
    ├── LdContextNotAvailable 504 ├── NoMultiTenantSupport 501
    ├── InternalError 500
    └── outside the standard's list, with the HTTP meaning of RFC 9110: Unauthorized 401, Forbidden 403,
        MethodNotAllowed 405, NotAcceptable 406, Gone 410, LengthRequired 411, PreconditionFailed 412, PayloadTooLarge
        413, UnsupportedMediaType 415, ServiceUnavailable 503 (ReadOnly among them); of context sources (clause 6.3.17):
        SourceFailed 502, SourceTimeout 504, LoopDetected 508

Only `http.respond` turns these into RFC 7807 bodies.
"""

from __future__ import annotations

from typing import ClassVar

NGSI_LD_ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
MISONO_ERRORS = "urn:misono:errors:"


class NgsiError(Exception):
    """A refusal: what is wrong, where, by which clause, and what would work instead.

    `pointer` is the JSON pointer (RFC 6901) of the member at fault (`/temperature/value`) or the name of
    the query parameter or header; `clause` a clause number of GS CIM 009 V1.9.1; `remedy` a request,
    a member or a value that would be accepted.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    namespace: ClassVar[str] = NGSI_LD_ERRORS

    def __init__(self, detail: str, *, pointer: str = "", clause: str = "", remedy: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.clause = clause
        self.remedy = remedy

    @property
    def type_uri(self) -> str:
        """`https://uri.etsi.org/ngsi-ld/errors/BadRequestData`."""
        return self.namespace + type(self).__name__


class InvalidRequest(NgsiError):
    """The request is not understood, or its parameters exclude each other."""

    status = 400
    title = "Invalid request"


class BadRequestData(NgsiError):
    """The request's content does not meet the requirements of the operation."""

    status = 400
    title = "Bad request data"


class ResourceNotFound(NgsiError):
    """The referred resource is not known."""

    status = 404
    title = "Resource not found"


class NonexistentTenant(NgsiError):
    """The addressed tenant does not exist (clause 6.3.14)."""

    status = 404
    title = "Nonexistent tenant"


class AlreadyExists(NgsiError):
    """The referred element already exists."""

    status = 409
    title = "Already exists"


class Conflict(NgsiError):
    """The request contradicts what is registered."""

    status = 409
    title = "Conflict"


class OperationNotSupported(NgsiError):
    """The operation is not supported here."""

    status = 422
    title = "Operation not supported"


class TooComplexQuery(NgsiError):
    """The query is more work than the limits allow."""

    status = 403
    title = "Too complex query"


class TooManyResults(NgsiError):
    """The query would give more results than the limits allow."""

    status = 403
    title = "Too many results"


class LdContextNotAvailable(NgsiError):
    """A remote JSON-LD @context could not be retrieved or is no valid one."""

    status = 504
    title = "LD context not available"


class NoMultiTenantSupport(NgsiError):
    """Tenants are not supported."""

    status = 501
    title = "No multi tenant support"


class InternalError(NgsiError):
    """Something went wrong inside the broker."""


class MethodNotAllowed(NgsiError):
    """The path knows other methods than this one (clause 6.3.2); `allowed` is the header Allow: `GET, POST`."""

    status = 405
    title = "Method not allowed"
    namespace = MISONO_ERRORS

    def __init__(self, detail: str, *, allowed: str, clause: str = "", remedy: str = "") -> None:
        super().__init__(detail, clause=clause, remedy=remedy)
        self.allowed = allowed


class Unauthorized(NgsiError):
    """Nobody knows who asks; `challenge` is the header WWW-Authenticate (RFC 9110, RFC 6750)."""

    status = 401
    title = "Unauthorized"
    namespace = MISONO_ERRORS

    def __init__(self, detail: str, *, challenge: str = "Bearer", remedy: str = "") -> None:
        super().__init__(detail, pointer="Authorization", remedy=remedy)
        self.challenge = challenge


class Forbidden(NgsiError):
    """The caller may not do this; with the right they could."""

    status = 403
    title = "Forbidden"
    namespace = MISONO_ERRORS


class NotAcceptable(NgsiError):
    """No representation that the Accept header takes (clause 6.3.4)."""

    status = 406
    title = "Not acceptable"
    namespace = MISONO_ERRORS


class Gone(NgsiError):
    """The position in the change stream is no longer kept, or not of this log; `oldest` is the oldest event kept."""

    status = 410
    title = "Gone"
    namespace = MISONO_ERRORS

    def __init__(self, detail: str, *, oldest: int, pointer: str = "", remedy: str = "") -> None:
        super().__init__(detail, pointer=pointer, remedy=remedy)
        self.oldest = oldest


class LengthRequired(NgsiError):
    """A body without Content-Length (clause 6.3.4)."""

    status = 411
    title = "Length required"
    namespace = MISONO_ERRORS


class PreconditionFailed(NgsiError):
    """If-Match or If-None-Match does not hold."""

    status = 412
    title = "Precondition failed"
    namespace = MISONO_ERRORS


class PayloadTooLarge(NgsiError):
    """A body over the limit."""

    status = 413
    title = "Payload too large"
    namespace = MISONO_ERRORS


class UnsupportedMediaType(NgsiError):
    """A body in a media type the operation does not read (clause 6.3.4)."""

    status = 415
    title = "Unsupported media type"
    namespace = MISONO_ERRORS


class ServiceUnavailable(NgsiError):
    """The write queue is full or its writer ended; try again after `retry_after_s`."""

    status = 503
    title = "Service unavailable"
    namespace = MISONO_ERRORS
    retry_after_s: ClassVar[int] = 1


class ReadOnly(ServiceUnavailable):
    """Nothing is changed through this broker for now: it was started with --read-only."""

    title = "Read-only"
    retry_after_s = 10

    def __init__(self) -> None:
        super().__init__(
            "this broker is read-only while its data move to another store: nothing was changed",
            remedy="Send the request again in a minute; reading goes on, and what is subscribed to is delivered.",
        )


class SourceFailed(NgsiError):
    """A context source did not do what it was asked, for another reason than those below (clause 6.3.17)."""

    status = 502
    title = "Source failed"
    namespace = MISONO_ERRORS


class SourceTimeout(NgsiError):
    """A context source did not answer in time (clause 6.3.17)."""

    status = 504
    title = "Source timeout"
    namespace = MISONO_ERRORS


class LoopDetected(NgsiError):
    """A context source is registered that leads back to this broker (clause 6.3.17)."""

    status = 508
    title = "Loop detected"
    namespace = MISONO_ERRORS
