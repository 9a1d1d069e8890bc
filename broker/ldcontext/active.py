"""A compiled @context: short names to IRIs and back, by dictionary look-ups alone (clauses 4.4, 5.5.7).

The tables of an ActiveContext already hold the core @context over the user's, because the core always has the
last word. What a table does not know is worked out once by the rules of JSON-LD (prefix, then default vocabulary;
on the way back term, vocabulary, prefix) and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from broker.errors import BadRequestData
from broker.ldcontext.names import NAME_CHARACTERS_MAX, is_iri, is_name
from broker.model.values import Json

DEFAULT_VOCABULARY = "https://uri.etsi.org/ngsi-ld/default-context/"
REMEMBERED_MAX = 16_384
"""Names an ActiveContext remembers in each direction; past it they are worked out again each time."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What a @context says: `speed` -> `https://example.org/speed`; prefix `ex` -> `https://example.org/`."""

    definitions: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    keywords: frozenset[str] = frozenset()
    """Terms that stand for JSON-LD keywords (`id`, `type`): no attribute or type may be called so."""

    def over(self, below: Tables) -> Tables:
        """These tables on top of `below`, as if they stood after it in the @context array."""
        gone = set(self.definitions) - set(self.prefixes)
        kept = {name: iri for name, iri in below.prefixes.items() if name not in gone}
        terms = {name: iri for name, iri in below.definitions.items() if name not in self.keywords}
        keywords = (below.keywords - set(self.definitions)) | self.keywords
        return Tables({**terms, **self.definitions}, {**kept, **self.prefixes}, keywords)


class Remembered(dict[str, str]):
    """A dictionary that works out what it lacks, and keeps it while there is room."""

    __slots__ = ("_work_out",)

    def __init__(self, work_out: Callable[[str], str], known: Mapping[str, str]) -> None:
        super().__init__(known)
        self._work_out = work_out

    def __missing__(self, name: str) -> str:
        found = self._work_out(name)
        if len(self) < REMEMBERED_MAX:
            self[name] = found
        return found


class ActiveContext:
    """The names of one @context, the core's included.

    Hot paths use the mappings `iris[term]` and `terms[iri]` directly; both answer for every legal name.
    `source` is the user's own @context as it was given (a URL, an object, a list; the core's URL where there was none).
    """

    __slots__ = ("_definitions", "_inverse", "_prefixes", "_values", "iris", "keywords", "source", "terms")

    def __init__(self, source: Json, tables: Tables, core: Tables) -> None:
        whole = core.over(tables)
        self.source = source
        self.keywords = whole.keywords
        self._definitions = whole.definitions
        self._prefixes = whole.prefixes
        self._inverse = {**_inverse(tables.definitions, whole), **_inverse(core.definitions, whole)}
        self.iris = Remembered(self._expand_name, {})
        self.terms = Remembered(self._compact_name, {})
        self._values = Remembered(self._compact_value, {})

    @property
    def tables(self) -> Tables:
        """The tables with the core on top, to compare what two versions of a @context mean."""
        return Tables(self._definitions, self._prefixes, self.keywords)

    def expand(self, term: str, pointer: str = "") -> str:
        """The IRI of an attribute or type name: `speed`, `ex:speed` and the IRI itself all give the IRI.

        Raises BadRequestData for what is no legal name (clause 4.6.2); `pointer` says where it stood.
        """
        try:
            return self.iris[term]
        except BadRequestData as refusal:
            refusal.pointer = refusal.pointer or pointer
            raise

    def expand_value(self, text: str) -> str:
        """The IRI of a value that is a term (`vocab`, `objectType`, expandValues): any text has one."""
        return self._definitions.get(text) or self._prefixed(text) or DEFAULT_VOCABULARY + text

    def compact(self, iri: str) -> str:
        """The shortest name that expands to this IRI again, or the IRI itself."""
        return self.terms[iri]

    def compact_value(self, iri: str) -> str:
        """The shortest text that `expand_value` takes back to this IRI."""
        return self._values[iri]

    def _expand_name(self, term: str) -> str:
        if not term or len(term) > NAME_CHARACTERS_MAX:
            raise _illegal(term[:40], f"a name has 1 to {NAME_CHARACTERS_MAX} characters")
        if term in self.keywords:
            raise _illegal(term, "it stands for a JSON-LD keyword")
        if ":" in term:
            iri = self._prefixed(term)
            if iri is None:
                raise _illegal(term, "it holds a colon but is no IRI")
            return iri
        if not is_name(term):
            raise _illegal(term, "a name is a letter followed by letters, numbers and _")
        return self._definitions.get(term) or DEFAULT_VOCABULARY + term

    def _prefixed(self, text: str) -> str | None:
        """The IRI of text with a colon in it: `ex:speed` by its prefix, an absolute IRI as it is; else None."""
        prefix, colon, rest = text.partition(":")
        if not colon:
            return None
        known = self._prefixes.get(prefix)
        iri = text if known is None or rest.startswith("//") else known + rest
        return iri if is_iri(iri) else None

    def _compact_name(self, iri: str) -> str:
        return self._shortest(iri, self._comes_back_as_name)

    def _compact_value(self, iri: str) -> str:
        return self._shortest(iri, self._comes_back_as_value)

    def _shortest(self, iri: str, comes_back: Callable[[str, str], bool]) -> str:
        """Term, else the rest after the default vocabulary, else the shortest prefix form, else the IRI."""
        for text in (self._inverse.get(iri, iri), iri.removeprefix(DEFAULT_VOCABULARY)):
            if text != iri and comes_back(text, iri):
                return text
        compact = (f"{name}:{iri[len(start) :]}" for name, start in self._prefixes.items() if iri.startswith(start))
        fitting = [text for text in compact if text not in self._definitions and comes_back(text, iri)]
        return min(fitting, key=_length_first, default=iri)

    def _comes_back_as_name(self, text: str, iri: str) -> bool:
        if ":" in text:
            return self._prefixed(text) == iri
        return is_name(text) and text not in self.keywords and self.expand_value(text) == iri

    def _comes_back_as_value(self, text: str, iri: str) -> bool:
        return self.expand_value(text) == iri


def _inverse(definitions: Mapping[str, str], whole: Tables) -> dict[str, str]:
    """IRI -> its shortest term of those in force, legal names before what only a value may be."""
    terms = sorted((term for term, iri in definitions.items() if whole.definitions.get(term) == iri), key=_legal_first)
    return {definitions[term]: term for term in reversed(terms)}


def _legal_first(term: str) -> tuple[bool, int, str]:
    return not is_name(term), len(term), term


def _length_first(text: str) -> tuple[int, str]:
    return len(text), text


def _illegal(name: str, reason: str) -> BadRequestData:
    return BadRequestData(
        f"'{name}' is no legal name: {reason}",
        clause="4.6.2",
        remedy="a name such as airQuality2, a compact name such as ex:airQuality, or an IRI",
    )
