"""Local copies of @contexts: `--contexts MAP.tsv`, a line each, URL<TAB>file, the file relative to the map."""

from __future__ import annotations

from pathlib import Path

import orjson

from broker.model.values import Json


class BadMap(Exception):
    """The map or a file it names cannot be used; the text names the line and why."""


def read_copies(path: Path) -> dict[str, dict[str, Json]]:
    """`{"https://x.org/c.jsonld": {"@context": …}}`; blank lines and lines that start with # are skipped.

    Raises BadMap, because a broker whose copies are not what its operator thinks must not start.
    """
    copies = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadMap(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        url, tab, name = line.partition("\t")
        if not tab or not url.startswith(("http://", "https://")):
            raise BadMap(f"{path} line {number}: a line is a URL, a tab and a file")
        copies[url.strip()] = _document(path.parent / name.strip(), f"{path} line {number}")
    return copies


def _document(path: Path, line: str) -> dict[str, Json]:
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadMap(f"{line}: {path} cannot be read: {error}") from error
    if not isinstance(document, dict) or "@context" not in document:
        raise BadMap(f"{line}: {path} is no JSON object with a member @context")
    return {"@context": document["@context"]}
