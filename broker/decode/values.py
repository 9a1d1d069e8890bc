"""The value of each attribute kind (clauses 4.5.2, 4.5.3, 4.5.18 to 4.5.24, 4.7, 5.5.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from broker.decode.members import decode_uri
from broker.decode.reading import Reading, below, no_null, refusal, shown
from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.model.geometry import check_geometry
from broker.model.names import is_language
from broker.model.values import NGSI_LD_NULL, Json

TEXT_REMEDY = "a text, or an array of texts"
_ONLY_IN_MERGE = f"'{NGSI_LD_NULL}' stands for a removal and is no value here."


def decode_value(kind: str, value: Json, pointer: str, reading: Reading) -> Json:
    """The value member of an instance of `kind`, as the document holds it.

    An NGSI-LD null comes as the text `urn:ngsi-ld:null` for every kind but LanguageProperty, where it is
    `{"@none": "urn:ngsi-ld:null"}`. Raises BadRequestData.
    """
    if value is None:
        raise no_null(pointer)
    if _is_null(value):
        if not reading.nulls:
            raise refusal(_ONLY_IN_MERGE, pointer, "5.5.4", "a value; a PATCH may remove the attribute so")
        return {"@none": NGSI_LD_NULL} if kind == "LanguageProperty" else NGSI_LD_NULL
    return _DECODERS[kind](value, pointer, reading)


def _is_null(value: Json) -> bool:
    """Whether the value is one of the forms of the NGSI-LD null (clause 4.5.0)."""
    if isinstance(value, str):
        return value == NGSI_LD_NULL
    if isinstance(value, list):
        return value in ([NGSI_LD_NULL], [{"object": NGSI_LD_NULL}])
    return value == {"@none": NGSI_LD_NULL}


def _property(value: Json, pointer: str, reading: Reading) -> Json:
    if not reading.merge and isinstance(value, dict | list):
        check_nested_nulls(value, pointer)
    return value


def check_nested_nulls(value: Json, pointer: str) -> None:
    """Raise BadRequestData where a key inside of a value holds the NGSI-LD null (clause 5.5.4)."""
    if isinstance(value, dict):
        for name, child in value.items():
            if child == NGSI_LD_NULL:
                raise refusal(
                    _ONLY_IN_MERGE, below(pointer, name), "5.5.4", "a value, or no such key; a merge may remove it"
                )
            if isinstance(child, dict | list):
                check_nested_nulls(child, below(pointer, name))
    elif isinstance(value, list):
        for at, child in enumerate(value):
            if isinstance(child, dict | list):
                check_nested_nulls(child, below(pointer, at))


def _geometry(value: Json, pointer: str, _: Reading) -> Json:
    """A GeoJSON geometry; one encoded as a text is decoded (clause 4.7.2)."""
    if isinstance(value, str):
        try:
            value = parse_json(value.encode("utf-8", "surrogatepass"))
        except NgsiError:
            raise refusal(
                f"{shown(value)} is no GeoJSON geometry.", pointer, "4.7.2", "a geometry as a JSON object"
            ) from None
    return cast("Json", check_geometry(value, pointer))


def _language_map(value: Json, pointer: str, reading: Reading) -> Json:
    if not isinstance(value, dict) or not value:
        raise refusal(
            f"A languageMap is an object of language tags, not {shown(value)}.",
            pointer,
            "4.5.18.2",
            '{"en": "text", "ja": "文"}',
        )
    for tag, text in value.items():
        here = below(pointer, tag)
        if not is_language(tag):
            raise refusal(
                f"{shown(tag)} is no language tag.", here, "4.6.5", "a tag of RFC 5646 such as 'en', or '@none'"
            )
        if text is None:
            raise no_null(here)
        if text == NGSI_LD_NULL and not reading.merge:
            raise refusal(_ONLY_IN_MERGE, here, "5.5.4", "a text; a merge may remove the language so")
        if not _is_texts(text):
            raise refusal(f"A language's text is {TEXT_REMEDY}, not {shown(text)}.", here, "4.6.5", TEXT_REMEDY)
    return value


def _is_texts(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _vocab(value: Json, pointer: str, reading: Reading) -> Json:
    if isinstance(value, str) and value:
        return reading.names.expand_value(value)
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return [reading.names.expand_value(cast("str", one)) for one in value]
    raise refusal(f"A vocab is {TEXT_REMEDY}, not {shown(value)}.", pointer, "4.5.20.2", "a term, or an array of terms")


def _json(value: Json, pointer: str, _: Reading) -> Json:
    if isinstance(value, dict | list):
        return value
    raise refusal(
        f"A json is an object or an array, not {shown(value)}.", pointer, "4.5.24.2", "a Property for a scalar"
    )


def _object(value: Json, pointer: str, _: Reading) -> Json:
    if isinstance(value, list):
        if not value:
            raise refusal("A Relationship has an object.", pointer, "4.5.3.2", "a URI, or an array of URIs")
        return [decode_uri(one, below(pointer, at), "4.5.3.2") for at, one in enumerate(value)]
    return decode_uri(value, pointer, "4.5.3.2")


def _value_list(value: Json, pointer: str, reading: Reading) -> Json:
    if not isinstance(value, list):
        raise refusal(f"A valueList is an array, not {shown(value)}.", pointer, "4.5.21.2", "an array of values")
    return _property(value, pointer, reading)


def _object_list(value: Json, pointer: str, _: Reading) -> Json:
    """`["urn:a:1"]` and `[{"object": "urn:a:1"}]` give `[{"object": "urn:a:1"}]` (clause 4.5.22.3)."""
    if not isinstance(value, list):
        raise refusal(f"An objectList is an array, not {shown(value)}.", pointer, "4.5.22.2", "an array of URIs")
    found: list[Json] = []
    for at, one in enumerate(value):
        here = below(pointer, at)
        if isinstance(one, dict) and one.keys() == {"object"}:
            found.append({"object": decode_uri(one["object"], below(here, "object"), "4.5.22.2")})
        else:
            found.append({"object": decode_uri(one, here, "4.5.22.3")})
    return found


_DECODERS: dict[str, Callable[[Json, str, Reading], Json]] = {
    "Property": _property,
    "GeoProperty": _geometry,
    "Relationship": _object,
    "LanguageProperty": _language_map,
    "VocabProperty": _vocab,
    "JsonProperty": _json,
    "ListProperty": _value_list,
    "ListRelationship": _object_list,
}
