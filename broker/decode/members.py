"""The members of an attribute instance beside its value and its sub-attributes (clauses 4.5.2, 4.5.3, 4.8)."""

from __future__ import annotations

from broker.decode.reading import Reading, no_null, refusal, shown
from broker.model.names import URI_CHARS_MAX, is_datetime, is_uri
from broker.model.values import NGSI_LD_NULL, Json

UNIT_CHARS_MAX = 256
DATETIME_REMEDY = "a UTC DateTime such as 2026-01-01T00:00:00Z or 2026-01-01T00:00:00.250Z"


def decode_datetime(value: Json, pointer: str, reading: Reading) -> str:
    """A DateTime as it was sent, with a point where it had a comma. Raises BadRequestData (clause 4.6.3)."""
    if isinstance(value, str):
        if is_datetime(value):
            return value.replace(",", ".")
        if value == NGSI_LD_NULL and reading.nulls:
            return value
    if value is None:
        raise no_null(pointer)
    raise refusal(f"{shown(value)} is no DateTime.", pointer, "4.6.3", DATETIME_REMEDY)


def decode_unit(value: Json, pointer: str, reading: Reading) -> str:
    """A unit code as it was sent: `CEL`. Raises BadRequestData (clause 4.5.2.2)."""
    if isinstance(value, str) and 0 < len(value) <= UNIT_CHARS_MAX and (reading.nulls or value != NGSI_LD_NULL):
        return value
    raise refusal(
        f"{shown(value)} is no unit code.", pointer, "4.5.2.2", "a text of the UN/CEFACT common codes, such as 'CEL'"
    )


def decode_value_type(value: Json, pointer: str, reading: Reading) -> Json:
    """The datatype's IRI: `xsd:double`. Raises BadRequestData (clause 4.5.2.2)."""
    if value == NGSI_LD_NULL and reading.nulls:
        return value
    if isinstance(value, str) and 0 < len(value) <= URI_CHARS_MAX and value != NGSI_LD_NULL:
        return reading.names.expand_value(value)
    raise refusal(f"{shown(value)} is no datatype.", pointer, "4.5.2.2", "a term or an IRI, such as 'xsd:double'")


def decode_language_type(value: Json, pointer: str, reading: Reading) -> Json:
    """`langString` as it is: a LanguageProperty has no other datatype. Raises BadRequestData (clause 5.2.32)."""
    if value == "langString" or (value == NGSI_LD_NULL and reading.nulls):
        return value
    raise refusal(f"A languageMap is no {shown(value)}.", pointer, "5.2.32", "'langString', or no valueType")


def decode_types(value: Json, pointer: str, reading: Reading) -> Json:
    """The IRI of a type name, or of several: `House` gives `https://…/House`.

    One name in a list stands alone in the document, and a name counts once. Raises BadRequestData.
    """
    if value == NGSI_LD_NULL and not reading.nulls:
        raise refusal(f"'{NGSI_LD_NULL}' is no type.", pointer, "5.5.4", "a type name, or an array of type names")
    if isinstance(value, str):
        return value if value == NGSI_LD_NULL else reading.names.expand(value, pointer)
    if value is None:
        raise no_null(pointer)
    if not isinstance(value, list) or not value:
        raise refusal(f"{shown(value)} is no type.", pointer, "5.2.4", "a type name, or an array of type names")
    found: dict[str, None] = {}
    for at, one in enumerate(value):
        if not isinstance(one, str) or one == NGSI_LD_NULL:
            raise refusal(f"{shown(one)} is no type name.", f"{pointer}/{at}", "5.2.4", "a type name such as 'House'")
        found[reading.names.expand(one, f"{pointer}/{at}")] = None
    kept: list[Json] = list(found)
    return kept if len(kept) > 1 else kept[0]


def decode_uri(value: Json, pointer: str, clause: str) -> str:
    """A URI as it was sent. Raises BadRequestData."""
    if isinstance(value, str) and is_uri(value):
        return value
    if value is None:
        raise no_null(pointer)
    raise refusal(
        f"{shown(value)} is no URI.",
        pointer,
        clause,
        f"a URI of at most {URI_CHARS_MAX} characters, such as 'urn:ngsi-ld:House:1'",
    )


def decode_dataset_id(value: Json, pointer: str) -> str | None:
    """The dataset's URI; None for `@none`, the default instance. Raises BadRequestData (clause 4.5.5.1)."""
    if value == "@none":
        return None
    if value == NGSI_LD_NULL:
        raise refusal(
            "A datasetId cannot be removed.", pointer, "5.5.8", "delete the instance, or leave its datasetId as it is"
        )
    return decode_uri(value, pointer, "4.5.5.1")
