r"""A MongoDB database as a store to copy from or to.

Read is by key, so that brokers may work in it meanwhile. What is written is written in batches that may be cut off at
any command: an entity's document comes last, and of a batch under way its ids stand in the hub,

    {"_id": "copying\ncity", "k": "copying", "t": "city", "i": ["urn:x:1", …]}

so that the next copy clears what there is of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pymongo.errors import PyMongoError

from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports import Clock, Labels
from broker.stores.mongo import moving_items, moving_rows, schema
from broker.stores.mongo.connection import Bson, UnusableStore, connect
from broker.stores.mongo.documents import KIND as DOCUMENT
from broker.stores.mongo.entities import LIVE, load_any
from broker.stores.mongo.ground import Ground, key, of_tenant
from broker.stores.mongo.history_heads import Head as Known
from broker.stores.mongo.moving_items import Putting
from broker.stores.mongo.stamps import Stamps
from broker.stores.mongo.tenants import KIND as TENANT
from broker.stores.moving import COPY_ID, COPY_KIND, Item, Key, Row, Span

COPYING: Final = "copying"
COMMAND_S: Final = 300.0
"""So long a command may take: some read or delete all of a tenant."""


class Database:
    """Source and Target over a database. Raises UnusableStore for one that is not reached, or from a newer release."""

    def __init__(self, url: str, clock: Clock, label: Callable[[Entity], Labels], *, make: bool = False) -> None:
        client, database = connect(_patient(url))
        self._ground = ground = Ground(client, database, clock, Stamps(clock))
        self._known: dict[str, Known] = {}
        self._leaves: dict[str, list[Bson]] | None = None
        self._putting = Putting(ground, label)
        try:
            if not make and ground.hub.find_one({"_id": schema.SCHEMA}) is None:
                raise UnusableStore(f"its database {database.name} holds no store")
            schema.prepare(database)
            if make:
                schema.Indexing(database).start()
        except PyMongoError as error:
            client.close()
            raise UnusableStore(f"it is not reached ({type(error).__name__})") from error

    def tenants(self) -> list[str]:
        """All, and places; the default one first."""
        found = {str(one["t"]) for one in self._ground.hub.find({"k": TENANT}, {"t": 1})}
        return ["", *sorted(found - {""})]

    @contextmanager
    def moment(self, tenant: str) -> Iterator[None]:  # noqa: ARG002 - the protocol's
        """There is no such thing here: what changes meanwhile has another mark, and is copied again."""
        yield

    def marks(self, tenant: str) -> Iterator[list[tuple[str, str]]]:
        """Every id and its mark."""
        return moving_items.marks(self._ground, tenant)

    def marks_of(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those there are."""
        return {item.iri: item.mark for item in moving_items.items(self._ground, tenant, iris)[0]}

    def items(self, tenant: str, iris: Sequence[str]) -> list[Item]:
        """Those there are."""
        items, self._known = moving_items.items(self._ground, tenant, iris)
        self._leaves = moving_items.leaves_of(self._ground, tenant, iris)
        return items

    def spans(self, tenant: str, item: Item) -> Iterator[Span]:
        """Its instances."""
        known, leaves = self._known[item.iri], self._leaves
        return moving_items.spans(self._ground, tenant, known, None if leaves is None else leaves.get(item.iri, []))

    def rows(self, tenant: str | None, part: str) -> Iterator[Row]:
        """The rows of a part."""
        return moving_rows.documents(self._ground) if tenant is None else moving_rows.rows(self._ground, tenant, part)

    def logged(self, tenant: str, after: int) -> Iterator[Row]:
        """The rows of the log from there on."""
        return moving_rows.logged(self._ground, tenant, after)

    def newest(self, tenant: str) -> int:
        """The highest sequence of the log."""
        return moving_rows.newest(self._ground, tenant)

    def trimmed(self, tenant: str) -> int:
        """Up to which number the change log is no longer kept."""
        return moving_rows.trimmed(self._ground, tenant)

    def counts(self, tenant: str) -> dict[str, int]:
        """How many records there are."""
        entities = self._ground.entities.count_documents({"t": tenant, **LIVE})
        return {"entity": entities, **moving_rows.counts(self._ground, tenant)}

    def copy_of(self) -> dict[str, Json] | None:
        """What it says of itself where it is a copy."""
        found = self._ground.hub.find_one({"_id": key(DOCUMENT, COPY_KIND, COPY_ID)})
        return None if found is None else load_any(found["d"])

    def make(self, tenant: str) -> None:
        """From now on it is there; what is left of a batch that was cut off is cleared."""
        if tenant:
            self._ground.hub.update_one({"_id": key(TENANT, tenant)}, {"$set": {"k": TENANT, "t": tenant}}, upsert=True)
        left = self._ground.hub.find_one({"_id": key(COPYING, tenant)})
        if left is not None:
            self._putting.drop(tenant, left["i"])
            self._ground.hub.delete_one({"_id": left["_id"]})

    def unmake(self, place: str) -> None:
        """Nothing is left of it."""
        for collection in (self._ground.entities, self._ground.trail, self._ground.known, self._ground.held):
            collection.delete_many(of_tenant(place))
        self._ground.hub.delete_one({"_id": key(TENANT, place)})

    def ids(self, tenant: str) -> Iterator[list[str]]:
        """Every id that was put."""
        return moving_items.ids(self._ground, tenant)

    def marks_put(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those of these ids that were put."""
        return moving_items.marks_put(self._ground, tenant, iris)

    def put(self, tenant: str, moved: Sequence[tuple[Item, Iterable[Span]]]) -> None:
        """Write, or write anew."""
        name: Bson = {"_id": key(COPYING, tenant)}
        under_way = {"k": COPYING, "t": tenant, "i": [item.iri for item, _ in moved]}
        self._ground.hub.replace_one(name, under_way, upsert=True)
        self._putting.put(tenant, moved)

    def drop(self, tenant: str, iris: Sequence[str]) -> None:
        """Nothing is left of these."""
        self._putting.drop(tenant, iris)

    def put_rows(self, tenant: str | None, part: str, rows: Sequence[Row]) -> None:
        """Write, or write anew."""
        if tenant is None:
            moving_rows.put_documents(self._ground, rows)
        else:
            moving_rows.put(self._ground, tenant, part, rows)

    def drop_rows(self, tenant: str | None, part: str, keys: Sequence[Key]) -> None:
        """Nothing is left of these."""
        if tenant is None:
            moving_rows.drop_documents(self._ground, keys)
        else:
            moving_rows.drop(self._ground, tenant, part, keys)

    def finish(self, tenant: str, trimmed: int) -> None:
        """Say what of the log is not kept; no batch is under way."""
        if trimmed:
            moving_rows.trim(self._ground, tenant, trimmed)
        self._ground.hub.delete_one({"_id": key(COPYING, tenant)})

    def close(self) -> None:
        """Let go of the connections."""
        self._ground.client.close()


def _patient(url: str) -> str:
    """The URL, with time for commands on whole collections unless it says how much they have."""
    if "sockettimeoutms=" in url.lower():
        return url
    path, mark, options = url.partition("?")
    if not mark and "/" not in path.partition("://")[2]:
        path += "/"
    return f"{path}?{options}{'&' if options else ''}socketTimeoutMS={round(COMMAND_S * 1000)}"
