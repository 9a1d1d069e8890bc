"""The table of rights: a row for every operation of every door, and what rows mean."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from adapters.door.app import MEASURE
from broker.access.rights import RIGHTS, Rights
from broker.access.roles import ANYBODY, OPEN
from broker.errors import Forbidden, NgsiError, Unauthorized
from broker.http import exports
from broker.http.rooms.route import Route
from broker.http.table import OPERATIONS
from broker.operations import follow
from broker.ports import ANYONE, ROLES, SYSTEM, Principal
from broker.serving_city import furnish
from broker.settings import read_settings
from broker.wiring import build

ROOT = Path(__file__).parents[3]
PUBLIC = "open"
RIGHTS_HERE = Rights(frozenset({PUBLIC}))


def adapters() -> Iterator[str]:
    """The operations of every Route of adapters, as their code has it."""
    for path in sorted((ROOT / "adapters").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
                name = node.args[2] if len(node.args) > 2 else None
                if isinstance(name, ast.Constant):
                    yield str(name.value)


@cache
def services() -> tuple[Route, ...]:
    """Every Route of the services, opened with the example's file."""
    environment = {"MISONO_STORE": "memory", "MISONO_ACCESS": str(ROOT / "examples/misono/access.toml")}
    settings = read_settings(Namespace(config=""), environment)
    built = build(settings)
    try:
        assert built.admitted is not None
        assert built.packages is not None
        return furnish(settings, built.house, built.admitted, built.packages, built.closing).routes
    finally:
        built.close()


@cache
def operations() -> frozenset[str]:
    """All of the doors."""
    names = {*adapters(), *(one.operation for one in services()), *(one.name for one in OPERATIONS)}
    return frozenset({exports.OPERATION, follow.OPERATION, MEASURE, *names})


def test_tables_are_found() -> None:
    """So that no row is asked of nothing."""
    assert "iot_create_command" in {*adapters()}
    assert len(services()) > 10


def test_every_operation_has_a_row() -> None:
    """One without is refused to everybody: name its roles in broker/access/rights.py."""
    assert sorted(operations() - RIGHTS.keys()) == []


def test_every_row_is_of_an_operation() -> None:
    """What nobody asks for is taken out."""
    assert sorted(RIGHTS.keys() - operations()) == []


def test_rows_name_roles() -> None:
    """Those of ROLES; the hub's own parts need no row."""
    assert all(may is OPEN or may <= ROLES | {ANYBODY} for may in RIGHTS.values())
    assert not any(SYSTEM in may for may in RIGHTS.values())


def test_open_routes_are_open_in_the_table() -> None:
    """A route at which nobody is asked who they are says so in the table, and no other does."""
    assert [one for one in services() if one.open and RIGHTS[one.operation] is not OPEN] == []


def may(principal: Principal, tenant: str, operation: str) -> type[NgsiError] | None:
    """None, or how it is refused."""
    try:
        RIGHTS_HERE.admit(principal, tenant, operation)
    except NgsiError as error:
        return type(error)
    return None


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_what_its_rows_say(role: str) -> None:
    """In a tenant of theirs; in no other, alike whether there is one of that name."""
    principal = Principal("city:u-1", roles=frozenset({role}), tenants=frozenset({"misono"}))
    for operation, row in RIGHTS.items():
        allowed = row is OPEN or role in row
        assert may(principal, "misono", operation) == (None if allowed else Forbidden), operation
        if row is not OPEN:
            assert may(principal, "other", operation) == may(principal, "no-such-tenant", operation) == Forbidden
            assert may(principal, PUBLIC, operation) == (None if ANYBODY in row else Forbidden), operation


def test_nobody_in_particular_reads_public_tenants() -> None:
    """And does nothing else: 401, not 403, since with a token they could."""
    for operation, row in RIGHTS.items():
        assert may(ANYONE, "misono", operation) == (None if row is OPEN else Unauthorized), operation
        assert may(ANYONE, PUBLIC, operation) == (None if row is OPEN or ANYBODY in row else Unauthorized), operation


def test_an_operation_without_a_row_is_the_hubs_own() -> None:
    """Forgotten is forbidden."""
    everything = Principal("u", roles=ROLES)
    assert may(everything, "", "no_such_operation") is Forbidden
    assert may(Principal("services", roles=frozenset({SYSTEM})), "any", "no_such_operation") is None


def test_only_readers_and_writers_of_the_city_change_it() -> None:
    """Residents, recipients, the board and auditors write no entities."""
    changing = {one.name for one in OPERATIONS if one.changes and one.path.startswith("/ngsi-ld/v1/entit")}
    changing -= {name for name in changing if "map" in name}
    assert changing
    for name in changing:
        assert RIGHTS[name] <= {"operator", "device"}, name


def test_devices_are_commanded_by_operators() -> None:
    """Whoever else may write the entity."""
    RIGHTS_HERE.admit_command(Principal("u", roles=frozenset({"operator"})))
    RIGHTS_HERE.admit_command(Principal("adapters", roles=frozenset({SYSTEM})))
    for role in sorted(ROLES - {"operator"}):
        with pytest.raises(Forbidden):
            RIGHTS_HERE.admit_command(Principal("u", roles=frozenset({role})))
