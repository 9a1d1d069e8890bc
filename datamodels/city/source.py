"""A city's folder, read: what it is called, what it stands on, what it holds entities to, how its sample day goes.

city.yaml        name, version, texts, licence, @context, the model packages that it stands on, first requests
context.jsonld   the @context of its data
models/NAME/     model packages of its own
rules/gate.yaml  off, warn or reject, by type; other files of rules/ are carried along
access.toml      who may see and do what: digests and public keys alone
adapters/*.yaml  adapters and mappings of devices; `misono package check` tries them (adapters.checking)
labels/ja.yaml, labels/en.yaml   texts by key, the same keys in both
data/*.jsonld    entities
day.yaml         how the data move (`day`)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from broker.model.values import Json
from datamodels.city.day import BadDay, Day, read_day
from datamodels.policies import MODES, Mode
from datamodels.reading import BadSource
from datamodels.source import Text
from datamodels.yaml_text import BadYaml, parse_yaml

HEAD: Final = "city.yaml"
CONTEXT: Final = "context.jsonld"
DAY: Final = "day.yaml"
GATE: Final = "rules/gate.yaml"
ACCESS: Final = "access.toml"
_PRIVATE: Final = frozenset({"d", "p", "q", "k"})
"""Members that private and symmetric JSON Web Keys have (RFC 7518)."""
LABELS: Final = ("labels/ja.yaml", "labels/en.yaml")
_KNOWN: Final = re.compile(
    r"access\.toml|city\.yaml|context\.jsonld|contexts\.tsv|day\.yaml|LICENSE|README(\.ja)?\.md"
    r"|models/[a-z][a-z0-9-]*/((package|attributes|vocabularies)\.yaml|manifest\.json|models/\w+\.yaml)"
    r"|(rules|adapters)/[\w-]+\.yaml|labels/(ja|en)\.yaml|data/[\w-]+\.(jsonld|ndjson)"
)
_MEMBERS: Final = frozenset(
    {"name", "version", "title", "description", "licence", "context", "packages", "unmodelled", "requests"}
)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """What to try first: `path` is behind /ngsi-ld/v1/."""

    about: Text
    path: str


@dataclass(frozen=True, slots=True)
class City:
    """What the folder says.

    `packages` are the model packages that it stands on, by name, with the major version, those named first first.
    `unmodelled` are the types (terms) of its data that no package has a model of. `gate` is the mode of types (terms).
    """

    home: Path
    name: str
    version: str
    title: Text
    description: Text
    licence: str
    context: str
    packages: Mapping[str, str]
    unmodelled: frozenset[str]
    requests: tuple[Request, ...]
    gate: Mapping[str, Mode]
    labels: Mapping[str, Mapping[str, str]]
    day: Day | None

    @property
    def id(self) -> str:
        """The id of the entity that tells of the package: `urn:ngsi-ld:CityPackage:misono`."""
        return f"urn:ngsi-ld:CityPackage:{self.name}"


def files_of(home: Path) -> dict[str, bytes]:
    """Every file of the folder by its path in it, sorted; a file that no package has is refused: it may be a secret.

    Raises BadSource.
    """
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_symlink():
            raise BadSource(f"{name}: a link; put the file itself there")
        if path.is_file():
            if not is_known(name):
                raise BadSource(f"{name}: no file of a city package; docs/new-city.md names those that are")
            found[name] = path.read_bytes()
    require_public(found.get(ACCESS, b""))
    return dict(sorted(found.items()))


def is_known(name: str) -> bool:
    """Whether a package may have a file of this path."""
    return _KNOWN.fullmatch(name) is not None


def require_public(access: bytes) -> None:
    """Raise BadSource where the file of --access has what opens something: it holds digests and public keys alone."""
    try:
        keys = tomllib.loads(access.decode()).get("keys", {})
    except ValueError as error:
        raise BadSource(f"{ACCESS}: {error}") from error
    for name, key in keys.items():
        if isinstance(key, dict) and isinstance(jwk := key.get("jwk"), dict) and _PRIVATE & jwk.keys():
            raise BadSource(f"{ACCESS}: keys.{name}.jwk: a private key; put the public one there")


def read_city(home: Path) -> City:
    """The city in this folder. Raises BadSource."""
    head = _Head(home)
    gate = _yaml(home, GATE)
    modes = _texts(gate.get("types", {}), f"{GATE}: types")
    for of, mode in modes.items():
        if mode not in MODES:
            raise BadSource(f"{GATE}: types.{of}: one of {', '.join(MODES)}")
    for name in sorted((*home.glob("rules/*.yaml"), *home.glob("adapters/*.yaml"))):
        _yaml(home, name.relative_to(home).as_posix())
    day = _yaml(home, DAY)
    try:
        return City(
            home,
            head.text("name", _NAME),
            head.text("version", _VERSION),
            head.both("title"),
            head.both("description"),
            head.text("licence"),
            head.text("context"),
            _texts(head.body.get("packages", {}), f"{HEAD}: packages"),
            frozenset(head.list("unmodelled")),
            tuple(head.requests()),
            cast("Mapping[str, Mode]", modes),
            dict(zip(("ja", "en"), (_texts(_yaml(home, name), name) for name in LABELS), strict=True)),
            read_day(day) if day else None,
        )
    except BadDay as fault:
        raise BadSource(f"{DAY}: {fault}") from fault


class _Head:
    """The members of city.yaml."""

    def __init__(self, home: Path) -> None:
        if not (home / HEAD).is_file():
            raise BadSource(f"{home.name or home} is no city package: it has no {HEAD}")
        self.body = _yaml(home, HEAD)
        for member in self.body:
            if member not in _MEMBERS:
                raise BadSource(f"{HEAD}: {member}: no member of this name; there are {', '.join(sorted(_MEMBERS))}")

    def text(self, member: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.body.get(member)
        if not isinstance(value, str) or not value or (pattern is not None and not pattern.fullmatch(value)):
            raise BadSource(f"{HEAD}: {member}: a text" + (f" like {pattern.pattern}" if pattern else ""))
        return value

    def both(self, member: str) -> Text:
        return _both(self.body.get(member), member)

    def list(self, member: str) -> list[str]:
        value = self.body.get(member, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BadSource(f"{HEAD}: {member}: a list of names")
        return cast("list[str]", value)

    def requests(self) -> Iterator[Request]:
        value = self.body.get("requests", [])
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict) or not isinstance(one.get("path"), str):
                raise BadSource(f"{HEAD}: requests: a list of {{about: {{ja: …, en: …}}, path: …}}")
            yield Request(_both(one.get("about"), "requests.about"), str(one["path"]))


def _both(value: Json, member: str) -> Text:
    if (
        not isinstance(value, dict)
        or set(value) != {"ja", "en"}
        or not all(isinstance(one, str) for one in value.values())
    ):
        raise BadSource(f"{HEAD}: {member}: {{ja: …, en: …}}")
    return Text(str(value["ja"]), str(value["en"]))


def _texts(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise BadSource(f"{where}: a mapping of names to texts")
    return cast("dict[str, str]", value)


def _yaml(home: Path, name: str) -> dict[str, Json]:
    """A file's members; of one that is not there none."""
    if not (home / name).is_file():
        return {}
    try:
        body = parse_yaml((home / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadYaml) as error:
        raise BadSource(f"{name}: {error}") from error
    if not isinstance(body, dict):
        raise BadSource(f"{name}: a mapping")
    return body
