"""Texts that stand in index rows as numbers: type IRIs and leaf paths, and forms of entities.

A writer's numbers are valid inside its transaction only, a reader's for good: the two never share a cache.
"""

from __future__ import annotations

from typing import Final

import apsw
import orjson

from broker.stores.forms import Form, form_text

NAMES_MAX: Final = 20_000  # a cache of some MiB; past it, it starts again
FORMS_MAX: Final = 2_000


class WrittenNames(dict[str, int]):
    """Numbers for a writer: an unknown text gets one. `clear()` after a rollback."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __missing__(self, text: str) -> int:
        found = self._db.execute("SELECT number FROM name WHERE text = ?", (text,)).get
        if found is None:
            found = self._db.execute("INSERT INTO name (text) VALUES (?) RETURNING number", (text,)).get
        if len(self) >= NAMES_MAX:
            self.clear()
        self[text] = number = int(found)
        return number


class WrittenForms(dict[Form, int]):
    """Numbers of forms for a writer. `clear()` after a rollback."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __missing__(self, form: Form) -> int:
        text = orjson.dumps(form_text(form)).decode()
        found = self._db.execute("SELECT number FROM shape WHERE form = ?", (text,)).get
        if found is None:
            found = self._db.execute("INSERT INTO shape (form, entities) VALUES (?, 0) RETURNING number", (text,)).get
        if len(self) >= FORMS_MAX:
            self.clear()
        self[form] = number = int(found)
        return number


class ReadNames:
    """Numbers for readers, shared by threads; only what is committed is kept."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def find(self, db: apsw.Connection, text: str) -> int | None:
        """The text's number; None where nothing stored has it."""
        number = self._numbers.get(text)
        if number is None:
            number = db.execute("SELECT number FROM name WHERE text = ?", (text,)).get
            if number is not None:
                if len(self._numbers) >= NAMES_MAX:
                    self._numbers.clear()
                self._numbers[text] = number
        return number
