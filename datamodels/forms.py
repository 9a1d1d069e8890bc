"""From the form of a value to JSON Schema 2020-12: the part that all spellings of an entity share."""

from __future__ import annotations

from typing import Final

from broker.model.values import Json
from datamodels.source import Form

Schema = dict[str, Json]

_TEXTS: Final[dict[str, Schema]] = {
    "date": {"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"},
    "time": {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?Z?$"},
    "date-time": {
        "type": "string",
        "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]"
        r"(:[0-5][0-9]([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$",
    },
    "duration": {
        "type": "string",
        "pattern": r"^P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?"
        r"(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?$",
    },
    "uri": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*$"},
}
"""As patterns: validators differ in what they make of `format`, and by default make nothing of it."""
_TYPED: Final = {"date": "Date", "time": "Time", "date-time": "DateTime"}


def schema_of(form: Form) -> Schema:
    """What a value of this form must be: `{"type": "number", "minimum": 0}`."""
    return _several(form, _one(form))


def value_schema_of(form: Form) -> Schema:
    """The same of the `value` of a Property, where a time may come as a typed value (clause 4.6.3)."""
    typed = _TYPED.get(form.type)
    if typed is None:
        return schema_of(form)
    text = _one(form)
    wrapped: Schema = {
        "type": "object",
        "properties": {"@type": {"const": typed}, "@value": text},
        "required": ["@type", "@value"],
    }
    either: Schema = {"anyOf": [text, wrapped]}
    return _several(form, either)


def _several(form: Form, one: Schema) -> Schema:
    if not form.many:
        return one
    array: Schema = {"type": "array", "items": one}
    return {"anyOf": [one, array]} if form.alone else array


def _one(form: Form) -> Schema:
    schema: Schema = dict(_TEXTS.get(form.type, {} if form.type == "any" else {"type": form.type}))
    bounds = {
        "minimum": form.least,
        "maximum": form.most,
        "exclusiveMinimum": form.above,
        "exclusiveMaximum": form.below,
        "maxLength": form.longest,
    }
    schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    if form.pattern:
        schema["pattern"] = form.pattern
    if form.fixed:
        schema["enum"] = list(form.fixed)
    if form.members:
        schema["properties"] = {name: schema_of(member) for name, member in form.members.items()}
        if form.required:
            schema["required"] = [*sorted(form.required)]
    return {"anyOf": [schema, {"enum": [*form.besides]}]} if form.besides else schema
