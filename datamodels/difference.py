"""What a new version of a package breaks: what clients and data of the old one can no longer rely on.

removed or re-meant terms, other kinds, narrower values, units and signs, new duties    -> a major version
new types, attributes and words, wider values                                           -> a minor version
texts                                                                                   -> a patch
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from datamodels.contexts import terms_of
from datamodels.source import Attribute, Form, Model, Package, Vocabulary

Weight: TypeAlias = Literal["major", "minor", "patch"]
_ORDER: Final[tuple[Weight, ...]] = ("patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: where (`DigitalGridRouter.ratedPower`), what, and how much a version must rise for it."""

    where: str
    what: str
    weight: Weight


def differences(old: Package, new: Package) -> list[Difference]:
    """All changes, those that break first."""
    found = [*_terms(old, new), *_models(old.models, new.models), *_vocabularies(old.vocabularies, new.vocabularies)]
    found += [Difference(old.name, "other texts", "patch")] if not found and old != new else []
    return sorted(found, key=lambda one: (-_ORDER.index(one.weight), one.where, one.what))


def needed(found: list[Difference]) -> Weight | None:
    """How much the version must rise at the least; None where nothing changed."""
    return max((one.weight for one in found), key=_ORDER.index, default=None)


def risen(old: str, new: str) -> Weight | None:
    """Which part of a version rose: `risen("1.2.0", "1.3.0")` is minor. None where it did not rise."""
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    if after <= before:
        return None
    return "major" if after[0] > before[0] else "minor" if after[1] > before[1] else "patch"


def is_enough(rise: Weight | None, need: Weight | None) -> bool:
    """Whether a version rose as much as its changes need."""
    return need is None or (rise is not None and _ORDER.index(rise) >= _ORDER.index(need))


def _terms(old: Package, new: Package) -> Iterator[Difference]:
    before, after = terms_of(old), terms_of(new)
    for name, iri in before.items():
        if name not in after:
            yield Difference(name, "the term is gone", "major")
        elif after[name] != iri:
            yield Difference(name, f"the term means {after[name]} and meant {iri}", "major")


def _models(old: Mapping[str, Model], new: Mapping[str, Model]) -> Iterator[Difference]:
    for name, model in new.items():
        if name not in old:
            yield Difference(name, "a new type", "minor")
        else:
            yield from _attributes(name, old[name].attributes, model.attributes)
    for name in old:
        if name not in new:
            yield Difference(name, "the type is gone", "major")


def _attributes(model: str, old: Mapping[str, Attribute], new: Mapping[str, Attribute]) -> Iterator[Difference]:
    for name, attribute in new.items():
        where = f"{model}.{name}"
        if name not in old and attribute.presence == "required":
            yield Difference(where, "a new attribute that is required", "major")
        elif name not in old:
            yield Difference(where, "a new attribute", "minor")
        else:
            yield from _attribute(where, old[name], attribute)
    for name in old:
        if name not in new:
            yield Difference(f"{model}.{name}", "the attribute is gone", "major")


def _attribute(where: str, old: Attribute, new: Attribute) -> Iterator[Difference]:
    yield from _set(where, "kind", old.kinds, new.kinds)
    yield from _set(where, "unit", (old.unit, *old.units), (new.unit, *new.units))
    if old.unit != new.unit:
        yield Difference(where, f"values are in {new.unit or 'no unit'} and were in {old.unit or 'none'}", "major")
    if (old.sign and old.sign.en) != (new.sign and new.sign.en):
        yield Difference(where, "the sign means something else", "major")
    if old.presence != new.presence:
        yield Difference(
            where, f"{new.presence}, was {old.presence}", "major" if new.presence == "required" else "minor"
        )
    if old.vocabulary != new.vocabulary:
        yield Difference(where, "values of another vocabulary", "major")
    if old.personal != new.personal:
        yield Difference(where, f"personal data: {new.personal}, was {old.personal}", "major")
    yield from _open_set(where, "target", old.targets, new.targets)
    yield from _open_set(where, "geometry", old.geometries, new.geometries)
    yield from _form(where, old.form, new.form)


def _besides(where: str, old: Form, new: Form) -> Iterator[Difference]:
    """What a value may be beyond its type and bounds: more of it breaks nothing."""
    before, after = {*map(repr, old.besides)}, {*map(repr, new.besides)}
    yield from (Difference(where, f"no {value} besides its bounds", "major") for value in sorted(before - after))
    yield from (Difference(where, f"{value} besides its bounds", "minor") for value in sorted(after - before))
    if old.alone != new.alone:
        yield Difference(where, "one value without a list", "minor" if new.alone else "major")


def _form(where: str, old: Form, new: Form) -> Iterator[Difference]:
    if (old.type, old.many) != (new.type, new.many):
        wider = old.many == new.many and (new.type == "any" or (old.type, new.type) == ("integer", "number"))
        yield Difference(where, "a value of another type", "minor" if wider else "major")
    for bound, lower in (("least", True), ("above", True), ("most", False), ("below", False), ("longest", False)):
        before, after = getattr(old, bound), getattr(new, bound)
        if before != after:
            wider = after is None or (before is not None and (after < before if lower else after > before))
            yield Difference(where, f"{bound} is {after} and was {before}", "minor" if wider else "major")
    if old.pattern != new.pattern:
        yield Difference(where, "another pattern", "major" if new.pattern else "minor")
    yield from _open_set(where, "value", tuple(map(repr, old.fixed)), tuple(map(repr, new.fixed)))
    yield from _besides(where, old, new)
    for name in sorted(new.required - old.required):
        yield Difference(f"{where}.{name}", "a member that is required now", "major")
    for name in sorted(set(old.members) | set(new.members)):
        if name in old.members and name in new.members:
            yield from _form(f"{where}.{name}", old.members[name], new.members[name])
        else:
            gone = name in old.members
            yield Difference(
                f"{where}.{name}", "the member is gone" if gone else "a new member", "major" if gone else "minor"
            )


def _vocabularies(old: Mapping[str, Vocabulary], new: Mapping[str, Vocabulary]) -> Iterator[Difference]:
    for name, vocabulary in new.items():
        before = old.get(name)
        if before is None:
            yield Difference(name, "a new vocabulary", "minor")
            continue
        yield from _set(name, "word", [one.name for one in before.words], [one.name for one in vocabulary.words])
        if before.closed != vocabulary.closed:
            what = "no other words any more" if vocabulary.closed else "other words as well"
            yield Difference(name, what, "major" if vocabulary.closed else "minor")
    for name in old:
        if name not in new:
            yield Difference(name, "the vocabulary is gone", "major")


def _set(where: str, what: str, old: object, new: object) -> Iterator[Difference]:
    before, after = [*old], [*new]  # type: ignore[misc]
    for gone in sorted(set(before) - set(after)):
        yield Difference(where, f"the {what} {gone} is gone", "major")
    for added in sorted(set(after) - set(before)):
        yield Difference(where, f"a new {what} {added}", "minor")


def _open_set(where: str, what: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Difference]:
    """A set that takes everything where it is empty."""
    if old and new:
        yield from _set(where, what, old, new)
    elif old != new:
        yield Difference(
            where,
            f"any {what}" if not new else f"no other {what} than {', '.join(new)}",
            "minor" if not new else "major",
        )
