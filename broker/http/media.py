"""Media types: what a body is in, what an answer may be in, and what Prefer asks for (clauses 6.3.4 to 6.3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from broker.errors import InvalidRequest, NotAcceptable, UnsupportedMediaType

JSON = "application/json"
LD_JSON = "application/ld+json"
GEO_JSON = "application/geo+json"
MERGE_PATCH = "application/merge-patch+json"
TURTLE = "text/turtle"

_APPLICATION = ("application/*", "*/*")
_RANGES = {JSON: _APPLICATION, LD_JSON: _APPLICATION, GEO_JSON: _APPLICATION, TURTLE: ("text/*", "*/*")}


@lru_cache(maxsize=1024)
def choose(accept: str, available: tuple[str, ...]) -> str:
    """The media type of the answer: `application/ld+json;q=0.9, */*;q=0.1` of JSON and JSON-LD gives JSON-LD.

    The greatest weight wins, between equals the first available (clause 6.3.4). Raises NotAcceptable.
    """
    weights = _weights(accept)
    best, best_weight = "", 0.0
    for media_type in available:
        weight = next((weights[name] for name in (media_type, *_RANGES[media_type]) if name in weights), 0.0)
        if weight > best_weight:
            best, best_weight = media_type, weight
    if not best:
        raise NotAcceptable(
            "the answer can be given as " + ", ".join(available), pointer="Accept", clause="6.3.4",
            remedy=f"Accept: {available[0]}",
        )  # fmt: skip
    return best


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            weights[name] = max(_weight(parameters), weights.get(name, 0.0))
    return weights


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 1.0  # no weight at all, so the default
    return 1.0


@lru_cache(maxsize=1024)
def check_content(content_type: str, readable: tuple[str, ...]) -> str:
    """The media type of a body: `application/json; charset=utf-8` gives `application/json`.

    Raises UnsupportedMediaType (clause 6.3.4).
    """
    name, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    charsets = [parameter[8:].strip('"') for parameter in parameters if parameter.startswith("charset=")]
    if name not in readable or charsets not in ([], ["utf-8"], ["utf8"], ["us-ascii"]):
        raise UnsupportedMediaType(
            f"the body is in '{content_type[:100]}'", pointer="Content-Type", clause="6.3.4",
            remedy="one of: " + ", ".join(readable),
        )  # fmt: skip
    return name


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the header Prefer asks for (clause 6.3.6).

    A version of the standard, the place of a GeoJSON answer's @context, and whether the answer says where time went.
    """

    version: str | None = None
    context_in_body: bool = True
    timing: bool = False


NO_PREFERENCE = Preferences()


@lru_cache(maxsize=1024)
def preferences(prefer: str) -> Preferences:
    """`ngsi-ld=1.6, body=json, timing` as Preferences; what is not known is passed over (RFC 7240)."""
    version, context_in_body, timing = None, True, False
    for part in prefer.split(","):
        name, _, value = part.split(";")[0].strip().partition("=")
        value = value.strip().strip('"')
        match name.strip().lower():
            case "ngsi-ld":
                version = _version(value)
            case "body":
                context_in_body = value != "json"
            case "timing":
                timing = True
            case _:
                pass
    return Preferences(version, context_in_body, timing)


def _version(text: str) -> str:
    major, dot, minor = text.partition(".")
    if not (major.isdigit() and dot and minor.isdigit() and text.isascii() and len(text) < 8):  # noqa: PLR2004  digits
        raise InvalidRequest(
            f"'{text[:50]}' is no version", pointer="Prefer", clause="4.3.6.8", remedy="Prefer: ngsi-ld=1.6"
        )
    return text
