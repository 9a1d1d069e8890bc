"""Writes what a codec makes of a recorded frame into its golden file; the diff is for a person to judge.

python -m tools.golden_frames FILE …       files under tests/frames/<codec>/; those without `readings` or `refused`
python -m tools.golden_frames --all FILE …   and those that have them
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from adapters.frame import BadFrame
from adapters.recorded import frame_of, told
from adapters.table import make_codec
from broker.model.values import Json

_FRAME = ("payload", "hex", "json", "device", "channel", "about_link", "received_at")


def main(words: list[str]) -> int:
    """Fill in each file."""
    again = "--all" in words
    for path in [Path(word) for word in words if not word.startswith("--")]:
        body: dict[str, Json] = json.loads(path.read_bytes())
        if again or not body.keys() & {"readings", "refused"}:
            fill(path, body)
            print(f"{path}: {body.get('refused', 'read')}")
    return 0


def fill(path: Path, body: dict[str, Json]) -> None:
    """Write the file with what the codec says."""
    body.pop("readings", None)
    body.pop("refused", None)
    settings = body.get("codec", {})
    assert isinstance(settings, dict)
    codec = make_codec(path.parent.name, {"kind": path.parent.name, **settings})
    try:
        body["readings"] = told(codec.decode(frame_of({name: body[name] for name in _FRAME if name in body})))
    except BadFrame as refusal:
        body["refused"] = refusal.reason
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
