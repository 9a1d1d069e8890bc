"""What a package is made of, by hash: every source, and everything generated from it, the same bytes each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from broker.model.values import Json

NAME: Final = "manifest.json"
SOURCES: Final = ("package.yaml", "attributes.yaml", "vocabularies.yaml", "models/*.yaml")


def manifest_of(version: str, sources: Mapping[str, bytes], generated: Mapping[str, bytes]) -> bytes:
    """The file: version, and path -> sha256 of both kinds."""
    body: dict[str, Json] = {"version": version, "sources": _hashes(sources), "generated": _hashes(generated)}
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def sources_of(home: Path) -> dict[str, bytes]:
    """The sources in a package's folder, by their path in it."""
    paths = [path for pattern in SOURCES for path in home.glob(pattern)]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in sorted(paths)}


def differing(manifest: bytes, sources: Mapping[str, bytes], generated: Mapping[str, bytes]) -> list[str]:
    """The paths that are not as the manifest says, or that it does not know; sorted."""
    said = orjson.loads(manifest)
    known = {**said.get("sources", {}), **said.get("generated", {})}
    there = {**_hashes(sources), **_hashes(generated)}
    return sorted(path for path in known.keys() | there.keys() if known.get(path) != there.get(path))


def _hashes(files: Mapping[str, bytes]) -> dict[str, Json]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())}
