"""What a package must keep beyond being readable: so that its models mean the same to everybody who uses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from broker.ldcontext.core import core_tables
from datamodels.contexts import TermClash, terms_of
from datamodels.library import Library, is_link
from datamodels.source import Attribute, Form, Model, Package, Text, Vocabulary
from datamodels.units import units
from datamodels.wire import NO_NAMES

_VERSION: Final = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_IRI: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_JAPANESE: Final = re.compile(r"[぀-ヿ一-鿿]")
_GEOMETRIES: Final = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
_CORE: Final = "1.9"
_NUMERIC: Final = {"number", "integer"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where (`DigitalGridRouter.ratedPower`) and what would do."""

    package: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.package}: {self.where}: {self.what}"


def lint(package: Package, library: Library) -> list[Finding]:
    """All faults of a package; none for one that vendors can build against."""
    found = [*_head(package), *_terms(package)]
    for vocabulary in package.vocabularies.values():
        found += _vocabulary(vocabulary)
    for model in package.models.values():
        found += _model(model)
        for attribute in model.attributes.values():
            where = f"{model.name}.{attribute.name}"
            found += [(where, what) for rule in _RULES for what in rule(attribute)]
            found += [(where, what) for what in _names(package, attribute, library)]
    return [Finding(package.name, where, what) for where, what in found]


_Found = tuple[str, str]


def _head(package: Package) -> Iterator[_Found]:
    if not _VERSION.fullmatch(package.version):
        yield "version", "three numbers, as 1.0.0"
    if not _IRI.fullmatch(package.namespace) or package.namespace[-1] not in "/#":
        yield "namespace", "an http IRI that ends with / or #"
    major = package.version.partition(".")[0]
    if not _IRI.fullmatch(package.context) or f"-v{major}." not in package.context:
        yield "context", f"an http URL with -v{major}. in it: a new major version is another context"
    for name, text in (("title", package.title), ("description", package.description)):
        yield from ((name, what) for what in _text(text))


def _terms(package: Package) -> Iterator[_Found]:
    try:
        terms = terms_of(package)
    except TermClash as clash:
        yield "terms", str(clash)
        return
    core = core_tables(_CORE).definitions
    for name, iri in terms.items():
        if not _IRI.fullmatch(iri):
            yield name, f"{iri} is no http IRI"
        if core.get(name, iri) != iri:
            yield name, f"the core @context, which has the last word, says {core[name]}: another name, or that IRI"


def _vocabulary(vocabulary: Vocabulary) -> Iterator[_Found]:
    if not vocabulary.words:
        yield vocabulary.name, "has no words"
    yield from ((vocabulary.name, what) for what in _text(vocabulary.label))
    for word in vocabulary.words:
        yield from ((f"{vocabulary.name}.{word.name}", what) for what in _text(word.label))


def _model(model: Model) -> Iterator[_Found]:
    if not _VERSION.fullmatch(model.version):
        yield f"{model.name}.version", "three numbers, as 1.0.0"
    for text in (model.label, model.description):
        yield from ((model.name, what) for what in _text(text))
    if not model.attributes:
        yield model.name, "has no attributes"
    if model.map.by and model.map.by not in model.attributes:
        yield f"{model.name}.map.by", f"no attribute {model.map.by}"
    if not _COLOUR.fullmatch(model.map.colour):
        yield f"{model.name}.map.colour", "a colour as #336699"
    yield from ((f"{model.name}.same_as.{to}", f"{iri} is no http IRI") for to, iri in model.same_as.items()
                if not _IRI.fullmatch(iri))  # fmt: skip


def _texts(attribute: Attribute) -> Iterator[str]:
    yield from _text(attribute.label)
    yield from _text(attribute.description)
    if attribute.sign is not None:
        yield from _text(attribute.sign)


def _text(text: Text) -> Iterator[str]:
    if not _JAPANESE.search(text.ja) and text.ja.lower() != text.en.lower():
        yield f"ja: {text.ja!r} is no Japanese"
    if _JAPANESE.search(text.en):
        yield f"en: {text.en!r} is no English"


def _spelling(attribute: Attribute) -> Iterator[str]:
    if not _NAME.fullmatch(attribute.name):
        yield "a name of letters and digits"
    if attribute.name in NO_NAMES:
        yield "NGSI-LD has a member of this name: an attribute cannot be called so"
    yield from (f"same_as.{to}: {iri} is no http IRI" for to, iri in attribute.same_as.items() if not _IRI.match(iri))


def _measures(attribute: Attribute) -> Iterator[str]:
    known = units()
    codes = [code for code in (attribute.unit, *attribute.units) if code]
    yield from (f"{code} is no unit that is known: add it to units.tsv" for code in codes if code not in known)
    quantities = {known[code].quantity for code in codes if code in known}
    if len(quantities) > 1:
        yield f"units of {' and '.join(sorted(quantities))}: they do not convert"
    if attribute.units and not attribute.unit:
        yield "units, but no unit"
    if attribute.unit and attribute.form.type not in _NUMERIC:
        yield "a unit needs a number"
    if attribute.sign is not None and attribute.form.type not in _NUMERIC:
        yield "a sign needs a number"


def _bounds(attribute: Attribute) -> Iterator[str]:
    yield from _bounds_of(attribute.form, "")


def _bounds_of(form: Form, where: str) -> Iterator[str]:
    low = [bound for bound in (form.least, form.above) if bound is not None]
    high = [bound for bound in (form.most, form.below) if bound is not None]
    if low and high and max(low) >= min(high) and not (form.least == form.most is not None):
        yield f"{where}nothing lies between its bounds"
    if (low or high) and form.type not in _NUMERIC:
        yield f"{where}bounds need a number"
    if form.members and form.type != "object":
        yield f"{where}members need an object"
    for name in sorted(form.required - form.members.keys()):
        yield f"{where}required: no member {name}"
    for name, member in form.members.items():
        yield from _bounds_of(member, f"{where}{name}: ")


def _shapes(attribute: Attribute) -> Iterator[str]:
    for geometry in attribute.geometries:
        if geometry not in _GEOMETRIES:
            yield f"no geometry {geometry}"
    if attribute.geometries and "GeoProperty" not in attribute.kinds:
        yield "geometries need a GeoProperty"
    if attribute.targets and not is_link(attribute):
        yield "targets need a Relationship"
    if "VocabProperty" in attribute.kinds and not attribute.vocabulary:
        yield "a VocabProperty needs a vocabulary"


_RULES: Final[tuple[Callable[[Attribute], Iterator[str]], ...]] = (_texts, _spelling, _measures, _bounds, _shapes)


def _names(package: Package, attribute: Attribute, library: Library) -> Iterator[str]:
    """What it names elsewhere is there."""
    if attribute.vocabulary:
        try:
            library.vocabulary(package, attribute.vocabulary)
        except KeyError:
            yield f"no vocabulary {attribute.vocabulary}"
    for target in attribute.targets:
        if not library.named(target):
            yield f"targets: no model {target} in any package"
