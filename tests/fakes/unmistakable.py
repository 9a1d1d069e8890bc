"""A value that is looked for in whole answers, files and logs: what holds its digits holds the value."""

from __future__ import annotations

from typing import Final

UNMISTAKABLE: Final = 61.720593
"""No instant has a second 61, and no digest, identifier or number of ours a point before these six digits."""
