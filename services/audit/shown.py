"""Entries and disclosures as JSON: metadata for auditors, who see no value of any attribute (there is none)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from broker.audit.log import Written
from broker.model.values import Json, to_text
from broker.ports.audit import Disclosure, Told

RECORDS_MAX: Final = 1_000
"""Consents that one receipt of a disclosure names."""


def shown_entry(written: Written) -> dict[str, Json]:
    """`{"number": 17, "kind": "disclosure", "recipient": "urn:…", "told": [{"subject": …, "items": …}], …}`."""
    entry = written.entry
    shown: dict[str, Json] = {
        "number": written.number,
        "at": to_text(written.at),
        "kind": entry.kind,
        "tenant": entry.tenant,
        "principal": entry.principal,
        "recipient": entry.recipient,
        "purposes": cast("Json", sorted(entry.purposes)),
        "operation": entry.operation,
        "epoch": entry.epoch,
        "told": [_told(one) for one in entry.told],
        "more": dict(entry.more),
    }
    if written.erased:
        shown["erased"] = written.erased
    return shown


def shown_disclosure(one: Disclosure) -> dict[str, Json]:
    """One bundle of a day."""
    return {
        "kind": one.kind,
        "day": one.day,
        "subject": one.subject,
        "principal": one.principal,
        "recipient": one.recipient,
        "purposes": cast("Json", sorted(one.purposes)),
        "items": {type_: cast("Json", sorted(names)) for type_, names in sorted(one.items.items())},
        "records": cast("Json", sorted(one.records)),
        "operations": cast("Json", sorted(one.operations)),
        "times": one.times,
        "values": one.values,
        "first": to_text(one.first),
        "last": to_text(one.last),
        "oldest": None if one.oldest is None else to_text(one.oldest),
        "newest": None if one.newest is None else to_text(one.newest),
        "entries": list(one.entries),
    }


def shown_receipt(written: Written, receipts: Callable[[Sequence[str]], Sequence[str]]) -> dict[str, Json]:
    """What the recipient of a disclosure may be told of it: of whom it was, and what, it was told with the data."""
    entry, items, records = written.entry, dict[str, set[str]](), set[str]()
    for told in entry.told:
        records |= told.records
        for type_, names in told.items.items():
            items.setdefault(type_, set()).update(names)
    named = sorted(records)[:RECORDS_MAX]
    shown: dict[str, Json] = {
        "number": written.number,
        "at": to_text(written.at),
        "kind": entry.kind,
        "recipient": entry.recipient,
        "purposes": cast("Json", sorted(entry.purposes)),
        "operation": entry.operation,
        "items": {type_: cast("Json", sorted(names)) for type_, names in sorted(items.items())},
        "records": cast("Json", named),
        "receipts": cast("Json", sorted(receipts(named))),
    }
    if len(records) > RECORDS_MAX:
        shown["more"] = len(records) - RECORDS_MAX
    return shown


def _told(told: Told) -> dict[str, Json]:
    return {
        "subject": told.subject,
        "items": {type_: cast("Json", sorted(names)) for type_, names in sorted(told.items.items())},
        "records": cast("Json", sorted(told.records)),
        "values": told.values,
        "first": None if told.first is None else to_text(told.first),
        "last": None if told.last is None else to_text(told.last),
    }
