"""Japanese text as it is written in tables, made plain where it stands for digits and codes. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_DASH_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9A-Za-z])[‐‑‒–—―−ーｰ─━﹣](?=[0-9A-Za-z])")
_SPACES: Final = re.compile(r"\s+")
_UNKNOWN: Final = frozenset(
    {"-", "--", "‐", "―", "ー", "−", "－", "ｰ", "—", "…", "*",
     "＊", "不明", "未定", "なし", "無し", "該当なし", "null", "NULL", "None", "N/A", "n/a",
     "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!"}
)  # fmt: skip
_UNKNOWN_LONGEST: Final = max(map(len, _UNKNOWN))
_HIRAGANA: Final = range(0x3041, 0x3097)
_TO_KATAKANA: Final = {code: code + 0x60 for code in _HIRAGANA}


def plain(text: str) -> str:
    """Digits, letters and hyphens as a code has them: `２－１－２` gives `2-1-2`, `スーパー` stays.

    The long vowel is a hyphen only between digits and letters: a library that makes one of it everywhere ruins names,
    one that makes a long vowel of every hyphen ruins addresses.
    """
    if text.isascii():
        return text.strip()
    return _DASH_BETWEEN_DIGITS.sub("-", unicodedata.normalize("NFKC", text)).strip()


def tidy(text: str) -> str:
    """Text for people: no space at its ends, one between words, nothing else changed."""
    return _SPACES.sub(" ", text).strip()


def squeezed(text: str) -> str:
    """Plain, and without any space: `名　称` gives `名称`."""
    return _SPACES.sub("", plain(text))


def says_unknown(text: str) -> bool:
    """Whether a cell holds a mark for "nothing": `－`, `不明`, `#REF!`."""
    return len(text) <= _UNKNOWN_LONGEST and text in _UNKNOWN


def katakana(text: str) -> str:
    """A reading in full-width katakana: `ﾐｿﾉ` and `みその` give `ミソノ`."""
    return tidy(unicodedata.normalize("NFKC", text).translate(_TO_KATAKANA))


_KANJI_DIGITS: Final = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
KANJI_NUMERAL: Final = "[〇一二三四五六七八九十百]+"


def kanji_number(text: str) -> int:
    """A numeral of kanji below a thousand: `十二` gives 12, `二十` 20, `一〇` 10, `百三` 103."""
    if not any(sign in text for sign in "十百"):
        return int("".join(str(_KANJI_DIGITS[sign]) for sign in text))
    total, digit = 0, 0
    for sign in text:
        if sign in _KANJI_DIGITS:
            digit = _KANJI_DIGITS[sign]
        else:
            total, digit = total + (digit or 1) * (100 if sign == "百" else 10), 0
    return total + digit
