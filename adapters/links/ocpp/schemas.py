"""The JSON Schemas of OCPP, as the package `ocpp` ships them, compiled once each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import jsonschema_rs
from ocpp.messages import MessageType, get_validator
from ocpp.v16.enums import Action as Action16
from ocpp.v201.enums import Action as Action201

from adapters.codecs.ocpp import V16, V201
from broker.model.values import Json

_VERSIONS: Final = {V16: "1.6", V201: "2.0.1"}
_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    V16: frozenset(one.value for one in Action16),
    V201: frozenset(one.value for one in Action201),
}
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "Type": ("TypeConstraintViolation", "TypeConstraintViolation"),
    "Required": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "MinItems": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "AdditionalProperties": ("FormationViolation", "FormatViolation"),
}
"""The code of an error by what was violated, in 1.6 (whose list has it misspelt) and in 2.0.1."""
_PROPERTY: Final = ("PropertyConstraintViolation", "PropertyConstraintViolation")


class Violation(Exception):
    """A payload that its schema does not allow: `code` is OCPP's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_known(version: str, action: str) -> bool:
    """Whether that version of OCPP has such an action: asked first, since its name becomes a path of a schema."""
    return action in _ACTIONS[version]


def check_call(version: str, action: str, payload: Mapping[str, Json]) -> None:
    """Hold the payload of a call of a known action to its schema. Raises Violation."""
    _check(version, action, MessageType.Call, payload)


def check_result(version: str, action: str, payload: Mapping[str, Json]) -> None:
    """Hold the answer to a call of a known action to its schema. Raises Violation."""
    _check(version, action, MessageType.CallResult, payload)


def _check(version: str, action: str, kind: int, payload: Mapping[str, Json]) -> None:
    try:
        _validator(version, action, kind).validate(payload)
    except jsonschema_rs.ValidationError as error:
        # not the error's own words: they repeat the value, which may be somebody's token
        place, rule = "/".join(map(str, error.instance_path)), type(error.kind).__name__.rpartition("_")[2]
        code = _CODES.get(rule, _PROPERTY)[version == V201]
        raise Violation(code, f"{action}: {place or 'the payload'} is not as its schema says ({rule})") from error


@cache
def _validator(version: str, action: str, kind: int) -> jsonschema_rs.Validator:
    schema = get_validator(kind, action, _VERSIONS[version]).schema
    draft = jsonschema_rs.Draft4Validator if version == V16 else jsonschema_rs.Draft6Validator
    validator: jsonschema_rs.Validator = draft(schema, validate_formats=False)  # a time is read by who needs it
    return validator
