"""The bank's words in Japanese and English (`words.toml`), and the criteria it is held to (`conformance.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("ja", "en")


@cache
def words() -> dict[str, Any]:
    """`{"columns": {"day": {"ja": "…", "en": "…"}}, …}`."""
    return _read("words.toml")


@cache
def criteria() -> dict[str, Any]:
    """`{"source": {…}, "criterion": [{"id": "A1", "ja": "…", "en": "…", …}]}`."""
    return _read("conformance.toml")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("services.bank") / name).read_text(encoding="utf-8"))
