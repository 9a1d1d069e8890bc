"""SQLite: durable, one file a tenant, group commit, every value indexed."""

from broker.stores.sqlite.budget import OverBudget
from broker.stores.sqlite.schema import UnusableFile
from broker.stores.sqlite.store import SqliteStore, open_store

__all__ = ["OverBudget", "SqliteStore", "UnusableFile", "open_store"]
