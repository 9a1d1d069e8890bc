"""What is done to a cell so that it says what was meant, by name; and what no repair helps. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from broker.model.values import Json
from datamodels.source import Text

Read: TypeAlias = tuple[Json, str]
"""A value, and the name of the repair that it took: `("2026-11-23", "era-date")`; the name is empty where none was."""

REPAIRS: Final = {
    "address-joined": Text("連結表記から住所の各欄を埋めた", "The parts of the address were taken out of the whole"),
    "address-in-town": Text("町字欄に入っていた住所全体を分けた", "A whole address stood where the town belongs"),
    "check-digit-added": Text("団体コードに検査数字を補った", "The municipality's code got its check digit"),
    "closed": Text("廃止された施設を除いた", "A place that is closed was left out"),
    "code-format": Text("表記をそろえた", "Written in the one way that there is"),
    "digits-lost": Text("Excel で桁が失われた ID を作り直した", "An id that a spreadsheet ruined was made anew"),
    "dms": Text("度分秒を度に直した", "Degrees, minutes and seconds became degrees"),
    "duplicate": Text("同じ内容の行を除いた", "A row that stands there twice was left out"),
    "encoding": Text("文字コードを判定した", "The encoding was found out"),
    "era-date": Text("和暦を西暦に直した", "A date of an era became a Gregorian one"),
    "era-outside": Text("元号の期間の外にある日付を西暦に直した", "A date outside its era became a Gregorian one"),
    "flag-word": Text("○×などを真偽に直した", "A mark became true or false"),
    "full-width": Text("全角を半角に直した", "Full-width characters became plain ones"),
    "heading-misspelt": Text("見出しの誤記を読み替えた", "A misspelt heading was taken for the one meant"),
    "heading-written": Text("見出しの表記ゆれを読み替えた", "A heading written in another way was recognised"),
    "id-made": Text("ID がない行に ID を付けた", "A row without an id got one"),
    "inconsistent": Text("ほかの欄と合わない", "It does not agree with other cells"),
    "kana": Text("かなをそろえた", "Kana were written in the one way that there is"),
    "left-out": Text("読めない値を除いた", "A value that cannot be read was left out"),
    "marked-unknown": Text("「不明」などの印を空欄とした", "A mark for what is not known became an empty cell"),
    "merged-cells": Text("結合されたセルを埋めた", "Merged cells were filled"),
    "past-midnight": Text("24時以降の時刻を翌日の時刻に直した", "An hour past midnight became one of the next day"),
    "plane-rectangular": Text("平面直角座標を緯度経度に直した", "Plane rectangular coordinates became degrees"),
    "serial-date": Text("Excel の通し番号を日付に直した", "The serial number of a spreadsheet became a date"),
    "sum": Text("合計が内訳と合わない", "A total is not the sum of its parts"),
    "swapped": Text("入れ替わった緯度と経度を直した", "Latitude and longitude had changed places"),
    "time-range": Text("時間帯を開始と終了に分けた", "A span of time was divided into its beginning and end"),
    "title-rows": Text("見出しより上の行を飛ばした", "Rows above the headings were passed over"),
    "tokyo-datum": Text("旧日本測地系を世界測地系に直した", "The old Tokyo datum became the world's"),
    "two-row-heading": Text("2段の見出しをつないだ", "Headings in two rows were joined"),
    "weekday-words": Text("曜日の表記を番号に直した", "Names of weekdays became their numbers"),
    "zero-added": Text("失われた先頭の0を補った", "A leading zero that was lost was put back"),
    "zero-coordinates": Text("緯度・経度の 0 を空欄とした", "Coordinates of zero became empty cells"),
}  # fmt: skip


class Unreadable(ValueError):
    """A cell that no repair helps; the text says what would do: `a date such as 2026-11-23, 令和8年11月23日`."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One cell that was repaired: which rule, in which column, what stood there and what it became."""

    rule: str
    column: str
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row does not go in: the column, what stands there, and what would do."""

    column: str
    was: str
    wanted: str
