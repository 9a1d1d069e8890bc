"""The forms of bodies that a room takes, as JSON Schemas by name, and the refusal of what is not written so.

FORMS = Forms({"reserve": {"type": "object", "properties": {…}, "required": ["item"]}})
FORMS.read("reserve", body)     -> the body; BadRequestData names the member, and repeats nothing of it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from jsonschema_rs import Draft202012Validator

from broker.errors import BadRequestData
from broker.model.values import Json


class Forms:
    """Compiled when they are first needed."""

    def __init__(self, schemas: Mapping[str, dict[str, Any]]) -> None:
        self.schemas: Final = schemas
        self._validators: Final[dict[str, Draft202012Validator]] = {}

    def read(self, form: str, body: Json) -> dict[str, Any]:
        """The body. Raises BadRequestData, which repeats nothing of it."""
        schema = self.schemas[form]
        validator = self._validators.get(form)
        if validator is None:
            validator = self._validators[form] = Draft202012Validator(schema)
        error = next(iter(validator.iter_errors(body)), None)
        if error is not None:
            pointer = "".join(f"/{part}" for part in error.instance_path)
            rule = str(error.schema_path[-1]) if error.schema_path else "form"
            known, needed = ", ".join(schema["properties"]), ", ".join(schema["required"])
            raise BadRequestData(
                f"the body is not as a {form} is written ({rule})", pointer=pointer or "/",
                remedy=f"members {known or 'none'}; needed: {needed or 'nothing'}",
            )  # fmt: skip
        return cast("dict[str, Any]", body)
