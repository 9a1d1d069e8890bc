"""SQLite answers as the memory model after every step of a random history, and its index is what its documents say."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from broker.stores.sqlite.crosscheck import Crosscheck
from broker.stores.sqlite.files import connect, tenant_path
from tests.engines.store_machine import StoreMachine


class SqliteMachine(StoreMachine):
    """SQLite and the model under one clock."""

    def look(self) -> None:
        for tenant in self.model.names():
            db = connect(tenant_path(self.directory / "data", tenant), cache_kib=1_024, writes=False)
            db.execute("BEGIN")
            assert list(Crosscheck(db).faults()) == []
            db.close()


SqliteMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestStoreMachine = SqliteMachine.TestCase
