"""One cell by what its column holds: `READ["date"](column, "R8.11.23", …)` gives `("2026-11-23", "era-date")`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from datamodels.opendata import codes, dates
from datamodels.opendata.characters import katakana, plain, tidy
from datamodels.opendata.mapping import Column
from datamodels.opendata.repairs import Read, Unreadable

_URI: Final = re.compile(r"(https?|mailto|tel|ftp|urn):[^\s]+")
_KEPT_IN_URIS: Final = ":/?#[]@!$&'()*+,;=%~"
_BROKEN: Final = "\ufffd"


def read_text(column: Column, text: str, prefecture: str) -> Read:
    """Text for people; a list of it where the column is divided."""
    del prefecture
    if _BROKEN in text:
        raise Unreadable("signs that the file's encoding has")
    if column.split:
        return [tidy(one) for one in re.split(f"[{re.escape(column.split)};;、,]", text) if one.strip()], ""
    return tidy(text), ""


def _uri(text: str) -> Read:
    told = plain(text)
    if told.startswith("www."):
        return _uri(f"https://{told}")[0], "code-format"
    if not _URI.fullmatch(told):
        raise Unreadable("a URL that begins with https://")
    safe = quote(told, safe=_KEPT_IN_URIS)
    return safe, "" if safe == text else "code-format"


def _kana(text: str) -> Read:
    if _BROKEN in text:
        raise Unreadable("signs that the file's encoding has")
    told = katakana(text)
    return told, "" if told == text else "kana"


def _code(text: str) -> Read:
    told = codes.digits(text)
    return told, "" if told == text else "code-format"


def _alone(read: Callable[[str], Read]) -> Callable[[Column, str, str], Read]:
    return lambda _column, text, _prefecture: read(text)


READ: Final[dict[str, Callable[[Column, str, str], Read]]] = {
    "text": read_text,
    "identifier": _alone(lambda text: (codes.digits(text), "")),
    "kana": _alone(_kana),
    "number": _alone(dates.read_number),
    "integer": _alone(lambda text: dates.read_number(text, whole=True)),
    "flag": lambda column, text, _prefecture: dates.read_flag(text, partly=column.partly),
    "date": _alone(dates.read_date),
    "closed": _alone(dates.read_date),
    "time": _alone(dates.read_time),
    "opens": _alone(dates.read_time),
    "closes": _alone(dates.read_time),
    "instant": _alone(dates.read_instant),
    "weekdays": _alone(dates.read_weekdays),
    "municipality": lambda _column, text, prefecture: codes.read_municipality(text, prefecture),
    "corporate": _alone(codes.read_corporate),
    "postal": _alone(codes.read_postal),
    "phone": _alone(codes.read_phone),
    "digits": lambda column, text, _prefecture: codes.read_digits(text, column.length),
    "code": _alone(_code),
    "uri": _alone(_uri),
}
"""`as` of a column -> what reads its cells; each raises Unreadable."""
