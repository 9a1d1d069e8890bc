"""Access is a seam on every path: an operation that no access test asks is refused here."""

from __future__ import annotations

from broker.http.table import OPERATIONS
from tests.contract.hidden_cases import CASES


def test_every_operation_has_its_access_cases() -> None:
    served = {operation.name for operation in OPERATIONS}
    assert served - CASES.keys() == set(), "add requests to tests/contract/hidden_cases.py"
    assert CASES.keys() - served == set(), "no such operation is served"
