"""The JSON-LD @context of a package: every type, attribute and value of a vocabulary is a term of its own.

The core context comes last in NGSI-LD and its `@vocab` sends every other name to the default vocabulary: what has no
term here would be a name of nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator

from broker.model.values import Json
from datamodels.source import Form, Package


class TermClash(ValueError):
    """One term would have two meanings in a context; the message names both."""


def terms_of(package: Package) -> dict[str, str]:
    """Term -> IRI: `{"DigitalGridRouter": "https://…/def/DigitalGridRouter", "autonomous": …}`. Raises TermClash.

    A term of the core context that the package gives no other meaning is left out.
    """
    terms: dict[str, str] = {}
    for name, iri in _named(package):
        if terms.setdefault(name, iri) != iri:
            raise TermClash(f"{package.name}: {name} means {terms[name]} and {iri}")
    return dict(sorted(terms.items()))


def context_of(package: Package) -> dict[str, Json]:
    """The document: `{"@context": {…}}`."""
    return {"@context": dict(terms_of(package))}


def _named(package: Package) -> Iterator[tuple[str, str]]:
    for model in package.models.values():
        yield model.name, model.iri
        for attribute in model.attributes.values():
            if not _is_core(attribute.iri):
                yield attribute.name, attribute.iri
            yield from _members(attribute.form)
    for vocabulary in package.vocabularies.values():
        yield from ((word.name, word.iri) for word in vocabulary.words if _can_be_a_term(word.name))


def _members(form: Form) -> Iterator[tuple[str, str]]:
    for name, member in form.members.items():
        if not _is_core(member.iri):
            yield name, member.iri
        yield from _members(member)


def _can_be_a_term(word: str) -> bool:
    """Whether a @context may define it: what is spelt like an IRI (`CCS/SAE`) makes the whole context invalid."""
    return "/" not in word and ":" not in word[1:-1]


def _is_core(iri: str) -> bool:
    """Whether the core @context says so already: it cannot be said otherwise."""
    return iri.startswith("https://uri.etsi.org/ngsi-ld/")
