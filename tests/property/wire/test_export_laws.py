"""What export writes, import reads back to the same document; whatever the entity, as lines and as an array."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from broker.decode.entity import decode_entity
from broker.decode.files import entities_in
from broker.encode import files
from broker.ldcontext.core import CORE_URL, core_context
from broker.model import change
from broker.model.entity import Document
from broker.operations.transfer import read_entity
from tests.strategies.wire import bodies

NOW = 1_767_225_600_000_000
WRITERS = {"lines": files.lines, "array": files.array}


@pytest.mark.parametrize("form", WRITERS)
@given(body=bodies())
def test_export_then_import_is_identity(form: str, body: dict[str, Any]) -> None:
    document = decode_entity({name: value for name, value in body.items() if name != "@context"}, core_context())
    entity = change.create(document, NOW)
    text = b"".join(WRITERS[form](files.texts([entity], files.WHOLE, core_context(), CORE_URL)))
    [found] = entities_in(text.splitlines(keepends=True))
    assert isinstance(found.body, dict)
    again: Document = read_entity(found.body, lambda _: core_context(), context=CORE_URL)
    assert change.create(again, NOW) == entity
    assert change.replace(entity, again, NOW)[0] is entity
