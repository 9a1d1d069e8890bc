"""Japanese addresses: one text divided into its parts, each written in one way (GIF DS-442). Pure.

`埼玉県さいたま市緑区大字中尾９７５番地１　浦和ビル３階` gives 埼玉県, さいたま市緑区, 中尾, 975-1 and 浦和ビル3階.
The text that stood there is kept beside: no register is asked, and what is no address stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from datamodels.opendata.characters import KANJI_NUMERAL, kanji_number, plain, squeezed, tidy
from datamodels.opendata.codes import PREFECTURES

_PREFECTURE: Final = re.compile("|".join(PREFECTURES))
_ODD_CITIES: Final = (
    "四日市市", "廿日市市", "野々市市", "市川市", "市原市", "八日市場市",
    "郡山市", "大和郡山市", "蒲郡市", "小郡市", "郡上市", "余市郡余市町",
    "余市郡仁木町", "余市郡赤井川村", "高市郡高取町", "高市郡明日香村", "芳賀郡市貝町", "神崎郡市川町",
    "西八代郡市川三郷町", "中新川郡上市町", "吉野郡下市町", "杵島郡大町町", "佐波郡玉村町", "柴田郡村田町",
)  # fmt: skip
"""Names that hold the sign of another kind of municipality: a rule would cut them in the middle."""
_CITY: Final = re.compile(
    "|".join(_ODD_CITIES)
    + "|(?:札幌|仙台|さいたま|千葉|横浜|川崎|相模原|新潟|静岡|浜松|名古屋|京都|大阪|堺|神戸|岡山|広島|北九州|福岡"
    "|熊本)市"
    r"[^\d\s-]{1,4}?区|[^\d\s市郡-]{1,6}市|[^\d\s市-]{1,5}?郡[^\d\s市-]{1,6}?[町村]|(?<=東京都)[^\d\s市町村-]{1,3}区"
)
_ISLAND: Final = re.compile(r"(?<=東京都)[^\d\s-]{1,4}[町村]")
_NUMBERED: Final = re.compile(rf"({KANJI_NUMERAL})(?=丁目|番地|番|号|の\d)")
_STEPS: Final = re.compile(r"(?<=\d)(?:丁目|番地の?|番|号(?=\d)|の(?=\d))")
_BLOCK: Final = re.compile(r"\d+(?:-\d+)*")
_END: Final = re.compile(r"^(?:号|番地|番)")
_OAZA: Final = re.compile(r"^大字|(?<=.)字(?=[^\d]{1,8}$)")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address, empty where it does not say; `full` is the text as it stood."""

    full: str = ""
    prefecture: str = ""
    city: str = ""
    town: str = ""
    block: str = ""
    building: str = ""

    def joined(self) -> str:
        """`埼玉県さいたま市緑区中尾975-1 浦和ビル3階`."""
        whole = self.prefecture + self.city + self.town + self.block
        return f"{whole} {self.building}" if self.building and whole else whole or self.building

    def street(self) -> str:
        """`中尾975-1`: what GIF calls streetAddressAndCityBlock."""
        return self.town + self.block


def divide(text: str, known: Address = Address()) -> Address:
    """The parts of a whole address. What `known` says of prefecture and city holds where the text does not."""
    rest = plain(text)
    rest = rest.removeprefix("日本").strip()
    prefecture, rest = _taken(_PREFECTURE, rest)
    city, rest = _city(rest, prefecture or known.prefecture, known.city)
    town, block, building = _below(rest)
    return Address(tidy(text), prefecture or known.prefecture, city or known.city, town, block, building)


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.match(text)
    return (found[0], text[found.end() :].lstrip()) if found else ("", text)


def _city(text: str, prefecture: str, known: str) -> tuple[str, str]:
    """The municipality at the beginning, and what follows it."""
    if known and text.startswith(known):
        return known, text[len(known) :].lstrip()
    whole = prefecture + text
    for pattern in (_CITY, _ISLAND):
        found = pattern.match(whole, len(prefecture))
        if found:
            return found[0], whole[found.end() :].lstrip()
    return "", text


def _below(text: str) -> tuple[str, str, str]:
    """Town, block and building: `大字中尾975番地1 浦和ビル` gives `("中尾", "975-1", "浦和ビル")`."""
    text = _NUMBERED.sub(lambda found: str(kanji_number(found[1])), text)
    number = re.search(r"\d", text)
    if number is None:
        town, _, building = text.partition(" ")
        return _town(town), "", tidy(building)
    rest = _STEPS.sub("-", text[number.start() :])
    found = _BLOCK.match(rest)
    block = found[0] if found else ""
    return _town(text[: number.start()]), block, tidy(_END.sub("", rest[len(block) :].removeprefix("-")))


def _town(text: str) -> str:
    return _OAZA.sub("", squeezed(text))


def block_of(text: str) -> str:
    """番地以下 in digits and hyphens: `一丁目２番地３` gives `1-2-3`."""
    town, block, building = _below(plain(text))
    return town + block + (f" {building}" if building else "")


def complete(parts: Address) -> tuple[Address, str]:
    """The address of a row whose parts and whole may each be missing, and the repair that it took.

    Parts that are there hold; a whole address in the column of the town is divided; empty parts come from the whole.
    """
    known = Address(prefecture=parts.prefecture, city=parts.city)
    if parts.town and (_PREFECTURE.match(plain(parts.town)) or (parts.city and parts.city in plain(parts.town))):
        whole = divide(parts.town, known)
        return _over(parts, whole, full=parts.full or tidy(parts.town)), "address-in-town"
    mended = Address(
        parts.full, parts.prefecture, parts.city, _town(plain(parts.town)), block_of(parts.block), tidy(parts.building)
    )
    if parts.full and not (parts.prefecture and parts.city and (parts.town or parts.block)):
        return _over(mended, divide(parts.full, known), full=parts.full), "address-joined"
    return (mended if parts.full else _over(mended, Address(), full=mended.joined())), ""


def _over(parts: Address, whole: Address, *, full: str) -> Address:
    """The parts of `whole` where `parts` has none; below the city the whole holds."""
    below = {"town", "block"} if whole.town or whole.block else set()
    filled = {
        field.name: getattr(whole, field.name)
        if field.name in below or not getattr(parts, field.name)
        else getattr(parts, field.name)
        for field in fields(Address)
    }
    return Address(**filled | {"full": full})


def town_id(address: Address, towns: Mapping[str, str]) -> str:
    """町字ID of a town, from the city's own table of `city + town` (with its 丁目) -> id; empty where it has none."""
    first, _, _ = address.block.partition("-")
    return towns.get(f"{address.city}{address.town}{first}丁目") or towns.get(address.city + address.town, "")
