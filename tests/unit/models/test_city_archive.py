"""A city's archive: the same bytes each time, and nothing in it can be changed, added or taken away unseen."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from datamodels.city.archive import MANIFEST, SIGNATURE, BadArchive, pack, unpack
from datamodels.city.signing import BadSignature, Key, new_key, read_key, sign, verify

FILES = {"city.yaml": b"name: tsubame\n", "data/buildings.jsonld": b"[]", "rules/gate.yaml": b"types: {}\n"}


@pytest.fixture(scope="module")
def key() -> Key:
    return new_key()


def packed(key: Key) -> bytes:
    return pack("tsubame", "1.0.0", {"sdm-building": "1.0.0"}, FILES, key)


def changed(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with other entries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {one.filename: archive.read(one) for one in archive.infolist()}
    change(entries)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return whole.getvalue()


def test_comes_out_as_it_went_in(key: Key) -> None:
    opened = unpack(packed(key))
    assert dict(opened.files) == FILES
    assert opened.signer == key.public
    assert (opened.manifest["name"], opened.manifest["packages"]) == ("tsubame", {"sdm-building": "1.0.0"})


def test_is_the_same_bytes_whatever_the_order_of_files(key: Key) -> None:
    turned = dict(reversed(FILES.items()))
    assert pack("tsubame", "1.0.0", {"sdm-building": "1.0.0"}, turned, key) == packed(key)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.update({"city.yaml": b"name: other\n"}), "city.yaml is not as it was signed"),
        (lambda files: files.update({"data/more.jsonld": b"[]"}), "data/more.jsonld is not as it was signed"),
        (lambda files: files.pop("data/buildings.jsonld"), "data/buildings.jsonld is missing"),
        (lambda files: files.pop(SIGNATURE), "signature.json is missing"),
        (lambda files: files.pop(MANIFEST), "manifest.json is missing"),
        (lambda files: files.update({MANIFEST: files[MANIFEST].replace(b"tsubame", b"another")}), "signature.json"),
        (lambda files: files.update({SIGNATURE: b"[]"}), "signature.json: an object"),
        (lambda files: files.update({"../outside.yaml": b""}), "'../outside.yaml' is no file of a city package"),
        (lambda files: files.update({"/etc/passwd": b""}), "'/etc/passwd' is no file of a city package"),
        (lambda files: files.update({"data/run.sh": b""}), "'data/run.sh' is no file of a city package"),
    ],
)
def test_refuses_what_was_changed(change: Callable[[dict[str, bytes]], None], told: str, key: Key) -> None:
    with pytest.raises(BadArchive) as refusal:
        unpack(changed(packed(key), change))
    assert told in str(refusal.value)


def test_refuses_files_whose_hashes_another_signed(key: Key) -> None:
    """A manifest made anew is signed by whoever made it, and the archive says by whom."""
    other = pack("tsubame", "1.0.0", {}, {**FILES, "city.yaml": b"name: other\n"}, new_key())
    assert unpack(other).signer != key.public
    forged = changed(other, lambda files: files.update({SIGNATURE: files[SIGNATURE].replace(
        unpack(other).signer.encode(), key.public.encode())}))  # fmt: skip
    with pytest.raises(BadArchive, match="signature"):
        unpack(forged)


def test_refuses_an_entry_that_is_there_twice(key: Key) -> None:
    whole = io.BytesIO(packed(key))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("city.yaml", b"name: other\n")
    with pytest.raises(BadArchive, match=r"city\.yaml"):
        unpack(whole.getvalue())


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_refuses_what_is_no_archive(content: bytes) -> None:
    with pytest.raises(BadArchive):
        unpack(content)


def test_refuses_a_file_whose_bytes_are_damaged(key: Key) -> None:
    content = packed(key)
    with pytest.raises(BadArchive):
        unpack(content.replace(b"name: tsubame\n", b"name: tsubami\n"))


def test_every_single_changed_byte_of_the_manifest_is_seen(key: Key) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(key))) as archive:
        manifest, signature = archive.read(MANIFEST), json.loads(archive.read(SIGNATURE))
    for at in range(0, len(manifest), 7):
        other = manifest[:at] + bytes([manifest[at] ^ 1]) + manifest[at + 1 :]
        with pytest.raises(BadSignature):
            verify(signature["key"], other, signature["signature"])


def test_a_key_comes_back_from_its_file(key: Key, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(key.pem())
    again = read_key((tmp_path / "key.pem").read_bytes())
    assert again.public == key.public
    verify(key.public, b"content", sign(again, b"content"))


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(BadSignature):
        read_key(pem)
