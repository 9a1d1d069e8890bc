"""Which clauses have a feature in specs/, and which have none.

    python -m tools.clauses         scenarios a clause, then the clauses of chapters 4 to 6 without one

Clauses that only introduce, draw or list data types need none; the report names every leaf all the same, so that what
is left out is left out knowingly.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SPECS = Path(__file__).resolve().parents[1] / "specs"
SCENARIO = re.compile(r"(?m)^\s*Scenario(?: Outline)?:")
BEHAVIOUR = re.compile(r"4\.(?:5|9|1\d|2\d)(?:\.\d+)?|5\.(?:5|6|7|13|15)\.\d+|6\.3\.\d+")
"""Clauses that say how a broker behaves, at the depth at which features are written."""


def scenarios() -> dict[str, int]:
    """Clause -> how many scenarios its feature has."""
    found = {}
    for feature in sorted(SPECS.rglob("*.feature")):
        text = feature.read_text()
        tag = re.match(r"@clause:(\S+)", text)
        if tag:
            found[tag[1]] = len(SCENARIO.findall(text))
    return found


def clauses() -> list[str]:
    """Every clause that says how a broker behaves, in the standard's order."""
    listed = (SPECS / "clauses.txt").read_text().split()
    return sorted(filter(BEHAVIOUR.fullmatch, listed), key=lambda clause: [int(part) for part in clause.split(".")])


def main() -> int:
    """Print the report."""
    told = scenarios()
    for clause in clauses():
        print(f"{clause:<8} {told.get(clause, 0):>3}" + ("" if clause in told else "  no feature"))
    print(f"{len(told)} clauses with {sum(told.values())} scenarios")
    return 0


if __name__ == "__main__":
    sys.exit(main())
