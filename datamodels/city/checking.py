"""What is wrong with a city's folder, before it is packed and again before it is installed; nothing is written.

Its packages are there, its own are clean, its @context contradicts none, every entity is as its models say and leads to
entities of the right types, rules and day name types that there are, labels are in both languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from broker.decode.entity import decode_entity
from broker.decode.files import entities_in
from broker.decode.text import parse_json
from broker.errors import LdContextNotAvailable, NgsiError
from broker.ldcontext.active import DEFAULT_VOCABULARY, ActiveContext
from broker.ldcontext.compile import compile_context
from broker.model.entity import Document
from broker.model.values import Json
from datamodels.city.composing import contradictions, terms_in
from datamodels.city.day import Day, moving
from datamodels.city.source import CONTEXT, DAY, GATE, City, files_of
from datamodels.contexts import context_of
from datamodels.holding import Held, compile_model
from datamodels.library import Library, built_in, read_library
from datamodels.lint import lint
from datamodels.policies import Mode
from datamodels.reading import BadSource
from datamodels.source import Package


def library_of(city: City, *folders: Path) -> Library:
    """The packages that come with Misono, those of these folders, and the city's own. Raises BadSource."""
    own = city.home / "models"
    more = [*folders, *([own] if own.is_dir() else [])]
    return read_library(built_in(), *more) if more else _coming_along()


@cache
def _coming_along() -> Library:
    return read_library(built_in())


@dataclass(frozen=True)
class Checked:
    """A city beside the packages that it stands on."""

    city: City
    library: Library

    @cached_property
    def packages(self) -> list[Package]:
        """Those that the city names, as it orders them; those that are not there are left out."""
        return [self.library.packages[name] for name in self.city.packages if name in self.library.packages]

    @cached_property
    def versions(self) -> dict[str, str]:
        """Name -> version of these: what an archive says that it was tried with."""
        return {package.name: package.version for package in self.packages}

    @cached_property
    def terms(self) -> Mapping[str, str]:
        """The terms of the city's @context."""
        return terms_in(self._context)

    @cached_property
    def names(self) -> ActiveContext:
        """The city's @context. Raises NgsiError."""
        return self.resolve(self.city.context)

    @cached_property
    def entities(self) -> list[tuple[str, int, Document]]:
        """`(file, position, document)` of all data. Raises BadSource at the first that is no entity."""
        return [*self._entities()]

    def expanded(self, *terms: str) -> dict[str, str]:
        """Term -> IRI. Raises BadSource for a term that the @context does not have."""
        for term in terms:
            if term not in self.terms and ":" not in term:
                raise BadSource(f"{term} is no term of {CONTEXT}")
        return {term: self.names.expand(term) for term in terms}

    def day_terms(self) -> Mapping[str, str]:
        """The terms that the day names."""
        day = self.city.day
        series = day.series if day is not None else ()
        return self.expanded(*(name for one in series for name in (one.type, one.attribute)))

    def modes(self) -> dict[str, Mode]:
        """Type (IRI) -> mode, as the rules say."""
        iris = self.expanded(*self.city.gate)
        return {iris[term]: mode for term, mode in self.city.gate.items()}

    def faults(self) -> Iterator[str]:
        """Everything that is wrong, a line each."""
        files_of(self.city.home)
        yield from self._packages()
        for fault in contradictions(self.packages, self.terms):
            yield f"{CONTEXT}: {fault}"
        yield from self._data()
        yield from self._rules()
        yield from self._labels()

    def _packages(self) -> Iterator[str]:
        for name, major in self.city.packages.items():
            found = self.library.packages.get(name)
            if found is None:
                yield f"packages.{name}: there is none of this name; `misono models list`"
            elif found.version.partition(".")[0] != major:
                yield f"packages.{name}: version {found.version} is there, not {major}"
        for home in sorted((self.city.home / "models").glob("*/package.yaml")):
            own = self.library.packages[home.parent.name]
            if own.name not in self.city.packages:
                yield f"packages: {own.name} is in models/ and not named here"
            yield from map(str, lint(own, self.library))

    def _data(self) -> Iterator[str]:
        held = {iri: self._held(iri) for _, _, document in self.entities for iri in _types(document)}
        types = {str(document["id"]): _types(document) for _, _, document in self.entities}
        seen: set[str] = set()
        for file, position, document in self.entities:
            for fault in self._entity(document, held, types):
                yield f"{file} [{position}] {document['id']}: {fault}"
            if str(document["id"]) in seen:
                yield f"{file} [{position}] {document['id']}: an entity of this id stands before it"
            seen.add(str(document["id"]))

    def _entity(
        self, document: Document, held: Mapping[str, Held | None], types: Mapping[str, list[str]]
    ) -> Iterator[str]:
        for name in document:
            if name.startswith(DEFAULT_VOCABULARY):
                yield f"{name.removeprefix(DEFAULT_VOCABULARY)} is no term of its @context, and would be nobody's name"
        for iri in _types(document):
            model = held[iri]
            if model is not None:
                yield from self._of_model(document, model, types)
            elif self.names.compact(iri) not in self.city.unmodelled:
                yield f"no package of the city has a model of {iri}; name it under `unmodelled`, or write one"

    def _of_model(self, document: Document, model: Held, types: Mapping[str, list[str]]) -> Iterator[str]:
        for violation in model.violations(document):
            yield f"{violation.pointer} {violation.rule} ({violation.model}): {violation.wanted}"
        for pointer, target, attribute in model.targets(document):
            if target in types and not {self._name(one) for one in types[target]} & set(attribute.targets):
                yield f"{pointer} leads to {target}, which is no {' or '.join(attribute.targets)}"

    def _rules(self) -> Iterator[str]:
        try:
            modes, terms = self.modes(), self.day_terms()
        except BadSource as fault:
            yield f"{GATE}, {DAY}: {fault}"
            return
        for iri in modes:
            if self._held(iri) is None:
                yield f"{GATE}: no package of the city has a model of {iri}"
        if self.city.day is not None:
            yield from self._day(self.city.day, terms)

    def _day(self, day: Day, terms: Mapping[str, str]) -> Iterator[str]:
        documents = [document for _, _, document in self.entities]
        going = [one.series for one in moving(day, documents, terms)]
        for series in day.series:
            if series not in going:
                yield f"{DAY}: no {series.type} of the data has a number as its {series.attribute}"
        ids = {document["id"] for document in documents}
        for route in day.routes:
            if route.id not in ids:
                yield f"{DAY}: no entity {route.id}"

    def _labels(self) -> Iterator[str]:
        ja, en = self.city.labels["ja"], self.city.labels["en"]
        for key in sorted(ja.keys() ^ en.keys()):
            yield f"labels: {key} is in one language only"

    def _held(self, iri: str) -> Held | None:
        found = self.library.model(iri)
        if found is None or found[0].name not in self.city.packages:
            return None
        return compile_model(*found, self.library)

    def _name(self, iri: str) -> str:
        found = self.library.model(iri)
        return self.names.compact(iri) if found is None else found[1].name

    def _entities(self) -> Iterator[tuple[str, int, Document]]:
        names: dict[str, ActiveContext] = {}
        for path in sorted((self.city.home / "data").glob("*.*")):
            file = path.relative_to(self.city.home).as_posix()
            with path.open("rb") as lines:
                for position, body in entities_in(lines):
                    try:
                        if isinstance(body, NgsiError):
                            raise body
                        source = body.get("@context", self.city.context)
                        if repr(source) not in names:
                            names[repr(source)] = self.resolve(source)
                        members = {name: one for name, one in body.items() if name != "@context"}
                        yield file, position, decode_entity(members, names[repr(source)])
                    except NgsiError as refusal:
                        where = f" {refusal.pointer}" if refusal.pointer else ""
                        raise BadSource(f"{file} [{position}]{where}: {refusal}") from refusal

    def resolve(self, source: Json) -> ActiveContext:
        """A @context that entities name: the city's, a package's or the core's. Raises NgsiError."""
        return compile_context(source, self._document)

    def _document(self, url: str) -> dict[str, Json]:
        if url == self.city.context and isinstance(self._context, dict):
            return self._context
        for package in self.packages:
            if package.context == url:
                return context_of(package)
        raise LdContextNotAvailable(
            f"the @context {url} is neither the city's nor of one of its packages", pointer="@context"
        )

    @cached_property
    def _context(self) -> Json:
        path = self.city.home / CONTEXT
        if not path.is_file():
            raise BadSource(f"{CONTEXT} is missing; `misono package context` writes one")
        try:
            return parse_json(path.read_bytes())
        except NgsiError as error:
            raise BadSource(f"{CONTEXT}: {error}") from error


def _types(document: Document) -> list[str]:
    held = document["type"]
    return [str(one) for one in held] if isinstance(held, list) else [str(held)]
