"""A city's archive on its way in: whose it is, what is wrong with it, its files, its entities, its rules."""

from __future__ import annotations

import hashlib
import shutil
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from adapters.checking import check_folder
from broker.commands._house import open_store
from broker.commands._sinks import HttpSink, Sink, StoreSink
from broker.encode.text import dump
from broker.errors import NgsiError
from broker.model.entity import Document
from datamodels import difference
from datamodels.city.archive import BadArchive, Opened, unpack
from datamodels.city.checking import Checked, library_of
from datamodels.city.source import read_city
from datamodels.city.telling import Origin, telling
from datamodels.policies import HeldPolicies, Mode
from datamodels.reading import read_package

BATCH = 200
_SIGNERS = "signers.txt"
_DONE, _TIMEOUT_S = 204, 10.0


class NotInstalled(Exception):
    """Why a package is not put in; nothing was written."""


def checked(home: Path, models: Path | None = None) -> Checked:
    """The city in this folder beside its packages. Raises BadSource."""
    city = read_city(home)
    return Checked(city, library_of(city, *([models] if models is not None else [])))


def faults_of(one: Checked) -> list[str]:
    """Everything that is wrong with a city, its adapters and their mappings too, a line each."""
    found = check_folder(one.city.home / "adapters", one.library, one.resolve).faults
    return [*one.faults(), *(f"adapters/{fault}" for fault in found)]


@dataclass(frozen=True)
class Staged:
    """A city that is in order, and where it came from."""

    one: Checked
    origin: Origin


@dataclass(frozen=True)
class Installing:
    """`cities` is where installed cities are, each a folder, and `signers.txt`, the keys that are trusted."""

    cities: Path
    models: Path | None = None

    @contextmanager
    def staged(self, archive: Path, trust: str) -> Iterator[Staged]:
        """The city, unpacked beside its place and found in order; gone again at the end unless it was kept.

        Raises BadArchive, BadSource, NotInstalled.
        """
        content = archive.read_bytes()
        opened = unpack(content)
        self._trust(opened.signer, trust)
        self.cities.mkdir(parents=True, exist_ok=True)
        stage = self.cities / f".{archive.stem}.new"
        try:
            _write(stage, opened)
            one = checked(stage, self.models)
            if (one.city.name, one.city.version) != (opened.manifest.get("name"), opened.manifest.get("version")):
                raise BadArchive("manifest.json and city.yaml tell of different packages")
            faults = faults_of(one)
            if faults:
                raise NotInstalled("\n  ".join([f"{one.city.name} {one.city.version} is not in order:", *faults]))
            self._follows(one)
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield Staged(one, Origin(opened.signer, hashlib.sha256(content).hexdigest(), now))
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def keep(self, one: Checked) -> Path:
        """Put the staged folder where the city's is: whoever reads finds the old one or the new one."""
        target, old = self.cities / one.city.name, self.cities / f".{one.city.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        one.city.home.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        return target

    def load(self, staged: Staged, arguments: Namespace) -> list[str]:
        """Put the entities and the rules into the hub; what it refused, a line each. Raises NotOpened."""
        one = staged.one
        documents = [*(document for _, _, document in one.entities), telling(one, staged.origin)]
        if arguments.url:
            refused = _told(documents, send_all(HttpSink(arguments.url, arguments.tenant), documents))
            return refused + tell_rules(arguments.url, arguments.tenant, one.modes())
        with open_store(arguments) as (broker, call):
            refused = _told(documents, send_all(StoreSink(broker, call), documents))
            policies = HeldPolicies(broker.held, "off")
            for said in [policies.say(call.tenant, iri, mode) for iri, mode in one.modes().items()]:
                said.result()
            return refused

    def _trust(self, signer: str, trust: str) -> None:
        file = self.cities / _SIGNERS
        known = file.read_text().split() if file.is_file() else []
        if signer in known:
            return
        if not trust:
            raise NotInstalled(f"it is signed by {signer}, whom nobody here trusts yet: --trust {signer}")
        if trust != signer:
            raise NotInstalled(f"it is signed by {signer}, not by {trust}")
        self.cities.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{key}\n" for key in [*known, signer]))

    def _follows(self, one: Checked) -> None:
        """Whether it may come after the version that is there. Raises NotInstalled."""
        there = self.cities / one.city.name
        if not there.is_dir():
            return
        old = read_city(there)
        if _numbers(one.city.version) < _numbers(old.version):
            raise NotInstalled(f"{old.version} is there, which is newer than {one.city.version}")
        for home in sorted((there / "models").glob("*/package.yaml")):
            before, after = read_package(home.parent), one.library.packages.get(home.parent.name)
            if after is None:
                raise NotInstalled(f"its package {before.name} would be gone, and its entities without a model")
            need = difference.needed(difference.differences(before, after))
            if not difference.is_enough(difference.risen(before.version, after.version), need):
                raise NotInstalled(f"{after.name} {after.version} is no {need} version after {before.version}")


def send_all(sink: Sink, documents: Sequence[Document]) -> list[NgsiError | None]:
    """Send them in batches; at each place None or why it was refused."""
    refusals: list[NgsiError | None] = []
    for begin in range(0, len(documents), BATCH):
        refusals += sink.send(documents[begin : begin + BATCH])
    return refusals


def tell_rules(url: str, tenant: str, modes: Mapping[str, Mode]) -> list[str]:
    """Tell a running broker what to do about each type; what it refused, a line each."""
    root = url.rstrip("/").removesuffix("/ngsi-ld/v1")
    headers = {"Content-Type": "application/json"} | ({"NGSILD-Tenant": quote(tenant, safe="")} if tenant else {})
    pool = PoolManager(retries=False, timeout=_TIMEOUT_S)
    refused: list[str] = []
    for iri, mode in modes.items():
        path = f"{root}/admin/models/policies/{quote(iri, safe='')}"
        try:
            answer = pool.request("PUT", path, body=dump({"mode": mode}), headers=headers)
        except HTTPError as failure:
            return [*refused, f"{root} does not answer: {failure}"]
        if answer.status != _DONE:
            refused.append(f"the rule for {iri}: {answer.status} {answer.data[:200].decode(errors='replace')}")
    return refused


def _told(documents: Iterable[Document], refusals: Iterable[NgsiError | None]) -> list[str]:
    return [
        f"{document['id']}: {refusal}"
        for document, refusal in zip(documents, refusals, strict=True)
        if refusal is not None
    ]


def _write(stage: Path, opened: Opened) -> None:
    shutil.rmtree(stage, ignore_errors=True)
    for path, content in opened.files.items():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_bytes(content)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
