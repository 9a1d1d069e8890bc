"""Write the pages that are made from code, or print those that no longer say what the code says.

python -m tools.generate_docs            write docs/errors.md, docs/settings.md and the tables of docs/devices.md
python -m tools.generate_docs --check    1 where a page is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from broker import errors, settings
from tools import device_page

ROOT = Path(__file__).resolve().parents[1]

_ERRORS = """\
# Errors

Every refusal is a problem body of RFC 7807 (clauses 5.5.2, 6.3.2), written from one table, `broker/errors.py`:

    {"type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData", "title": "Bad request data", "status": 400,
     "detail": "what is wrong", "pointer": "/temperature/value", "clause": "4.5.2", "remedy": "what would work"}

`pointer` is the JSON pointer of the member at fault, or the name of the query parameter or header; `clause` a clause of
ETSI GS CIM 009 V1.9.1; `remedy` a request, a member or a value that would be accepted. In answers of batch operations
the same body stands in each entry of `errors`.

"""
_SETTINGS = """\
# Settings

Each setting is an option of `misono serve`, a variable of the environment and a member of the TOML file that `--config`
(`MISONO_CONFIG`) names, the member being spelled as the option with underscores: `temporal_page = 500`. An option wins
over its variable, that over the file, that over the default.

"""


def pages() -> dict[Path, str]:
    """Each generated page and its text."""
    return {
        ROOT / "docs/errors.md": _ERRORS + "\n".join(_error_rows()) + "\n",
        ROOT / "docs/settings.md": _SETTINGS + settings.markdown(),
        device_page.PAGE: device_page.page(),
    }


def _error_rows() -> Iterator[str]:
    yield "| Status | Type | When |"
    yield "|---|---|---|"
    for error in sorted(_below(errors.NgsiError), key=lambda error: (error.status, error.__name__)):
        when = (error.__doc__ or "").strip().splitlines()[0]
        yield f"| {error.status} | `{error.namespace}{error.__name__}` | {when} |"


def _below(kind: type[errors.NgsiError]) -> Iterator[type[errors.NgsiError]]:
    """Those of the table, whatever stands below them elsewhere."""
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield one
            yield from _below(one)


def stale() -> list[Path]:
    """The pages that are not what would be written now."""
    return [path for path, text in pages().items() if not path.exists() or path.read_text() != text]


def main() -> int:
    """Write, or with --check only look."""
    if "--check" in sys.argv[1:]:
        for path in stale():
            print(f"{path.relative_to(ROOT)} is out of date: make docs")
        return int(bool(stale()))
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
