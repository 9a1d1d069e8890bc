"""The data directory and the @contexts that commands on files work with, opened and closed again."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from broker.contexts.copies import BadMap, read_copies
from broker.contexts.loading import HttpLoader, not_available
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import CORE_URL
from broker.model.values import Json
from broker.operations.broker import Broker, Call
from broker.settings import SettingError, Settings, is_url, read_settings, without_secrets
from broker.wiring import StartError, SystemClock, build
from datamodels.contexts import TermClash
from datamodels.installed import Installed
from datamodels.library import built_in
from datamodels.reading import BadSource

_OURS = "https://misono.example/contexts/"  # any other is looked up only where there are models of others
_SHARED = ("data", "contexts", "allow_private", "erasures")


class NotOpened(Exception):
    """A command cannot begin; the text says why."""


def add_place_options(parser: ArgumentParser) -> None:
    """Options that import and export share."""
    parser.add_argument("--data", metavar="DIR", help="directory of the store; MISONO_DATA (default var)")
    parser.add_argument("--tenant", metavar="NAME", default="", help="tenant; the default one where it is not given")
    parser.add_argument("--contexts", metavar="MAP.tsv", help="local copies of @contexts: lines of URL, tab, file")
    parser.add_argument("--context", metavar="URL", default=CORE_URL, help="@context of entities that carry none")
    parser.add_argument("--allow-private", action="store_const", const="true", help="@contexts on private addresses")
    parser.add_argument("--offline", action="store_true", help="fetch no @context")


def settings_of(arguments: Namespace, store: str) -> Settings:
    """Settings of a broker without doors. Raises NotOpened."""
    given = {name: value for name in _SHARED if (value := getattr(arguments, name, None)) is not None}
    try:
        return read_settings(Namespace(config="", store=store, **given), os.environ)
    except SettingError as error:
        raise NotOpened(str(error)) from error


def directory_of(arguments: Namespace, instead: str) -> Settings:
    """The same of a data directory. Raises NotOpened where the store is a server: `instead` says what does it there."""
    store = _server(arguments)
    if store is not None:
        raise NotOpened(f"the store is {without_secrets(store)}, no data directory: {instead} (docs/deploy.md)")
    return settings_of(arguments, "sqlite")


def _server(arguments: Namespace) -> str | None:
    """The URL that MISONO_STORE names, unless a directory was given."""
    store = os.environ.get("MISONO_STORE", "")
    return store if is_url(store) and arguments.data is None else None


@contextmanager
def open_store(arguments: Namespace, *, existing: bool = False) -> Iterator[tuple[Broker, Call]]:
    """The broker of a store, and a call in the tenant. Raises NotOpened.

    It is that of the data directory, or, where none is given, that of the server which MISONO_STORE names. With
    `existing` there must be one already.
    """
    store = _server(arguments) or "sqlite"
    settings = settings_of(arguments, store)
    if existing and store == "sqlite" and not Path(settings.data).is_dir():
        raise NotOpened(f"{settings.data} is no data directory: --data DIR of `misono serve`")
    try:
        built = build(settings)
    except StartError as error:
        raise NotOpened(str(error)) from error
    try:
        if existing and not built.store.exists(arguments.tenant):
            raise NotOpened(f"{_name(settings)} has no tenant '{arguments.tenant}'")
        yield built.house.broker, Call(arguments.tenant, built.house.core)
    finally:
        built.close()


def _name(settings: Settings) -> str:
    return without_secrets(settings.store) if is_url(settings.store) else str(settings.data)


@cache
def _of_packages(models: Path | None) -> Mapping[str, dict[str, Json]]:
    """The @contexts of packages, read when the first of them is named. Raises NotOpened."""
    try:
        return Installed(*([built_in()] if models is None else [built_in(), models])).contexts()
    except (BadSource, TermClash, OSError) as error:
        raise NotOpened(f"--models {models}: {error}") from error


def context_reader(arguments: Namespace) -> Callable[[Json], ActiveContext]:
    """What resolves @contexts: local copies, those of the packages, and the network unless --offline.

    Raises NotOpened.
    """
    settings = settings_of(arguments, "memory")
    try:
        copies = read_copies(settings.contexts) if settings.contexts else {}
    except BadMap as error:
        raise NotOpened(str(error)) from error
    loader = HttpLoader(SystemClock(), allow_private=settings.allow_private)

    def fetch(url: str) -> dict[str, Json]:
        if url in copies:
            return copies[url]
        if url.startswith(_OURS) or settings.models is not None:
            known = _of_packages(settings.models)
            if url in known:
                return known[url]
        if arguments.offline:
            raise not_available(url, "it is not in --contexts MAP.tsv, and --offline fetches none")
        return loader.load(url).document

    def resolve(source: Json) -> ActiveContext:
        return compile_context(source, fetch)

    return resolve
