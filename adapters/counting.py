"""What passed through, counted by adapter, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

PLAIN = ("frames", "readings", "written", "repeated", "late", "link_failures")
_ABOUT = {
    "frames": "Frames taken from links",
    "readings": "Readings understood",
    "written": "Fragments that the hub took",
    "repeated": "Messages that had been taken before",
    "late": "Messages older than one their device had sent before",
    "link_failures": "Links that failed and were started again",
}


@dataclass(slots=True)
class Counts:
    """The counters of one adapter since its process began."""

    frames: int = 0
    readings: int = 0
    written: int = 0
    repeated: int = 0
    late: int = 0
    link_failures: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    """Frames by reason."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Readings by why they became nothing, where others of the message did."""


def metrics(counts: Iterable[tuple[str, Counts]], depth: int, lag_s: float) -> str:
    """The text for `/metrics`."""
    of_adapters = list(counts)
    lines = []
    for name in PLAIN:
        lines += _head(f"misono_adapter_{name}_total", _ABOUT[name], "counter")
        lines += [
            f'misono_adapter_{name}_total{{adapter="{adapter}"}} {getattr(one, name)}' for adapter, one in of_adapters
        ]
    lines += _head("misono_adapter_quarantined_total", "Frames that nothing could become of", "counter")
    lines += [
        f'misono_adapter_quarantined_total{{adapter="{adapter}",reason="{reason}"}} {number}'
        for adapter, one in of_adapters
        for reason, number in sorted(one.quarantined.items())
    ]
    lines += _head("misono_adapter_queue_depth", "Frames that wait for the hub", "gauge")
    lines += [f"misono_adapter_queue_depth {depth}"]
    lines += _head("misono_adapter_lag_seconds", "How long the oldest of them has waited", "gauge")
    return "\n".join([*lines, f"misono_adapter_lag_seconds {lag_s:.3f}"]) + "\n"


def _head(name: str, about: str, kind: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
