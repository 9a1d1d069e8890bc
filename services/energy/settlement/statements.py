"""A participant's statement: what each slot came to, as data, as CSV and as a page without scripts, ja and en.

Money is told in yen with three decimals, energy in Wh. What was found after a day was frozen stands in the statement of
the day on which it was found, as an adjustment.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import StringIO
from typing import Final

from broker.model.values import Instant, Json, to_text
from services.energy.settlement.book import Book
from services.energy.settlement.settling import Record
from services.energy.slots import Slots

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE: Final = (
    "body{font-family:system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #bbb;padding:.2rem .4rem;text-align:right}"
    "caption,h1{text-align:left}"
)
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ja": {
        "title": "電力融通の精算明細", "billing": "請求のための精算です。",
        "simulation": "試算です。請求には使えません。",
        "slot": "コマ開始", "soldWh": "売電量 Wh", "boughtWh": "買電量 Wh", "takenWh": "計量 Wh、受電が正",
        "imbalanceWh": "インバランス Wh", "energy": "電力", "wheeling": "託送料", "fee": "手数料",
        "imbalance": "インバランス料金", "tax": "消費税", "amount": "差引き", "estimated": "推定", "total": "合計",
        "adjustments": "確定後の調整", "yen": "金額は円。受け取りが正、支払いが負。", "yes": "推定", "no": "",
    },
    "en": {
        "title": "Statement of energy exchanged", "billing": "This is settled for billing.",
        "simulation": "This is a simulation, and no bill.", "slot": "Slot", "soldWh": "Sold Wh",
        "boughtWh": "Bought Wh", "takenWh": "Metered Wh (taken is positive)",
        "imbalanceWh": "Imbalance Wh", "energy": "Energy",
        "wheeling": "Wheeling", "fee": "Fee", "imbalance": "Imbalance", "tax": "Tax", "amount": "Amount",
        "estimated": "Estimated", "total": "Total", "adjustments": "Adjustments of frozen days",
        "yen": "Amounts in yen: received is positive, paid negative.", "yes": "estimated", "no": "",
    },
}  # fmt: skip
LANGUAGES: Final = tuple(_TEXTS)
_COLUMNS: Final = (
    "slot", "soldWh", "boughtWh", "takenWh", "imbalanceWh", "energy", "wheeling", "fee", "imbalance", "tax", "amount",
    "estimated",
)  # fmt: skip
Line = Mapping[str, Json]


def yen(amount: int) -> str:
    """`-11900` mJPY is `-11.900`: exact, no float."""
    whole, rest = divmod(abs(amount), 1_000)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:03d}"


def statement(book: Book, slots: Slots, days: Sequence[str], participant: str) -> dict[str, Json]:
    """Lines, adjustments and totals of days."""
    found = [
        (slot, one[0], day)
        for day in days for slot in slots.of_day(day)
        if (one := book.record(slot, participant, adjusted=False)) is not None
    ]  # fmt: skip
    later = [one for day in days for one in book.adjustments(day, participant)]
    runs = {day: run for day in days if (run := book.last_run(day)) is not None}
    total = sum(record.amount for _, record, _ in found) + sum(amount for _, amount in later)
    lines: list[Json] = [_line(slot, record) for slot, record, _ in found]
    told: list[Json] = [{"slot": to_text(slot), "amount": yen(amount)} for slot, amount in later]
    return {
        "participant": participant, "from": days[0], "until": days[-1], "lines": lines, "adjustments": told,
        "total": yen(total), "status": {day: run.status for day, run in runs.items()},
        "inputs": {day: run.hash for day, run in runs.items()},
    }  # fmt: skip


def as_csv(told: Mapping[str, Json]) -> str:
    """Lines and adjustments; the columns have the names of the data."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*_COLUMNS, "kind"])
    for line in _lines(told, "lines"):
        writer.writerow([line[name] for name in _COLUMNS] + ["slot"])
    for line in _lines(told, "adjustments"):
        writer.writerow([line.get(name, "") for name in _COLUMNS] + ["adjustment"])
    return out.getvalue()


def as_page(told: Mapping[str, Json], language: str, mode: str) -> str:
    """A page without scripts; everything in it is escaped."""
    words = _TEXTS[language]
    head = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in _COLUMNS)
    rows = "".join(_row(line, _COLUMNS, words) for line in _lines(told, "lines"))
    later = "".join(_row(line, ("slot", "amount"), words) for line in _lines(told, "adjustments"))
    adjusted = f"<table><caption>{escape(words['adjustments'])}</caption>{later}</table>" if later else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(words["title"])}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(words['title'])}</h1>"
        f"<p>{escape(str(told['from']))} / {escape(str(told['until']))}. {escape(words[mode])}"
        f" {escape(words['yen'])}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{adjusted}"
        f"<p><strong>{escape(words['total'])}: {escape(str(told['total']))}</strong></p></body></html>"
    )


def _line(slot: Instant, one: Record) -> dict[str, Json]:
    return {
        "slot": to_text(slot), "soldWh": one.sold, "boughtWh": one.bought, "takenWh": one.taken,
        "imbalanceWh": one.imbalance_wh, "energy": yen(one.energy), "wheeling": yen(one.wheeling), "fee": yen(one.fee),
        "imbalance": yen(one.imbalance), "tax": yen(one.tax), "amount": yen(one.amount), "estimated": one.estimated,
    }  # fmt: skip


def _lines(told: Mapping[str, Json], name: str) -> Iterable[Line]:
    found = told[name]
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _row(line: Line, columns: Sequence[str], words: Mapping[str, str]) -> str:
    cells = [words["yes" if line[name] else "no"] if name == "estimated" else str(line[name]) for name in columns]
    return "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in cells) + "</tr>"
