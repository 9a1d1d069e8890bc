"""From the YAML of a package to what it says (`source`): every member known, every name resolved.

    packages/NAME/{package,attributes,vocabularies}.yaml, models/TYPE.yaml  ->  Package

A fault names the file and the member, and what would do. What a package depends on is read first, beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast, get_args

from broker.model.values import Json
from datamodels.source import (
    Attribute,
    Form,
    Kind,
    MapStyle,
    Model,
    Package,
    Personal,
    Presence,
    Text,
    Vocabulary,
    Word,
)
from datamodels.yaml_text import BadYaml, parse_yaml

_MODEL: Final = frozenset(
    {"model", "iri", "version", "label", "description", "based_on", "same_as", "map", "include", "attributes"}
)
_ATTRIBUTE: Final = frozenset(
    {"use", "iri", "kind", "label", "description", "presence", "unit", "units", "sign", "vocabulary", "geometries",
     "targets", "personal", "same_as"}
)  # fmt: skip
_FORM: Final = frozenset(
    {"type", "many", "least", "most", "above", "below", "pattern", "longest", "fixed", "besides", "alone", "members",
     "required"}
)  # fmt: skip
_PACKAGE: Final = frozenset(
    {"name", "version", "title", "description", "licence", "namespace", "context", "depends", "attribution"}
)
_TYPES: Final = frozenset(
    {"string", "number", "integer", "boolean", "object", "date", "time", "date-time", "duration", "uri", "any"}
)
DEPTH_MAX: Final = 8


class BadSource(ValueError):
    """A package's source that is not as it should be: file, member, and what would do."""


@dataclass(slots=True)
class _Reader:
    """One file's members; `at` says where a fault is."""

    file: str
    body: Mapping[str, Json]
    at: str = ""

    def fault(self, member: str, wanted: str) -> BadSource:
        where = ".".join(part for part in (self.at, member) if part)
        return BadSource(f"{self.file}: {where}: {wanted}")

    def only(self, known: frozenset[str]) -> None:
        for member in self.body:
            if member not in known:
                raise self.fault(member, f"no member of this name; there are {', '.join(sorted(known))}")

    def text(self, member: str, default: str | None = None) -> str:
        value = self.body.get(member, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fault(member, "a text")
        return value

    def texts(self, member: str) -> tuple[str, ...]:
        value = self.body.get(member, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(member, "a list of texts")
        return tuple(cast("list[str]", value))

    def both(self, member: str) -> Text:
        value = self.body.get(member)
        if not isinstance(value, dict) or set(value) != {"ja", "en"}:
            raise self.fault(member, "{ja: …, en: …}")
        one = _Reader(self.file, value, f"{self.at}.{member}".lstrip("."))
        return Text(one.text("ja"), one.text("en"))

    def inside(self, member: str) -> Iterator[tuple[str, _Reader]]:
        value = self.body.get(member, {})
        if not isinstance(value, dict):
            raise self.fault(member, "a mapping of names")
        for name, body in value.items():
            if not isinstance(body, dict):
                raise self.fault(f"{member}.{name}", "a mapping")
            yield name, _Reader(self.file, body, f"{self.at}.{member}.{name}".lstrip("."))

    def map_of_texts(self, member: str) -> dict[str, str]:
        value = self.body.get(member, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.fault(member, "a mapping of names to texts")
        return cast("dict[str, str]", value)

    def lists_of_texts(self, member: str) -> dict[str, tuple[str, ...]]:
        value = self.body.get(member, {})
        if not isinstance(value, dict):
            raise self.fault(member, "a mapping of names to lists of texts")
        inside = _Reader(self.file, value, f"{self.at}.{member}".lstrip("."))
        return {name: inside.texts(name) for name in value}

    def number(self, member: str) -> float | None:
        value = self.body.get(member)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.fault(member, "a number")
        return value

    def flag(self, member: str) -> bool:
        value = self.body.get(member, False)
        if not isinstance(value, bool):
            raise self.fault(member, "true or false")
        return value

    def one_of(self, member: str, known: frozenset[str], default: str) -> str:
        value = self.text(member, default)
        if value not in known:
            raise self.fault(member, f"one of {', '.join(sorted(known))}")
        return value


@dataclass(slots=True)
class Reading:
    """Packages, each read once: `homes` are their folders by name; `shared` the attributes of `attributes.yaml`."""

    homes: Mapping[str, Path]
    packages: dict[str, Package] = field(default_factory=dict)
    shared: dict[str, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)

    def read(self, name: str) -> Package:
        """One package, and what it depends on. Raises BadSource."""
        if name in self.packages:
            return self.packages[name]
        if name in self._under_way:
            raise BadSource(f"{name}: depends on itself: {' -> '.join((*self._under_way, name))}")
        self._under_way.append(name)
        try:
            self.packages[name] = self._read(name)
        finally:
            self._under_way.remove(name)
        return self.packages[name]

    def _read(self, name: str) -> Package:
        home = self.homes[name]
        head = _open(home / "package.yaml")
        head.only(_PACKAGE)
        depends = head.map_of_texts("depends")
        for needed, major in depends.items():
            if needed not in self.homes:
                raise head.fault(f"depends.{needed}", f"no such package; there are {', '.join(sorted(self.homes))}")
            found = self.read(needed)
            if found.version.partition(".")[0] != major:
                raise head.fault(f"depends.{needed}", f"version {found.version} is there, not {major}")
        if head.text("name") != name:
            raise head.fault("name", f"{name}, as its folder")
        namespace = head.text("namespace")
        self.shared[name] = _shared(home / "attributes.yaml", namespace)
        vocabularies = dict(_vocabularies(home / "vocabularies.yaml", namespace))
        reader = _Models(namespace, lambda of, attribute: self.shared.get(of or name, {}).get(attribute))
        models = dict(reader.read(path) for path in sorted((home / "models").glob("*.yaml")))
        return Package(
            name,
            head.text("version"),
            head.both("title"),
            head.both("description"),
            head.text("licence"),
            namespace,
            head.text("context"),
            models,
            vocabularies,
            depends,
            head.texts("attribution"),
        )


def homes_of(*folders: Path) -> dict[str, Path]:
    """The packages' folders in these folders, by name; a later folder's wins. None is in a folder that is not there."""
    found = [home for folder in folders if folder.is_dir() for home in sorted(folder.iterdir())]
    return {home.name: home for home in found if home.name[0] != "." and (home / "package.yaml").is_file()}


def read_package(home: Path, *folders: Path) -> Package:
    """The package in this folder; what it depends on stands beside it, or in the other folders. Raises BadSource."""
    return Reading({**homes_of(*folders, home.parent), home.name: home}).read(home.name)


@dataclass(frozen=True, slots=True)
class _Models:
    namespace: str
    shared: Callable[[str, str], Mapping[str, Json] | None]

    def read(self, path: Path) -> tuple[str, Model]:
        one = _open(path)
        one.only(_MODEL)
        name = one.text("model")
        if name != path.stem:
            raise one.fault("model", f"{path.stem}, as its file")
        attributes = {of: self._attribute(of, reader) for of, reader in self._all(one)}
        return name, Model(
            name,
            one.text("iri", self.namespace + name),
            one.text("version"),
            one.both("label"),
            one.both("description"),
            attributes,
            one.texts("based_on"),
            one.map_of_texts("same_as"),
            _style(one),
        )

    def _all(self, one: _Reader) -> Iterator[tuple[str, _Reader]]:
        """What is included as it is, then the model's own."""
        own = one.body.get("attributes", {})
        for package, names in one.lists_of_texts("include").items():
            for name in names:
                if not (isinstance(own, dict) and name in own):
                    yield name, _Reader(one.file, {"use": package}, f"include.{package}.{name}")
        yield from one.inside("attributes")

    def _attribute(self, name: str, given: _Reader) -> Attribute:
        one = self._used(name, given)
        one.only(_ATTRIBUTE | _FORM)
        return Attribute(
            name,
            one.text("iri", self.namespace + name),
            one.both("label"),
            one.both("description"),
            _kinds(one),
            _form(one, self.namespace),
            cast("Presence", one.one_of("presence", frozenset(get_args(Presence)), "optional")),
            one.text("unit", ""),
            one.texts("units"),
            one.both("sign") if "sign" in one.body else None,
            one.text("vocabulary", ""),
            one.texts("geometries"),
            one.texts("targets"),
            cast("Personal", one.one_of("personal", frozenset(get_args(Personal)), "none")),
            one.map_of_texts("same_as"),
        )

    def _used(self, name: str, given: _Reader) -> _Reader:
        """With `use: PACKAGE`, the shared attribute of this name; what is given beside it wins."""
        if "use" not in given.body:
            return given
        shared = self.shared(given.text("use"), name)
        if shared is None:
            raise given.fault("use", f"{given.body['use']} has no attribute {name} in its attributes.yaml")
        body = {**shared, **{member: value for member, value in given.body.items() if member != "use"}}
        return _Reader(given.file, body, given.at)


def _open(path: Path) -> _Reader:
    name = "/".join(path.parts[-3:] if path.parent.name == "models" else path.parts[-2:])
    try:
        body = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadYaml) as error:
        raise BadSource(f"{name}: {error}") from error
    if not isinstance(body, dict):
        raise BadSource(f"{name}: a mapping")
    return _Reader(name, body)


def _shared(path: Path, namespace: str) -> Mapping[str, Mapping[str, Json]]:
    """Shared attributes as they are written, with the IRI that they have here; they are read where they are used."""
    if not path.exists():
        return {}
    whole = _Reader(path.name, {"all": dict(_open(path).body)})
    return {name: {"iri": namespace + name, **_spelt(one.body, namespace)} for name, one in whole.inside("all")}


def _spelt(body: Mapping[str, Json], namespace: str) -> dict[str, Json]:
    """With the IRIs of members written out: they are those of this package wherever the attribute is used."""
    members = body.get("members")
    if not isinstance(members, dict):
        return dict(body)
    spelt: dict[str, Json] = {
        name: {"iri": namespace + name, **_spelt(one, namespace)} if isinstance(one, dict) else one
        for name, one in members.items()
    }
    return {**body, "members": spelt}


def _vocabularies(path: Path, namespace: str) -> Iterator[tuple[str, Vocabulary]]:
    if not path.exists():
        return
    whole = _Reader(path.name, {"all": dict(_open(path).body)})
    for name, one in whole.inside("all"):
        one.only(frozenset({"label", "words", "open", "flat"}))
        above = namespace if one.flag("flat") else f"{namespace}{name}/"
        words = [
            Word(word, of.text("iri", above + word), of.both("label"), of.map_of_texts("same_as"))
            for word, of in one.inside("words")
        ]
        yield name, Vocabulary(name, one.both("label"), tuple(words), closed=not one.flag("open"))


def _kinds(one: _Reader) -> tuple[Kind, ...]:
    given = one.body.get("kind", "Property")
    kinds = given if isinstance(given, list) else [given]
    known = get_args(Kind)
    if not kinds or any(kind not in known for kind in kinds):
        raise one.fault("kind", f"one, or a list, of {', '.join(known)}")
    return tuple(cast("list[Kind]", kinds))


def _form(one: _Reader, namespace: str, depth: int = 0) -> Form:
    """The form of a value; each member of an object is a term, of this namespace unless it says otherwise."""
    if depth > DEPTH_MAX:
        raise one.fault("members", f"at most {DEPTH_MAX} levels")
    longest = one.number("longest")
    members = {}
    for name, reader in one.inside("members"):
        reader.only(_FORM | {"iri"})
        members[name] = replace(_form(reader, namespace, depth + 1), iri=reader.text("iri", namespace + name))
    return Form(
        cast("Any", one.one_of("type", _TYPES, "any")),
        one.flag("many"),
        one.number("least"),
        one.number("most"),
        one.number("above"),
        one.number("below"),
        one.text("pattern", ""),
        None if longest is None else int(longest),
        _values(one, "fixed"),
        members,
        frozenset(one.texts("required")),
        besides=_values(one, "besides"),
        alone=one.flag("alone"),
    )


def _values(one: _Reader, member: str) -> tuple[Json, ...]:
    given = one.body.get(member, [])
    if not isinstance(given, list):
        raise one.fault(member, "a list of values")
    return tuple(given)


def _style(one: _Reader) -> MapStyle:
    given = one.body.get("map", {})
    if not isinstance(given, dict):
        raise one.fault("map", "{symbol: …, colour: …, by: …}")
    reader = _Reader(one.file, given, "map")
    reader.only(frozenset({"symbol", "colour", "by"}))
    plain = MapStyle()
    return MapStyle(reader.text("symbol", plain.symbol), reader.text("colour", plain.colour), reader.text("by", ""))
