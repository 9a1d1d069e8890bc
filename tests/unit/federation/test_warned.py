"""Many warnings do not make an answer that clients refuse."""

from __future__ import annotations

from broker.http.messages import Response
from federation.messages import Warned
from federation.warned import WARNINGS_MAX, with_warnings


def warnings(count: int) -> list[Warned]:
    return [Warned(199, f"source{number}", "timeout") for number in range(count)]


def test_each_warning_is_a_header_once() -> None:
    found = with_warnings(Response(200), [*warnings(3), *warnings(2)]).headers
    assert found == tuple(("NGSILD-Warning", f'199 source{number} "timeout"') for number in range(3))


def test_past_the_most_their_number_is_told() -> None:
    assert len(with_warnings(Response(200), warnings(WARNINGS_MAX)).headers) == WARNINGS_MAX
    found = with_warnings(Response(200), warnings(200)).headers
    assert len(found) == WARNINGS_MAX
    assert found[-2] == ("NGSILD-Warning", f'199 source{WARNINGS_MAX - 2} "timeout"')
    assert found[-1] == ("NGSILD-Warning", f'199 - "{200 - WARNINGS_MAX + 1} more warnings"')
