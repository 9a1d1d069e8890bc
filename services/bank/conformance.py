"""The conformance sheet: each criterion of the guideline, what meets it now, and what is the operator's duty.

{"id": "C1", "state": "notMet", "evidence": "nobody has these viewpoints: lawyer", …}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

from services.bank import board, complaints, incidents, offers, recipients
from services.bank.bank import Bank
from services.bank.board import missing_viewpoints, sitting
from services.bank.book import Item
from services.bank.reading import MEDICAL
from services.bank.words import criteria, words

Check = Callable[[Bank, str], tuple[bool, str]]


def sheet(bank: Bank, tenant: str) -> dict[str, Any]:
    """The whole of it, in both languages."""
    rows = [_row(bank, tenant, criterion) for criterion in criteria()["criterion"]]
    counts = {state: sum(row["state"] == state for row in rows) for state in words()["states"]}
    return {"source": criteria()["source"], "note": words()["sheet"]["note"], "counts": counts, "criteria": rows}


def as_page(told: Mapping[str, Any], language: str) -> str:
    """The sheet for people: HTML without scripts."""
    texts, states = words()["sheet"], words()["states"]
    head = "".join(f"<th>{texts[name][language]}</th>" for name in ("criterion", "state", "evidence", "by", "duty"))
    rows = "".join(
        f"<tr><td>{row['id']} {escape(row[language])}</td><td>{states[row['state']][language]}</td>"
        f"<td>{escape(row['evidence'])}</td><td>{escape(row['by'].get(language, ''))}</td>"
        f"<td>{escape(row['duty'].get(language, ''))}</td></tr>"
        for row in told["criteria"]
    )
    title = texts["title"][language]
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        f"<p>{texts['note'][language]}</p><p>{escape(told['source'][language])}</p>"
        f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></html>'
    )


def _row(bank: Bank, tenant: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    name = criterion.get("check", "")
    met, evidence = _CHECKS[name](bank, tenant) if name else (False, "")
    state = "duty" if not name else "met" if met else "notMet"
    told = {part: criterion[part] for part in ("id", "ja", "en", "duty")}
    return {**told, "by": criterion.get("by", {}), "state": state, "evidence": evidence}


def _always(bank: Bank, tenant: str) -> tuple[bool, str]:  # noqa: ARG001  built so
    return True, ""


def _operator_named(bank: Bank, tenant: str) -> tuple[bool, str]:  # noqa: ARG001  of the whole hub
    missing = [name for name, text in bank.settings.provider.told().items() if not text]
    return not missing, f"[bank] operator lacks {', '.join(missing)}" if missing else bank.settings.provider.name


def _board_complete(bank: Bank, tenant: str) -> tuple[bool, str]:
    members = sitting(bank.book.items(tenant, board.MEMBER), bank.book.now())
    missing = missing_viewpoints(members)
    return not missing, f"{len(members)} members" + (f"; none: {', '.join(missing)}" if missing else "")


def _medical_adviser(bank: Bank, tenant: str) -> tuple[bool, str]:
    members = sitting(bank.book.items(tenant, board.MEMBER), bank.book.now())
    advisers = [one for one in members if MEDICAL in one.body["viewpoints"]]
    library = bank.library()
    special = [one for one in bank.live_offers(tenant) if offers.is_special(library, one.body)]
    return bool(advisers) or not special, f"{len(advisers)} advisers, {len(special)} offers of health"


def _complaints_in_time(bank: Bank, tenant: str) -> tuple[bool, str]:
    every = bank.book.items(tenant, complaints.KIND)
    late = _late(every)
    named = bool(bank.settings.provider.contact)
    return named and not late, f"{len(every)} complaints, {late} overdue" + ("" if named else "; no contact")


def _incidents_in_time(bank: Bank, tenant: str) -> tuple[bool, str]:
    every = bank.book.items(tenant, incidents.KIND)
    late = _late(every)
    return not late, f"{len(every)} incidents, {late} overdue"


def _recipients_evident(bank: Bank, tenant: str) -> tuple[bool, str]:
    every = [one for one in bank.book.items(tenant, recipients.KIND) if one.state == recipients.ACTIVE]
    blocked = [one.id for one in every if recipients.blocked(one.body, bank.book.now())]
    return True, f"{len(every) - len(blocked)} may receive, {len(blocked)} blocked"


def _contracts_complete(bank: Bank, tenant: str) -> tuple[bool, str]:
    every = [one for one in bank.book.items(tenant, recipients.KIND) if one.state == recipients.ACTIVE]
    lacking = [one.id for one in every if not one.body["contract"]["auditRight"]]
    return not lacking, f"{len(every)} contracts"


def _offers_decided(bank: Bank, tenant: str) -> tuple[bool, str]:
    marked = [one for one in bank.book.items(tenant, offers.KIND) if one.state == offers.LIVE]
    live = bank.live_offers(tenant)
    return True, f"{len(live)} live; {len(marked) - len(live)} whose decision has run out"


def _special_offers(bank: Bank, tenant: str) -> tuple[bool, str]:
    library = bank.library()
    special = [one for one in bank.live_offers(tenant) if offers.is_special(library, one.body)]
    lacking = [one.id for one in special if not one.body.get("benefit")]
    return not lacking, f"{len(special)} live offers with special care"


def _late(items: list[Item]) -> int:
    return sum(bool(one.body.get("overdue")) and one.state != "closed" for one in items)


_CHECKS: Final[Mapping[str, Check]] = {
    "always": _always, "operator_named": _operator_named, "board_complete": _board_complete,
    "medical_adviser": _medical_adviser, "complaints_in_time": _complaints_in_time,
    "incidents_in_time": _incidents_in_time, "recipients_evident": _recipients_evident,
    "contracts_complete": _contracts_complete, "offers_decided": _offers_decided, "special_offers": _special_offers,
}  # fmt: skip
