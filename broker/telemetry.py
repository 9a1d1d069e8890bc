"""Where the time of a request goes, as the answer's header Server-Timing tells (W3C Server Timing).

Asked for with `Prefer: timing`. Stages: `read` (path, parameters, headers, body), `context` (the @context),
`run` (the operation: decoding, the store, encoding), `commit` (until a write is durable), `write` (the answer's bytes).
"""

from __future__ import annotations

from time import perf_counter


class Timing:
    """The stages of one request. Not made at all where nobody asked."""

    __slots__ = ("_last", "_stages")

    def __init__(self) -> None:
        self._stages: list[tuple[str, float]] = []
        self._last = perf_counter()

    def mark(self, stage: str) -> None:
        """End `stage`, begin the next one."""
        now = perf_counter()
        self._stages.append((stage, (now - self._last) * 1000))
        self._last = now

    def header(self) -> str:
        """`read;dur=0.041, run;dur=0.210`, in milliseconds."""
        return ", ".join(f"{stage};dur={spent_ms:.3f}" for stage, spent_ms in self._stages)
