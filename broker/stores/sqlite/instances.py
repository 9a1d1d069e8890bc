"""Instances of history as rows and back.

A row holds what most instances are made of in columns: a value of one scalar, and in `form`, interned in `name`, all
else that they have in common. Only what does not fit has its JSON in `body` too.

    {"type": "Property", "value": 20.5, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00Z"}
    form  RS + '["Property","CEL",null,0,false]'      kind, unitCode, datasetId, digits of a second, is boolean
    value 20.5

`number` is the microsecond of writing and an ordinal within it; that of an instance that is still current is
CURRENT, whoever asks. modified_at is NULL where the number says it, and created_at where it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, cast

import orjson

from broker.model.entity import Instance
from broker.model.values import Instant, Json, to_instant, to_text
from broker.stores.past import Past
from broker.stores.sqlite.codec import dump, load_any
from broker.stores.sqlite.index import INTEGER_MAX, rounded
from broker.stores.sqlite.names import WrittenNames

ORDINAL_BITS: Final = 10
CURRENT: Final = (1 << ORDINAL_BITS) - 1
"""The ordinal of an instance that its entity still has, or had last."""
DROPPED: Final = -1
"""`observed` of a row that only says that the instance of this key is no more in history."""
COLUMNS: Final = "time, number, dataset, observed, created_at, modified_at, deleted_at, form, value, body"
"""What `to_past` reads, in its order."""
ID_PREFIX: Final = "urn:ngsi-ld:Instance:"
_FORM: Final = "\x1e"
_TEXT_MAX: Final = 200
_FLOAT_CHARACTERS_MAX: Final = 18  # so few digits SQLite reads as Python does
_NO_DIGITS: Final = -1

Row: TypeAlias = "list[Any]"
FormKey: TypeAlias = "tuple[str, str | None, str | None, int, bool]"


class Key(NamedTuple):
    """Where an instance is: the primary key of its row."""

    entity: int
    path: int
    time: Instant
    number: int
    dataset: int


class WrittenInstances:
    """Makes rows, giving numbers to what they name. `forget()` after a rollback."""

    def __init__(self, names: WrittenNames) -> None:
        self.names = names
        self._forms: dict[FormKey, int] = {}

    def forget(self) -> None:
        """Numbers given are not."""
        self.names.clear()
        self._forms.clear()

    def dataset(self, past: Past) -> int:
        """The number of its datasetId; 0 for the default one."""
        dataset = past.body.get("datasetId")
        return 0 if dataset is None else self.names[cast(str, dataset)]

    def key(self, entity: int, path: int, past: Past) -> Key:
        """Where it is to stand."""
        return Key(entity, path, past.time, past.number, self.dataset(past))

    def row(self, key: Key, past: Past) -> Row:
        """The row, in the order of INSERTED."""
        modified_at = None if past.modified_at == past.number >> ORDINAL_BITS else past.modified_at
        created_at = None if past.created_at == past.modified_at else past.created_at
        head = [*key, int(past.observed_at is not None), created_at, modified_at, past.deleted_at]
        form = _form(past.body)
        if form is None:
            return [*head, None, _number(past.body), dump(past.body)[0].decode()]
        number = self._forms.get(form)
        if number is None:
            if len(self._forms) > FORMS_MAX:
                self._forms.clear()
            number = self._forms[form] = self.names[_FORM + orjson.dumps(form).decode()]
        value = past.body["value" if "value" in past.body else "object"]
        return [*head, number, int(value is True) if form[4] else value, None]


FORMS_MAX: Final = 5_000
INSERTED: Final = (
    "entity, path, time, number, dataset, observed, created_at, modified_at, deleted_at, form, value, body"
)


def to_past(row: tuple[Any, ...], forms: Mapping[int, FormKey]) -> Past:
    """The instance of a row of COLUMNS."""
    time, number, _, observed, created_at, modified_at, deleted_at, form, value, body = row
    if modified_at is None:
        modified_at = number >> ORDINAL_BITS
    if created_at is None:
        created_at = modified_at
    instance = _instance(forms[form], time, value) if body is None else cast(Instance, load_any(body))
    return Past(number, instance, created_at, modified_at, time if observed else None, deleted_at)


def read_form(text: str) -> FormKey:
    """A form as it stands in `name`."""
    kind, unit, dataset, digits, is_boolean = orjson.loads(text[len(_FORM) :])
    return kind, unit, dataset, digits, is_boolean


def id_head(entity: int, path: int) -> str:
    """What ids of an attribute's instances begin with; `NUMBER:DATASET` follows.

    An id says where to look, and stays when the instance is corrected.
    """
    return f"{ID_PREFIX}{entity}:{path}:"


def parse_id(instance_id: str) -> tuple[int, int, int, int] | None:
    """`(entity, path, number, dataset)`; None for what this broker never gave."""
    parts = instance_id.removeprefix(ID_PREFIX).split(":")
    if len(parts) != 4 or not instance_id.startswith(ID_PREFIX):  # noqa: PLR2004 - entity, path, number, dataset
        return None
    try:
        entity, path, number, dataset = (int(part) for part in parts)
    except ValueError:
        return None
    found = (entity, path, number, dataset)
    return found if all(abs(part) < INTEGER_MAX for part in found) else None


def _form(body: Instance) -> FormKey | None:
    """What an instance has beside its value; None where it does not fit."""
    kind, known, is_boolean = body["type"], 2, False
    if kind == "Property":
        value = body["value"]
        is_boolean = value is True or value is False
        if not is_boolean and not _plain(value):
            return None
    elif kind != "Relationship" or not _plain_text(body["object"]):
        return None
    digits = _NO_DIGITS
    if "observedAt" in body:
        digits, known = _digits(cast(str, body["observedAt"])), known + 1
        if digits == _NO_DIGITS:
            return None
    unit, dataset = body.get("unitCode"), body.get("datasetId")
    known += (unit is not None) + (dataset is not None)
    if known != len(body) or not (unit is None or type(unit) is str):
        return None
    return kind, unit, cast("str | None", dataset), digits, is_boolean


def _plain(value: Json) -> bool:
    """Whether SQLite keeps the value as it is."""
    kind = type(value)
    if kind is float:
        text = repr(value)
        return len(text) <= _FLOAT_CHARACTERS_MAX and "e" not in text
    if kind is int:
        return -INTEGER_MAX <= cast(int, value) < INTEGER_MAX
    return _plain_text(value)


def _plain_text(value: Json) -> bool:
    return type(value) is str and len(value) <= _TEXT_MAX and "\x00" not in value


def _digits(text: str) -> int:
    """Digits behind the seconds of a DateTime that `_time_text` writes the same; -1 where it would not."""
    if len(text) == 20:  # noqa: PLR2004 - 2026-01-01T00:00:00Z
        return 0
    digits = len(text) - 21
    return digits if 1 <= digits <= 6 and text[19] == "." else _NO_DIGITS  # noqa: PLR2004 - microseconds


def _number(body: Instance) -> int | float | None:
    """The value as aggregates take it, where it is a number."""
    value = body.get("value")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if -INTEGER_MAX <= value < INTEGER_MAX else rounded(value)
    return value if isinstance(value, float) else None


def _instance(form: FormKey, time: Instant, value: Any) -> Instance:  # noqa: ANN401 - what SQLite gives
    kind, unit, dataset, digits, is_boolean = form
    instance: Instance = {"type": kind, "object" if kind == "Relationship" else "value": value}
    if is_boolean:
        instance["value"] = bool(value)
    if unit is not None:
        instance["unitCode"] = unit
    if dataset is not None:
        instance["datasetId"] = dataset
    if digits >= 0:
        instance["observedAt"] = _time_text(time, digits)
    return instance


@lru_cache(maxsize=4096)
def _time_text(time: Instant, digits: int) -> str:
    text = to_text(time)
    return text[:19] + "Z" if not digits else text[: 20 + digits] + "Z"


instant_of_text = lru_cache(maxsize=4096)(to_instant)
