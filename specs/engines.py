"""Which stores a feature runs on."""

from __future__ import annotations

import pytest

ONCE = ("city", "energy")
"""Features of services that know the hub by its port alone: on one engine, sqlite where it is among those asked for."""


def engines_of(metafunc: pytest.Metafunc) -> list[str]:
    """Those of `--stores`, or one of them."""
    stores = str(metafunc.config.getoption("--stores")).split(",")
    if metafunc.definition.path.parent.name not in ONCE:
        return stores
    return ["sqlite"] if "sqlite" in stores else stores[:1]
