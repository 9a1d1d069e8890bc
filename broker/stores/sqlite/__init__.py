"""SQLite: durable, one file a tenant, group commit, every value indexed."""

from broker.stores.sqlite.schema import UnusableFile
from broker.stores.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "UnusableFile", "open_store"]
