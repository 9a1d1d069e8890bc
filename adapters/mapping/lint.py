"""A mapping beside the models of the packages: what it would write that no model has. Pure.

lint(mapping, library)  ->  [Finding("meters.yaml: ACMeasurement.totalActivePower", "unit: WTT, KWT …", wrong=True)]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.mapping.plan import AttributeRule, DeviceMapping, EntityRule, Member
from broker.ldcontext.active import DEFAULT_VOCABULARY
from datamodels.library import Library
from datamodels.source import Attribute, Model, Package
from datamodels.units import NoConversion, convert


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and where; `wrong` where a gate that rejects would refuse what comes of it, else a note."""

    where: str
    what: str
    wrong: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.wrong else f"{self.where}: note: {self.what}"


def lint(mapping: DeviceMapping, library: Library) -> list[Finding]:
    """Everything that is found, entity by entity."""
    findings: list[Finding] = []
    for rule in mapping.entities:
        findings += _entity(mapping, rule, library)
    for command in mapping.commands:
        known = library.model(command.entity_type)
        if known is not None and command.attribute not in {one.iri for one in known[1].attributes.values()}:
            where = f"{mapping.file}: commands: {command.term}"
            findings.append(Finding(where, f"{known[1].name} has no such attribute", wrong=False))
    return findings


def _entity(mapping: DeviceMapping, rule: EntityRule, library: Library) -> Iterator[Finding]:
    term = rule.names.compact(rule.type)
    where = f"{mapping.file}: {term}"
    if rule.type.startswith(DEFAULT_VOCABULARY):
        yield Finding(where, "it is no term of the @context, and would be nobody's type")
        return
    found = library.model(rule.type)
    if found is None:
        yield Finding(where, "no package has a model of it", wrong=False)
        yield from (_nobodys(f"{where}.{one.name}") for one in rule.attributes if _is_nobodys(one.iri))
        return
    package, model = found
    known = {one.iri: one for one in model.attributes.values()}
    for one in rule.attributes:
        attribute = known.get(one.iri)
        if attribute is None:
            yield (
                _nobodys(f"{where}.{one.name}")
                if _is_nobodys(one.iri)
                else Finding(f"{where}.{one.name}", f"{model.name} has no such attribute")
            )
        else:
            yield from _attribute(f"{where}.{one.name}", one, attribute, _words(attribute, package, library))
    yield from _missing(where, rule, model)


def _missing(where: str, rule: EntityRule, model: Model) -> Iterator[Finding]:
    given = {one.iri for one in rule.attributes} | rule.fixed.keys()
    missing = [one.name for one in model.attributes.values() if one.presence == "required" and one.iri not in given]
    if missing:
        yield Finding(
            where, f"{', '.join(missing)}: required, so that each device has to have it in `fixed`", wrong=False
        )


def _attribute(where: str, rule: AttributeRule, attribute: Attribute, words: frozenset[str]) -> Iterator[Finding]:
    if rule.kind not in attribute.kinds:
        yield Finding(where, f"a {rule.kind}; the model has a {' or a '.join(attribute.kinds)}")
    if rule.kind != "Property":
        rules = [rule.rule] if rule.kind == "VocabProperty" else []
    else:
        rules = [rule.rule, *(member.rule for member in rule.members.values())]
        yield from _units(where, rule, attribute)
    for one in rules:
        values = [*(one.words or {}).values(), *([] if one.otherwise is None else [one.otherwise])]
        strange = [str(value) for value in values if isinstance(value, str) and words and value not in words]
        if strange:
            yield Finding(where, f"words: {', '.join(sorted(strange))}: the model has {', '.join(sorted(words))}")
    if not rule.members and attribute.form.type == "object" and rule.kind == "Property" and rule.rule.is_number:
        yield Finding(where, "a number; the model has an object: `members`")


def _units(where: str, rule: AttributeRule, attribute: Attribute) -> Iterator[Finding]:
    allowed = (attribute.unit, *attribute.units)
    for name, member in {"": Member(rule.sources, rule.rule), **rule.members}.items():
        unit = member.rule.unit
        place = f"{where}.{name}" if name else where
        if unit and attribute.unit and unit not in allowed:
            yield Finding(place, f"unit: {unit}; the model has {' or '.join(filter(None, allowed))}")
        if unit and member.rule.from_unit:
            try:
                convert(1, member.rule.from_unit, unit)
            except NoConversion as refusal:
                yield Finding(place, str(refusal))
    least, most = attribute.form.least, attribute.form.most
    if attribute.unit and not rule.members and rule.sources and not rule.rule.unit and not _own(rule):
        yield Finding(where, f"no `unit`: the model has {attribute.unit}", wrong=False)
    elif least is not None and most is not None and rule.rule.most is None and rule.rule.is_number:
        yield Finding(where, f"from {least:g} to {most:g} in the model, and no `least`, `most`", wrong=False)


def _own(rule: AttributeRule) -> bool:
    """Whether it is taken from what the message itself is, not from a reading."""
    return rule.sources[0].startswith("@") or bool(rule.rule.words)


def _words(attribute: Attribute, package: Package, library: Library) -> frozenset[str]:
    """The words that there can be; none where any word may be."""
    if not attribute.vocabulary:
        return frozenset(str(one) for one in attribute.form.fixed)
    vocabulary = library.vocabulary(package, attribute.vocabulary)
    return frozenset(word.name for word in vocabulary.words) if vocabulary.closed else frozenset()


def _is_nobodys(iri: str) -> bool:
    return iri.startswith(DEFAULT_VOCABULARY)


def _nobodys(where: str) -> Finding:
    return Finding(where, "it is no term of the @context, and would be nobody's name")
