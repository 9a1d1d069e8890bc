"""Warnings of a source about its own sources reach the client (clause 6.3.17)."""

from __future__ import annotations

from broker.model.registration import Registration
from federation.messages import Answered, Forward, Warned
from federation.warned import relayed

FORWARD = Forward(Registration("urn:r", "http://x", ()), "queryEntity", "GET", "/entities")


def _answered(header: str) -> Answered:
    return Answered(FORWARD, 200, [], {"ngsild-warning": header})


def test_each_value_is_a_warning() -> None:
    header = '199 aizu "a loop, found", 110 - "stale"'
    assert relayed(_answered(header)) == [Warned(199, "aizu", "a loop, found"), Warned(110, "-", "stale")]


def test_what_is_none_is_left_out() -> None:
    assert relayed(_answered('500 aizu "x", 199 "no agent", 199 a b')) == []
    assert relayed(Answered(FORWARD, 200, [])) == []


def test_a_long_header_is_cut() -> None:
    assert len(relayed(_answered('199 a "b", ' * 10_000))) < 500
