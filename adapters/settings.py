"""The members `link` and `codec` of an adapter's file, checked one by one; each refusal names the member."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from adapters.link import BadSettings
from broker.model.values import Json

SECRET_BYTES_MAX: Final = 4096


class Members:
    """`Members({"kind": "mqtt", "qos": 1}, "link").whole("qos", 1, 0, 2)` is 1; `done()` refuses all that is left."""

    def __init__(self, settings: object, where: str) -> None:
        if settings is None:
            settings = {}
        if not isinstance(settings, Mapping):
            raise BadSettings(f"{where}: an object such as {{kind: …}} would do")
        self._members: Mapping[str, Json] = settings
        self._where = where
        self._asked = {"kind"}

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there and say something."""
        value = self._take(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.refuse(name, "a text")
        return value

    def one_of(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self._take(name, default)
        if value not in choices:
            raise self.refuse(name, f"one of {', '.join(choices)}")
        return str(value)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number within its bounds."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.refuse(name, f"a number from {least:g} to {most:g}")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within its bounds."""
        value = self.number(name, default, least, most)
        if not isinstance(value, int):
            raise self.refuse(name, f"a whole number from {least} to {most}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """`true` or `false`."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false")
        return value

    def texts(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts; one alone may stand without its brackets."""
        value = self._take(name, list(default))
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.refuse(name, "a list of texts")
        return tuple(str(one) for one in value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers; one alone may stand without its brackets; none where it is not there."""
        value = self._take(name, [])
        listed = value if isinstance(value, list) else [value]
        numbers = [one for one in listed if isinstance(one, int | float) and not isinstance(one, bool)]
        if len(numbers) < len(listed) or not all(map(math.isfinite, numbers)):
            raise self.refuse(name, "a list of numbers")
        return tuple(numbers)

    def pairs(self, name: str) -> dict[str, str]:
        """An object of texts; empty where it is not there."""
        value = self._take(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.refuse(name, "an object of texts")
        return {key: str(one) for key, one in value.items()}

    def below(self, name: str) -> dict[str, Json]:
        """An object; empty where it is not there."""
        value = self._take(name, {})
        if not isinstance(value, dict):
            raise self.refuse(name, "an object")
        return value

    def rows(self, name: str) -> list[Json]:
        """A list of whatever; empty where it is not there."""
        value = self._take(name, [])
        if not isinstance(value, list):
            raise self.refuse(name, "a list")
        return value

    def objects(self, name: str) -> tuple[dict[str, Json], ...]:
        """A list of objects; none where it is not there."""
        value = self._take(name, [])
        if not isinstance(value, list):
            raise self.refuse(name, "a list of objects")
        found = tuple(one for one in value if isinstance(one, dict))
        if len(found) < len(value):
            raise self.refuse(name, "a list of objects")
        return found

    def secret(self, name: str, home: Path) -> str:
        """The text of `name`, or of the first line of the file that `name_file` names; empty where neither is there."""
        given, file = self.text(name, ""), self.text(f"{name}_file", "")
        if given and file:
            raise self.refuse(name, f"either {name} or {name}_file")
        if not file:
            return given
        try:
            with (home / file).open("rb") as opened:
                return opened.read(SECRET_BYTES_MAX).decode().splitlines()[0].strip()
        except (OSError, UnicodeDecodeError, IndexError) as fault:
            raise self.refuse(f"{name}_file", f"a file whose first line is the {name} ({fault})") from fault

    def done(self) -> None:
        """Refuse members that nobody asked for."""
        unknown = sorted(set(self._members) - self._asked)
        if unknown:
            raise BadSettings(f"{self._where}/{unknown[0]}: not known; there are {', '.join(sorted(self._asked))}")

    def refuse(self, name: str, would_do: str) -> BadSettings:
        """What to raise where a member is not what it must be."""
        return BadSettings(f"{self._where}/{name}: {would_do} would do")

    def _take(self, name: str, default: Json) -> Json:
        self._asked.add(name)
        return self._members.get(name, default)
