"""Everything that adapters keep of an entity, erased: on its way in, in quarantine, what devices are known by.

    erase(store, "", "urn:ngsi-ld:Person:1")  ->  {"adapter_queue": 3, "adapter_quarantine": 1, …}

Only who runs the adapters of a file may do that, who has some of it in memory; others ask (erasing_asked.py).
Nothing of it can be read in the file afterwards. Who speaks on makes it anew: erasing data is not removing a device.
"""

from __future__ import annotations

from typing import cast

import apsw
from jiter import from_json

from adapters.store import AdapterStore
from broker.encode.text import dump
from broker.model.values import Json


def erase(store: AdapterStore, tenant: str, entity_id: str) -> dict[str, int]:
    """How many rows of which table went; durable on return. Raises NotKept."""
    return store.write(lambda db: erase_within(store, db, tenant, entity_id)).result()


def erase_within(store: AdapterStore, db: apsw.Connection, tenant: str, entity_id: str) -> dict[str, int]:
    """The same within a transaction."""
    store.empty_log()
    there = {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    gone: dict[str, int] = {}
    devices = _devices(db, tenant, entity_id) if "device_entity" in there else []
    if "queued" in there:
        gone["adapter_queue"] = _erase_queued(db, tenant, entity_id)
    if "quarantined" in there:
        gone["adapter_quarantine"] = _erase_quarantined(db, entity_id, devices)
    if devices:
        gone["adapter_device"] = _forget_devices(db, tenant, entity_id, devices)
    if "provisioned" in there:
        gone["adapter_entity"] = _unname(db, tenant, entity_id)
    if "command" in there:
        db.execute("DELETE FROM command WHERE tenant = ? AND entity = ?", (tenant, entity_id))
        gone["command"] = db.changes()
        gone["command_audit"] = _forget_audit(db, tenant, entity_id)
    return {table: number for table, number in gone.items() if number}


def _devices(db: apsw.Connection, tenant: str, entity_id: str) -> list[tuple[str, str]]:
    sql = "SELECT adapter, device FROM device_entity WHERE tenant = ? AND entity = ?"
    return cast("list[tuple[str, str]]", db.execute(sql, (tenant, entity_id)).fetchall())


def _erase_queued(db: apsw.Connection, tenant: str, entity_id: str) -> int:
    """A frame that concerns others too loses its payload, and what was made of it for this entity."""
    named = dump(entity_id)
    rows = db.execute("SELECT number, writes FROM queued WHERE instr(writes, ?)", (named,)).fetchall()
    erased = 0
    for number, writes in cast("list[tuple[int, bytes]]", rows):
        pairs = cast("list[tuple[str, dict[str, Json]]]", from_json(writes))
        left = [(whose, fragment) for whose, fragment in pairs if (whose, fragment["id"]) != (tenant, entity_id)]
        erased += len(left) < len(pairs)
        if not left:
            db.execute("DELETE FROM queued WHERE number = ?", (number,))
        elif len(left) < len(pairs):
            db.execute("UPDATE queued SET payload = x'', writes = ? WHERE number = ?", (dump(left), number))
    return erased


def _erase_quarantined(db: apsw.Connection, entity_id: str, devices: list[tuple[str, str]]) -> int:
    db.execute("DELETE FROM quarantined WHERE instr(payload, ?)", (entity_id.encode(),))
    erased = db.changes()
    for device in devices:
        db.execute("DELETE FROM quarantined WHERE adapter = ? AND device = ?", device)
        erased += db.changes()
    return erased


def _forget_devices(db: apsw.Connection, tenant: str, entity_id: str, devices: list[tuple[str, str]]) -> int:
    """With another salt nothing tells any more what the hashes of messages were made of."""
    for adapter, device in devices:
        place = (adapter, tenant, device)
        db.execute(
            "UPDATE device_seen SET salt = randomblob(16) WHERE adapter = ? AND tenant = ? AND device = ?", place
        )
    db.execute("DELETE FROM device_entity WHERE tenant = ? AND entity = ?", (tenant, entity_id))
    return db.changes()


def _forget_audit(db: apsw.Connection, tenant: str, entity_id: str) -> int:
    """The rows stay, and say nothing: the chain of their hashes holds."""
    db.execute(
        "UPDATE command_audit SET told = NULL, salt = NULL, tenant = NULL, entity = NULL"
        " WHERE tenant = ? AND entity = ? AND told IS NOT NULL",
        (tenant, entity_id),
    )
    return db.changes()


def _unname(db: apsw.Connection, tenant: str, entity_id: str) -> int:
    """Rows of the book are counted by generation, so that one that goes leaves its place."""
    db.execute(
        "UPDATE provisioned SET name = 'erased ' || generation, body = NULL, given = '{}'"
        " WHERE kind = 'entity' AND tenant = ? AND name = ?",
        (tenant, entity_id),
    )
    return db.changes()
