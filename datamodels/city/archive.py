"""A city as one file: a zip of its files with a manifest of their hashes and a signature of the manifest.

    manifest.json     {"format": "misono-package/1", "name": …, "version": …, "packages": {…}, "files": {path: sha256}}
    signature.json    {"key": "ed25519:…", "signature": …}
    everything of the folder, in the order of paths

The same folder and key give the same bytes: entries are stored as they are, in one order, without times.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.model.values import Json
from datamodels.city.signing import BadSignature, Key, sign, verify
from datamodels.city.source import HEAD, is_known

FORMAT: Final = "misono-package/1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature.json"
FILES_MAX: Final = 10_000
BYTES_MAX: Final = 256 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_FILE_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


class BadArchive(ValueError):
    """An archive that is not as it was signed, or none at all."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive whose files are as its manifest says, and whose manifest is as `signer` signed it."""

    manifest: Mapping[str, Json]
    signer: str
    files: Mapping[str, bytes]


def pack(name: str, version: str, packages: Mapping[str, str], files: Mapping[str, bytes], key: Key) -> bytes:
    """The archive. `packages` are those of models that it was tried with, and their versions."""
    hashes: dict[str, Json] = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())}
    body: dict[str, Json] = {
        "format": FORMAT, "name": name, "version": version, "packages": dict(packages), "files": hashes,
    }  # fmt: skip
    manifest = _json(body)
    signature: dict[str, Json] = {"key": key.public, "signature": sign(key, manifest)}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for path, content in ((MANIFEST, manifest), (SIGNATURE, _json(signature)), *sorted(files.items())):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE
            archive.writestr(entry, content)
    return whole.getvalue()


def unpack(content: bytes) -> Opened:
    """What is in it, if nothing was changed, added or taken away. Whose key it was is for the caller to judge.

    Raises BadArchive.
    """
    files = _entries(content)
    manifest, signature = (_object(files, name) for name in (MANIFEST, SIGNATURE))
    signer = str(signature.get("key", ""))
    try:
        verify(signer, files.pop(MANIFEST), str(signature.get("signature", "")))
    except BadSignature as fault:
        raise BadArchive(f"{SIGNATURE}: {fault}") from fault
    del files[SIGNATURE]
    if manifest.get("format") != FORMAT:
        raise BadArchive(f"{MANIFEST}: format {manifest.get('format')}; this Misono reads {FORMAT}")
    said = manifest.get("files")
    if not isinstance(said, dict):
        raise BadArchive(f"{MANIFEST}: files: path -> sha256")
    for path in sorted(said.keys() | files.keys()):
        if path not in files:
            raise BadArchive(f"{path} is missing")
        if said.get(path) != hashlib.sha256(files[path]).hexdigest():
            raise BadArchive(f"{path} is not as it was signed")
    if HEAD not in files:
        raise BadArchive(f"{HEAD} is missing")
    return Opened(manifest, signer, files)


def _entries(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > FILES_MAX or sum(one.file_size for one in entries) > BYTES_MAX:
                raise BadArchive(f"more than {FILES_MAX} files or {BYTES_MAX >> 20} MiB")
            files: dict[str, bytes] = {}
            for one in entries:
                if one.filename in files or not (is_known(one.filename) or one.filename in (MANIFEST, SIGNATURE)):
                    raise BadArchive(f"{one.filename!r} is no file of a city package")
                files[one.filename] = archive.read(one)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadArchive(f"no archive that `misono package build` makes: {error}") from error
    return files


def _object(files: Mapping[str, bytes], name: str) -> dict[str, Json]:
    if name not in files:
        raise BadArchive(f"{name} is missing")
    try:
        body = parse_json(files[name])
    except NgsiError as error:
        raise BadArchive(f"{name}: {error}") from error
    if not isinstance(body, dict):
        raise BadArchive(f"{name}: an object")
    return body


def _json(body: Json) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"
