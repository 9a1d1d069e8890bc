"""The MongoDB engine answers as the memory model after every step of a random history, on each wire."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.engines.store_machine import StoreMachine


class MongoMachine(StoreMachine):
    """On mongo-java-server."""

    engine = "mongo"


class FerretMachine(StoreMachine):
    """On FerretDB."""

    engine = "ferret"


MongoMachine.TestCase.settings = settings(
    max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
FerretMachine.TestCase.settings = settings(MongoMachine.TestCase.settings, max_examples=4, stateful_step_count=15)
TestMongoMachine = MongoMachine.TestCase
TestFerretMachine = FerretMachine.TestCase
