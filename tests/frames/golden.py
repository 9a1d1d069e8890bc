"""Where golden frames are, and which codecs must have some."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from adapters.table import CODECS

FRAMES = Path(__file__).parent


def goldens() -> list[Path]:
    """All golden frames, by codec."""
    return sorted(FRAMES.glob("*/*.json"))


def written_codecs() -> list[str]:
    """The codecs of the table that there are."""
    return [name for name, module in CODECS.items() if find_spec(module) is not None]
