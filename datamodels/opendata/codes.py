"""Codes of Japan's administration, with their check digits: municipalities, corporations, postal codes, phones. Pure.

A spreadsheet takes a code for a number: leading zeros go, long ones become `1.7E+11`. The zeros can be put back.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from datamodels.opendata.characters import plain, squeezed
from datamodels.opendata.repairs import Read, Unreadable

PREFECTURES: Final = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県",
    "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県",
    "岐阜県", "静岡県", "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県",
    "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)  # fmt: skip
"""In the order of their codes, 01 to 47."""

_SCIENTIFIC: Final = re.compile(r"[-+]?\d+(?:\.\d+)?[eE][-+]?\d+")
_WHOLE: Final = re.compile(r"(\d+)\.0+")
_MUNICIPALITY, _SHORT = 6, 5
_CORPORATE: Final = 13
_POSTAL: Final = 7
_PHONE: Final = re.compile(r"0\d{1,4}-?\d{1,4}-?\d{3,4}")
_NOT_DIALLED: Final = re.compile(r"[()\s]+")


def digits(text: str) -> str:
    """The text of a code as it was before a spreadsheet: `111007.0` gives `111007`. Raises Unreadable for `1.7E+11`."""
    code = squeezed(text)
    whole = _WHOLE.fullmatch(code)
    if whole:
        return whole[1]
    if _SCIENTIFIC.fullmatch(code):
        number = Decimal(code)
        exact = number.as_tuple()
        if isinstance(exact.exponent, int) and exact.exponent > 0:
            raise Unreadable("all its digits: a spreadsheet kept only the first ones")
        return str(int(number)) if number == int(number) else code
    return code


def check_digit(first: str) -> str:
    """The sixth digit of a municipality's code: `11100` gives `7`."""
    total = sum(int(digit) * weight for digit, weight in zip(first, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def read_municipality(text: str, prefecture: str = "") -> Read:
    """全国地方公共団体コード of six digits: `111007`; `11100` gets its check digit, `72028` its leading zero.

    What could be either is read with `prefecture`, two digits, and refused without. Raises Unreadable.
    """
    code = digits(text)
    if not code.isdecimal() or not code.isascii():
        raise Unreadable("a municipality's code of six digits, such as 111007")
    if len(code) == _MUNICIPALITY:
        return _checked(code), "" if code == text else "full-width"
    could = [one for one in _completed(code) if _is_municipality(one[0]) and one[0].startswith(prefecture)]
    if len({one for one, _ in could}) > 1:
        raise Unreadable(f"six digits: {code} may be {' or '.join(one for one, _ in could)}; --prefecture says which")
    if not could:
        raise Unreadable("a municipality's code of six digits, such as 111007")
    return could[0]


def _completed(code: str) -> list[tuple[str, str]]:
    """What a code that is too short may have been."""
    if len(code) == _SHORT:
        return [(code + check_digit(code), "check-digit-added"), ("0" + code, "zero-added")]
    if len(code) == _SHORT - 1:
        return [("0" + code + check_digit("0" + code), "check-digit-added")]
    return []


def _is_municipality(code: str) -> bool:
    return 1 <= int(code[:2]) <= len(PREFECTURES) and code[5] == check_digit(code[:5])


def _checked(code: str) -> str:
    if not _is_municipality(code):
        raise Unreadable(f"a municipality's code whose check digit is right: {code[:5]} has {check_digit(code[:5])}")
    return code


def prefecture_of(code: str) -> str:
    """The prefecture's name of a municipality's code: `111007` gives `埼玉県`."""
    return PREFECTURES[int(code[:2]) - 1]


def corporate_check_digit(last: str) -> str:
    """The first digit of a corporate number, of the twelve that follow it: `000012050002` gives `7`."""
    total = sum(int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(last)))
    return str(9 - total % 9)


def read_corporate(text: str) -> Read:
    """法人番号 of thirteen digits: `7000012050002`. Raises Unreadable where its check digit is not right."""
    code = digits(text).replace("-", "")
    if len(code) != _CORPORATE or not code.isdecimal():
        raise Unreadable("a corporate number of thirteen digits")
    if code[0] != corporate_check_digit(code[1:]):
        raise Unreadable("a corporate number whose check digit is right")
    return code, "" if code == text else "code-format"


def read_postal(text: str) -> Read:
    """郵便番号: `〒3300801` and `３３０－０８０１` give `330-0801`. Raises Unreadable."""
    code = digits(text).replace("〒", "").replace("-", "")
    lost = len(code) in (_POSTAL - 1, _POSTAL - 2)
    code = code.zfill(_POSTAL) if lost else code
    if len(code) != _POSTAL or not code.isdecimal():
        raise Unreadable("a postal code of seven digits, such as 330-0801")
    code = f"{code[:3]}-{code[3:]}"
    return code, "zero-added" if lost else "" if code == text else "code-format"


def read_phone(text: str) -> Read:
    """電話番号: `(０４８)８２９－１１１１` gives `048-829-1111`, `488291111` gets its zero. Raises Unreadable."""
    number = digits(_NOT_DIALLED.sub("-", plain(text)).strip("-").replace("--", "-"))
    lost = not number.startswith("0") and len(number.replace("-", "")) in (9, 10)
    number = "0" + number if lost else number
    if not _PHONE.fullmatch(number):
        raise Unreadable("a phone number such as 048-829-1111")
    return number, "zero-added" if lost else "" if number == text else "code-format"


def read_digits(text: str, length: int = 0) -> Read:
    """A code of digits of this length: `101` with 4 gives `0101`. Raises Unreadable."""
    code = digits(text)
    if not code.isdecimal() or (length and len(code) > length):
        raise Unreadable(f"a code of {length or 'only'} digits")
    full = code.zfill(length)
    return full, "zero-added" if full != code else "" if code == text else "code-format"
