"""The @context of a city out of those of its packages, and what of it would mean something else than they do.

Terms collide between subjects (`category` is of buildings, vehicles and shops): the package that the city names first
has the plain term, the others have it with their subject before it: `transportationCategory`. Contexts that are in use
keep their terms, so the composed one is written once, kept with the city, and compared from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from broker.model.values import Json
from datamodels.contexts import terms_of
from datamodels.source import Package


def composed(packages: Iterable[Package], kept: Mapping[str, str]) -> dict[str, str]:
    """Term -> IRI of all packages; those of `kept`, which were there before, keep their meaning."""
    terms = dict(kept)
    told = set(terms.values())
    for package in packages:
        plain = _values(package)
        for term, iri in terms_of(package).items():
            if iri not in told and iri not in plain:
                name = term if term not in terms else f"{subject(package)}{term[0].upper()}{term[1:]}"
                if terms.setdefault(name, iri) == iri:
                    told.add(iri)
    return dict(sorted(terms.items()))


def subject(package: Package) -> str:
    """The subject of a package as the beginning of a term: `sdm-urban-mobility` gives `urbanMobility`."""
    first, *more = package.name.removeprefix("sdm-").removeprefix("misono-").split("-")
    return first + "".join(part.capitalize() for part in more)


def _values(package: Package) -> set[str]:
    """The words that are values of Properties alone: nobody expands these, so they need no term."""
    named = {one.vocabulary for model in package.models.values() for one in model.attributes.values()
             if "VocabProperty" in one.kinds}  # fmt: skip
    return {word.iri for name, one in package.vocabularies.items() if name not in named for word in one.words}


def contradictions(packages: Iterable[Package], terms: Mapping[str, Json]) -> Iterator[str]:
    """Terms of a city that mean other than in every package that has them, where their IRI is none of any package."""
    known = [(package, terms_of(package)) for package in packages]
    iris = {iri for _, theirs in known for iri in theirs.values()}
    for term, iri in sorted(terms.items()):
        means = {package.name: theirs[term] for package, theirs in known if term in theirs}
        if means and iri not in iris:
            where = ", ".join(f"{of}: {one}" for of, one in means.items())
            yield f"{term} is {iri} here, and in the packages {where}"


def terms_in(document: Json) -> dict[str, str]:
    """The plain terms of a @context document; what is written in other ways is left out."""
    body = document.get("@context") if isinstance(document, dict) else None
    found: dict[str, str] = {}
    for part in body if isinstance(body, list) else [body]:
        for term, meaning in part.items() if isinstance(part, dict) else ():
            iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if isinstance(iri, str) and not term.startswith("@"):
                found[term] = iri
    return found
