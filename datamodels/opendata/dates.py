"""Dates, times, weekdays and flags as Japanese tables write them. Pure.

Kept is the Gregorian date, the local time of day, and UTC where a date has a time; eras are for reading only. A cell
without an offset means Japan's time, which has no summer time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from datamodels.opendata.characters import KANJI_NUMERAL, kanji_number, squeezed
from datamodels.opendata.repairs import Read, Unreadable

JAPAN: Final = timezone(timedelta(hours=9))
_WANTED: Final = "a date such as 2026-11-23 or 令和8年11月23日"
_ERAS: Final = {
    "M": (date(1868, 1, 25), date(1912, 7, 29)),
    "T": (date(1912, 7, 30), date(1926, 12, 24)),
    "S": (date(1926, 12, 25), date(1989, 1, 7)),
    "H": (date(1989, 1, 8), date(2019, 4, 30)),
    "R": (date(2019, 5, 1), date.max),
}
_ERA_NAMES: Final = {
    "明治": "M", "大正": "T", "昭和": "S", "平成": "H", "令和": "R", "明": "M", "大": "T", "昭": "S", "平": "H",
    "令": "R",
}  # fmt: skip
_PARTS: Final = r"[年./-](\d{1,2})[月./-](\d{1,2})日?"
_ERA_DATE: Final = re.compile(r"(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])(\d{1,2}|元)" + _PARTS, re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{4})" + _PARTS)
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_PACKED: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL: Final = re.compile(r"(\d{5})(?:\.0+)?")
_SERIAL_ZERO: Final = date(1899, 12, 30)
_SERIALS: Final = range(10_000, 80_000)
"""1927 to 2119: what a cell that lost its format holds."""
_MIDNIGHT: Final = re.compile(r"[T ]?0{1,2}:00(:00)?")
_WEEKDAY_NOTE: Final = re.compile(r"\([月火水木金土日]\)")
_KANJI: Final = re.compile(KANJI_NUMERAL + "(?=[年月日])")


def read_date(text: str) -> Read:
    """A day: `R8.11.23`, `令和８年１１月２３日`, `2026/11/23`, `20261123`, `46349` all give `2026-11-23`.

    A date outside its era (`平成32年`, written ahead) is the Gregorian one that it counts to. Raises Unreadable.
    """
    if _ISO_DATE.fullmatch(text):
        return _day(*text.split("-")), ""
    plain = _KANJI.sub(lambda found: str(kanji_number(found[0])), _WEEKDAY_NOTE.sub("", squeezed(text)))
    era = _ERA_DATE.match(plain)
    if era:
        _no_more(plain[era.end() :])
        return _era_day(era)
    gregorian = _DATE.match(plain) or _PACKED.fullmatch(plain)
    if gregorian:
        _no_more(plain[gregorian.end() :])
        return _day(*gregorian.groups()), "code-format"
    serial = _SERIAL.fullmatch(plain)
    if serial and int(serial[1]) in _SERIALS:
        return str(_SERIAL_ZERO + timedelta(days=int(serial[1]))), "serial-date"
    raise Unreadable(_WANTED)


def _no_more(rest: str) -> None:
    if rest and not _MIDNIGHT.fullmatch(rest):
        raise Unreadable(_WANTED)


def _era_day(found: re.Match[str]) -> Read:
    sign = _ERA_NAMES.get(found[1], found[1].upper())
    first, last = _ERAS[sign]
    year = first.year - 1 + (1 if found[2] == "元" else int(found[2]))
    day = _day(year, found[3], found[4])
    return day, "era-date" if str(first) <= day <= str(last) else "era-outside"


def _day(year: str | int, month: str, day: str) -> str:
    try:
        return str(date(int(year), int(month), int(day)))
    except ValueError as wrong:
        raise Unreadable("a date that the calendar has") from wrong


_TIME: Final = re.compile(
    r"(午前|午後|AM|PM)?(\d{1,2})(?:[::時](\d{1,2})?分?)(?::(\d{2}))?(半)?(AM|PM)?", re.IGNORECASE
)
_PLAIN_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_FRACTION: Final = re.compile(r"0?\.\d+")
_RANGE: Final = re.compile(r"[~〜〰‐–—―−-]|から")
_HOURS_MAX: Final = 30
_DAY_HOURS, _HALF_DAY = 24, 12
_ALL_DAY: Final = frozenset({"24時間", "終日", "24h", "24H", "24時間営業", "24時間対応", "常時"})
ALL_DAY: Final = ("00:00", "00:00")
"""Opens at midnight and closes at the next: as schema.org writes a place that never closes."""


def read_time(text: str) -> Read:
    """The time of day: `９：００`, `9時`, `午前9時` and `0.375` give `09:00`; `24:00` is `00:00` of the next day.

    Raises Unreadable.
    """
    if _PLAIN_TIME.fullmatch(text):
        return text, ""
    plain = squeezed(text)
    if _FRACTION.fullmatch(plain):
        minutes = round(float(plain) * _DAY_HOURS * 60)
        return f"{minutes // 60 % _DAY_HOURS:02}:{minutes % 60:02}", "serial-date"
    found = _TIME.fullmatch(plain)
    if not found:
        raise Unreadable("a time such as 09:00")
    hour, minute = int(found[2]), 30 if found[5] else int(found[3] or 0)
    half = (found[1] or found[6] or "").upper()
    if half in ("午後", "PM") and hour < _HALF_DAY:
        hour += _HALF_DAY
    if half in ("午前", "AM") and hour == _HALF_DAY:
        hour = 0
    if hour > _HOURS_MAX or minute >= 60:  # noqa: PLR2004 - minutes of an hour
        raise Unreadable("a time such as 09:00")
    return f"{hour % _DAY_HOURS:02}:{minute:02}", "past-midnight" if hour >= _DAY_HOURS else "code-format"


def read_hours(text: str) -> tuple[str, str] | None:
    """Beginning and end where a cell holds both: `9:00〜17:00` gives `("09:00", "17:00")`; None where it does not."""
    plain = squeezed(text)
    if plain in _ALL_DAY:
        return ALL_DAY
    ends = _RANGE.split(plain)
    if len(ends) != 2 or not all(ends):  # noqa: PLR2004 - a beginning and an end
        return None
    return str(read_time(ends[0])[0]), str(read_time(ends[1])[0])


_INSTANT: Final = re.compile(r"(.+?)(?:[T ]|(?<=日))(\d{1,2}[:時].*?)(Z|[+-]\d{2}:?\d{2})?")


def read_instant(text: str) -> Read:
    """A moment in UTC: `2026/11/23 9:00` gives `2026-11-23T00:00:00Z`; the same text with an offset is taken at it.

    A day alone is its first moment in Japan. Raises Unreadable.
    """
    found = _INSTANT.fullmatch(text.strip())
    day, rule = read_date(found[1] if found else text)
    moment = datetime.fromisoformat(str(day)).replace(tzinfo=JAPAN)
    if found:
        moment += _since_midnight(found[2])
        if found[3]:
            offset = datetime.fromisoformat(f"2000-01-01T00:00:00{found[3]}").utcoffset() or timedelta()
            moment += timedelta(hours=9) - offset
    told = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return told, "" if told == text else rule or "code-format"


def _since_midnight(text: str) -> timedelta:
    time = str(read_time(text)[0])
    second = re.search(r":\d{2}:(\d{2})", text)
    past = re.match(r"(2[4-9]|30)\D", squeezed(text))
    return timedelta(
        days=1 if past else 0, hours=int(time[:2]), minutes=int(time[3:]), seconds=int(second[1]) if second else 0
    )


_DAYS: Final = "月火水木金土日"
_DAY_GROUPS: Final = {
    "平日": "月火水木金", "毎日": _DAYS, "全日": _DAYS, "年中無休": _DAYS, "無休": _DAYS, "週末": "土日",
}  # fmt: skip
_DAY_SIGNS: Final = re.compile(r"曜日?|[、,,・/;\s。]|と")
_DAY_SPAN: Final = re.compile(rf"([{_DAYS}])[~〜‐–—―−ー-]([{_DAYS}])")
_HOLIDAY: Final = re.compile(r"[((]?祝日?[))]?")


def read_weekdays(text: str) -> Read:
    """The days by number, 1 for Monday to 7 for Sunday: `月火水` gives `[1, 2, 3]`, `月～金` and `平日` `[1, …, 5]`.

    Raises Unreadable: what hangs on holidays or on the week of the month cannot be said by days alone.
    """
    plain = squeezed(text).replace("(", "(")
    if plain in _DAY_GROUPS:
        named = _DAY_GROUPS[plain]
    elif plain.isascii() and plain.replace(",", "").isdecimal() and set(plain) <= set("1234567,"):
        return [*sorted({int(day) for day in plain.replace(",", "")})], ""
    else:
        named = _DAY_SPAN.sub(_span, _DAY_SIGNS.sub("", _HOLIDAY.sub("", plain)))
    if not named or not set(named) <= set(_DAYS):
        raise Unreadable("weekdays such as 月火水 or 月～金")
    return [*sorted({_DAYS.index(day) + 1 for day in named})], "weekday-words"


def _span(found: re.Match[str]) -> str:
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2])
    return _DAYS[first : last + 1] if first <= last else _DAYS[first:] + _DAYS[: last + 1]


_YES: Final = frozenset(
    {"○", "〇", "◯", "◎", "●", "有", "有り", "あり", "可", "可能", "はい", "該当",
     "該当する", "対応", "済", "1", "true", "TRUE", "True", "yes", "YES", "Yes", "Y", "y",
     "レ", "✓", "✔", "☑"}
)  # fmt: skip
_NO: Final = frozenset(
    {"×", "✕", "✖", "☓", "x", "X", "無", "無し", "なし", "不可", "いいえ", "非該当",
     "該当しない", "該当なし", "未対応", "未", "0", "false", "FALSE", "False", "no", "NO", "No", "N",
     "n", "-", "ー", "―", "－"}
)  # fmt: skip
_PARTLY: Final = frozenset({"△", "一部", "一部可", "一部有"})


def read_flag(text: str, *, partly: bool | None = None) -> Read:
    """Whether it is so: `○`, `有` and `1` are true, `×`, `無` and `0` false; `△` is what `partly` says.

    Raises Unreadable.
    """
    plain = squeezed(text)
    for words in (text.strip(), plain.removesuffix(".0")):
        if words in _YES:
            return True, "" if words == "1" else "flag-word"
        if words in _NO:
            return False, "" if words == "0" else "flag-word"
    if plain in _PARTLY and partly is not None:
        return partly, "flag-word"
    raise Unreadable("○, 有 or 1, or ×, 無 or 0")


_NUMBER: Final = re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][-+]?\d+)?")
_NUMBER_LONGEST: Final = 15
_BEHIND: Final = re.compile(r"(?<=\d)(人|名|台|件|㎡|m2|m|世帯|回|箇所|か所|室|席|円|基|年|歳)$")


def read_number(text: str, *, whole: bool = False) -> Read:
    """A number: `１，２３４人` gives 1234. Raises Unreadable, for a fraction too where it must be `whole`."""
    plain = squeezed(text)
    found = _NUMBER.fullmatch(_BEHIND.sub("", plain).removeprefix("約"))
    if not found or len(plain) > _NUMBER_LONGEST:
        raise Unreadable("a whole number" if whole else "a number")
    told = found[0].replace(",", "")
    value = float(told) if found[3] or found[4] else int(told)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if whole and isinstance(value, float):
        raise Unreadable("a whole number")
    return value, "" if told == text else "full-width" if not text.isascii() else "code-format"
