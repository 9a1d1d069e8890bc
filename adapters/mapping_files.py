"""The mappings of a folder, and the @contexts that they name.

read_mappings(folder, packaged_contexts())  ->  {"smart-meters": DeviceMapping, …}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from adapters.mapping.members import BadMapping
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import Resolve, is_mapping, read_mapping
from broker.errors import LdContextNotAvailable
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.model.values import Json
from datamodels.installed import Installed
from datamodels.library import built_in
from datamodels.yaml_text import BadYaml, parse_yaml


def read_mappings(folder: Path, resolve: Resolve) -> dict[str, DeviceMapping]:
    """All mappings among the YAML files of a folder, by name; other files are passed over. Raises BadMapping."""
    found: dict[str, DeviceMapping] = {}
    for path, body in files_in(folder):
        if is_mapping(body):
            mapping = read_mapping(body, resolve, path.name)
            if mapping.name in found:
                raise BadMapping(f"{path.name}.mapping: {found[mapping.name].file} has the name {mapping.name} already")
            found[mapping.name] = mapping
    return found


def files_in(folder: Path) -> Iterator[tuple[Path, Json]]:
    """The YAML files of a folder, parsed, by name. Raises BadMapping."""
    for path in sorted(folder.glob("*.yaml")):
        yield path, read_file(path)


def read_file(path: Path) -> Json:
    """A YAML file, parsed. Raises BadMapping."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (BadYaml, UnicodeDecodeError, OSError) as error:
        raise BadMapping(f"{path.name}: {error}") from error


def packaged_contexts(*folders: Path, more: Mapping[str, dict[str, Json]] | None = None) -> Resolve:
    """Names of @contexts: the core's, those of the packages that come along and of these folders, and `more`.

    No network: `more` are documents by URL that an operator gave (`--contexts`).
    """
    documents: dict[str, dict[str, Json]] = {}

    def fetch(url: str) -> dict[str, Json]:
        if more is not None and url in more:
            return more[url]
        if not documents:
            documents.update(Installed(built_in(), *folders).contexts())
        if url not in documents:
            raise LdContextNotAvailable(
                f"{url} is the @context of no package",
                remedy="`misono models list`, or a local copy: --contexts MAP.tsv",
            )
        return documents[url]

    @lru_cache(maxsize=64)
    def compiled(urls: tuple[str, ...]) -> ActiveContext:
        source: Json = list(urls) if len(urls) != 1 else urls[0]
        return compile_context(source or None, fetch)

    def resolve(source: Json) -> ActiveContext:
        row = [] if source is None else source if isinstance(source, list) else [source]
        if all(isinstance(one, str) for one in row):
            return compiled(tuple(str(one) for one in row))
        return compile_context(source, fetch)

    return resolve
