"""How a document is read: its names, which nulls it may hold, and how a refusal is worded (clauses 5.5.4, 5.5.7)."""

from __future__ import annotations

from dataclasses import dataclass

from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import INSTANCE_MEMBERS
from broker.model.kinds import KIND_OF_MEMBER, PROOF, SEALED
from broker.model.values import NGSI_LD_NULL, Json

NGSI_LD = "https://uri.etsi.org/ngsi-ld/"

_SHOWN_CHARS = 60
_TERMS = (INSTANCE_MEMBERS | SEALED | {"id", "scope"}) - {PROOF} - KIND_OF_MEMBER.keys()
_HELD = ("hasValue", "hasObject", "hasLanguageMap", "hasVocab", "hasJSON", "hasValueList", "hasObjectList")
NO_ATTRIBUTES = frozenset(
    NGSI_LD + form.format(term, term[0].upper() + term[1:])
    for term in _TERMS
    for form in ("{0}", "has{1}", "default-context/{0}")
)
"""IRIs of the core @contexts, old and new, for what is not reified: no attribute is called so (clause 4.5.1)."""
NO_SUB_ATTRIBUTES = NO_ATTRIBUTES | {NGSI_LD + term for term in _HELD}
"""The same, and the members that hold values: a sub-attribute would be written out under their names."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What holds for one document.

    `nulls`: members and values may be the NGSI-LD null (update and merge, clause 5.5.8); `merge`: so may keys inside
    of a Property's value (merge alone, clause 5.5.12); `partial`: instances may lack their value (clause 5.6.4).
    """

    names: ActiveContext
    nulls: bool = False
    merge: bool = False
    partial: bool = False


def below(pointer: str, name: str | int) -> str:
    """The JSON pointer of a member: `/a`, `b/c` gives `/a/b~1c` (RFC 6901)."""
    return f"{pointer}/{name}" if isinstance(name, int) else f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def shown(value: Json) -> str:
    """A value as a refusal shows it: its JSON type, or a short text in quotes."""
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= _SHOWN_CHARS else f"'{value[:_SHOWN_CHARS]}…' ({len(value)} characters)"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "JSON null"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else f"the number {str(value)[:40]}"


def refusal(detail: str, pointer: str, clause: str, remedy: str) -> BadRequestData:
    """A BadRequestData, to be raised."""
    return BadRequestData(detail, pointer=pointer, clause=clause, remedy=remedy)


def no_null(pointer: str) -> BadRequestData:
    """A refusal of a JSON null (clause 4.5.0)."""
    return refusal(
        "JSON null is no value in NGSI-LD.",
        pointer,
        "4.5.0",
        f"leave the member out; in an update or a merge '{NGSI_LD_NULL}' removes it",
    )


def attribute_iri(name: str, pointer: str, reading: Reading, refused: frozenset[str] = NO_ATTRIBUTES) -> str:
    """The IRI of an attribute or sub-attribute: `temperature` gives `https://…/temperature`.

    Raises BadRequestData for a name outside of 4.6.2 and for a core term that names no attribute (clause 4.5.1).
    """
    if name in _TERMS or name == "@context":
        raise no_attribute(name, pointer)
    iri = reading.names.expand(name, pointer)
    if iri in refused:
        raise no_attribute(name, pointer)
    return iri


def no_attribute(name: str, pointer: str) -> BadRequestData:
    """A refusal of a core term used as an attribute's name (clause 4.5.1)."""
    if name == "@context":
        return refusal(
            "An attribute holds no @context of its own.",
            pointer,
            "5.5.7",
            "one @context for the whole document, at its top",
        )
    return refusal(
        f"'{name}' is a term of the core @context and names no attribute.",
        pointer,
        "4.5.1",
        "another name for the attribute",
    )
