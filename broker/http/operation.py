"""What the operation table is made of: one row, one operation of clauses 5.6 to 5.16 under one method of clause 6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from broker.http.exchange import Exchange
from broker.http.media import JSON, LD_JSON, MERGE_PATCH
from broker.http.messages import Answer
from broker.http.parameters import Accepted

Handler: TypeAlias = Callable[[Exchange], Answer]
Body: TypeAlias = Literal["none", "object", "array", "any"]

NOTHING = Accepted()
_ON_SNAPSHOTS = ("5.6.", "5.7.", "5.8.", "5.14.")
_MAPPED = ("5.6.21", "5.7.1", "5.7.2", "5.7.3", "5.7.4")
STANDARD = "/ngsi-ld/v1"
ADMIN = "/admin"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. `template` is relative to `root`: `/entities/{entityId}/attrs`.

    `accepts` is what the query string may hold; `body` is the JSON kind of the request's body;
    `context_is_body` that its @context is what it is about;
    `writes` the media types of the answer in the order of 6.3.4; `hot` says that the front serves it inline,
    and `asks` that it changes nothing although its method is not GET;
    `answers` HTTP status -> schema name in /openapi.json.
    """

    name: str
    clause: str
    http_clause: str
    method: str
    template: str
    handler: Handler
    answers: tuple[tuple[int, str], ...]
    accepts: Accepted = NOTHING
    body: Body = "none"
    schema: str = ""
    writes: tuple[str, ...] = (JSON, LD_JSON)
    context_is_body: bool = False
    hot: bool = False
    root: str = STANDARD
    asks: bool = False

    @property
    def path(self) -> str:
        """The template from the server's root on: `/ngsi-ld/v1/entities/{entityId}`."""
        return self.root + self.template

    @property
    def reads(self) -> tuple[str, ...]:
        """The media types of the body; none where there is no body (clause 6.3.4)."""
        if self.body == "none":
            return ()
        return (JSON, LD_JSON, MERGE_PATCH) if self.method == "PATCH" else (JSON, LD_JSON)

    @property
    def changes(self) -> bool:
        """Whether it is a write, which a read-only broker refuses."""
        return self.method != "GET" and not self.asks

    @property
    def on_snapshots(self) -> bool:
        """Whether it is one of the Core API or the Temporal API (clause 5.5.15), or makes maps of what they find."""
        return self.clause.startswith(_ON_SNAPSHOTS)

    @property
    def on_maps(self) -> bool:
        """Whether it may be about an entity map (clause 5.5.14)."""
        return self.clause in _MAPPED

    @property
    def summary(self) -> str:
        """`Create entity` for `create_entity`."""
        return self.name.replace("_", " ").capitalize()
