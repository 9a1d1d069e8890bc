"""Numbers of sources as Prometheus reads them (text format 0.0.4): of this process since the tenant's first forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from broker.model.source_health import SourceHealth

_ROWS: Final[tuple[tuple[str, str, str, Callable[[SourceHealth], float]], ...]] = (
    ("misono_source_requests_total", "counter", "Requests to a context source.", lambda one: one.sent),
    ("misono_source_failures_total", "counter", "Requests to a context source that failed.", lambda one: one.failed),
    ("misono_source_seconds_total", "counter", "Time spent waiting for a source.", lambda one: one.total_ms / 1000),
    ("misono_source_latency_seconds", "gauge", "Recent mean time of an answer.", lambda one: one.latency_ms / 1000),
    ("misono_source_up", "gauge", "1 where the last request succeeded, else 0.", lambda one: float(bool(one.well))),
)  # fmt: skip
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_text(healths: Mapping[tuple[str, str], SourceHealth], process: str) -> str:
    """One line a source and number: `misono_source_up{process="0",tenant="",registration="urn:…"} 1`."""
    lines = []
    for name, kind, about, value in _ROWS:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        for (tenant, registration), health in sorted(healths.items()):
            labels = f'process="{process}",tenant="{tenant}",registration="{registration.translate(_ESCAPED)}"'
            lines.append(f"{name}{{{labels}}} {value(health):g}")
    return "\n".join(lines) + "\n"
