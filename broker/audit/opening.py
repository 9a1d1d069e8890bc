"""The audit of a data directory, opened: `[audit]` of the file of --access says where its anchor is, and the zone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broker.audit.days import ZONE
from broker.audit.log import AuditLog
from broker.keeping import KeptFile, UnusableFile
from broker.model.values import Json
from broker.ports import Clock
from broker.signing import Signer

NAME: Final = "audit.sqlite"
KEYS: Final = "keys"
ANCHOR: Final = "audit.head"
_MEMBERS: Final = frozenset({"anchor", "zone"})


class BadAudit(Exception):
    """The section [audit] is not in order, or the file is none of ours; the text says which."""


def open_audit(directory: Path | None, clock: Clock, city: Mapping[str, Json], closing: ExitStack) -> AuditLog:
    """The audit; where there is no directory it ends with the process, and so does the key. Raises BadAudit."""
    section = city.get("audit", {})
    if not isinstance(section, dict) or not section.keys() <= _MEMBERS:
        raise BadAudit("[audit] has anchor (a path) and zone, and nothing else")
    if directory is None:
        directory = Path(closing.enter_context(TemporaryDirectory(prefix="misono-audit-")))
    anchor = Path(cast(str, section.get("anchor", directory / KEYS / ANCHOR)))
    try:
        zone = ZoneInfo(cast(str, section.get("zone", ZONE)))
        signer = Signer.opened(directory / KEYS)
        anchor.parent.mkdir(parents=True, exist_ok=True)
        file = KeptFile(directory / NAME, "the audit")
    except (ZoneInfoNotFoundError, ValueError, OSError, UnusableFile) as error:
        raise BadAudit(f"[audit] {error}") from error
    closing.callback(file.close)
    return AuditLog(file, signer, clock, anchor=anchor, zone=zone)
