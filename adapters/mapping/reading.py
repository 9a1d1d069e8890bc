"""A mapping's file, read and checked.

    read_mapping(parse_yaml(text), resolve, "meters.yaml")  ->  DeviceMapping

The file, all members (those with a star must be there):

    mapping*: smart-meters             # its name
    version: 1
    context: [URL, …]                  # whose names are used below; the core's alone where it is not there
    codec: {kind: echonet, …}          # with which samples are read, where they name none
    ignore: [faultStatus, "*Version"]  # quantities that need no rule: what says only them is not quarantined
    entities*:
      - id*: "urn:ngsi-ld:ACMeasurement:misono:{device}"
        type*: ACMeasurement
        context: [URL, …]              # instead of that above, where terms of two packages clash
        when: {part: "0288*", facts: {role: pv}, has: [all of these], any: [one of these]}
        others: true                   # quantities that no rule takes become Properties of their own names
        attributes:
          NAME: QUANTITY               # short for {from: QUANTITY}
          NAME: {from: QUANTITY or [the first that is there], …}
          NAME: [{…}, {…}]             # several instances, each with its `dataset: "urn:…"`
        fixed: {NAME: value or instance}
    commands:
      - {attribute*: NAME, name*: what the device calls it, type: ENTITY TYPE, unit, times, plus, words, …}
    samples:
      - {frame or readings, device, entities, …}     # see trying.py

What templates know: {device} {part} {adapter} {group} {entity} (the id of the first entity), the device's options and
the facts of its Readings. `from: "@observedAt"`, `"@receivedAt"`, `"@NAME"` (what a template knows) are no quantities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from typing import Final, TypeAlias, cast

from adapters.mapping.members import BadMapping, Members, members
from adapters.mapping.plan import (
    AttributeRule,
    CommandRule,
    DeviceMapping,
    EntityRule,
    Kind,
    Member,
    Sample,
    When,
)
from adapters.mapping.templates import Template, read_template
from adapters.mapping.values import CASTS, As, Rule, key
from broker.decode.entity import decode_fragment
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model.names import is_language
from broker.model.values import Json
from datamodels.units import units

Resolve: TypeAlias = Callable[[Json], ActiveContext]
"""A @context (URL, object, list of them, None: the core's) -> its names. Raises NgsiError."""

_TOP: Final = frozenset({"mapping", "version", "context", "codec", "ignore", "entities", "commands", "samples"})
_ENTITY: Final = frozenset({"id", "type", "context", "when", "others", "attributes", "fixed"})
_WHEN: Final = frozenset({"part", "facts", "has", "any"})
_VALUE: Final = frozenset(
    {"from", "as", "ignore", "words", "otherwise", "times", "plus", "unit", "from_unit", "round", "least", "most"}
)
_KINDS: Final = frozenset({"vocab", "language", "json", "list", "geo", "relationship"})
_ATTRIBUTE: Final = _VALUE | _KINDS | {"members", "dataset", "observed"}
_COMMAND: Final = frozenset({"attribute", "name", "type", "unit", "times", "plus", "words"})
_VERSION_MAX: Final = 1_000_000
_DIGITS_MAX: Final = 12
_POINT: Final = (2, 3)
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)


def is_mapping(body: Json) -> bool:
    """Whether a parsed file is one of a mapping, and not of an adapter."""
    return isinstance(body, dict) and "mapping" in body and "adapter" not in body


def read_mapping(body: Json, resolve: Resolve, file: str = "mapping") -> DeviceMapping:
    """The mapping of a parsed file. Raises BadMapping."""
    top = members(body, file).only(_TOP)
    name = top.text("mapping")
    if not _NAME.fullmatch(name):
        top.refuse("mapping", "a name of letters, numbers, `-`, `_` and `.`, at most 100")
    names = _names(top, resolve, None)
    entities = tuple(_entity(one, resolve, names) for one in top.each("entities"))
    if not entities:
        top.refuse("entities", "at least one")
    return DeviceMapping(
        name,
        top.whole("version", 1, _VERSION_MAX) or 1,
        file,
        entities,
        tuple(_command(one, entities) for one in top.each("commands")),
        tuple(Sample(one.text("about", f"sample {place}"), one.of) for place, one in enumerate(top.each("samples"))),
        top.below("codec").of,
        _glob(top.texts("ignore")) if "ignore" in top.of else None,
    )


def _names(given: Members, resolve: Resolve, above: ActiveContext | None) -> ActiveContext:
    if "context" not in given.of and above is not None:
        return above
    try:
        return resolve(given.of.get("context"))
    except NgsiError as refusal:
        given.refuse("context", str(refusal))


def _entity(given: Members, resolve: Resolve, above: ActiveContext) -> EntityRule:
    given.only(_ENTITY)
    names = _names(given, resolve, above)
    body = given.below("attributes")
    rules = tuple(rule for name in body.of for rule in _attributes(body, name, names))
    by_quantity: dict[str, tuple[AttributeRule, ...]] = {}
    for rule in rules:
        for quantity in rule.triggers:
            by_quantity[quantity] = (*by_quantity.get(quantity, ()), rule)
    others = given.flag("others")
    if not by_quantity and not others:
        given.refuse("attributes", "at least one that is taken from a quantity, or `others: true`")
    return EntityRule(
        _template(given, "id"),
        _iri(given, "type", given.text("type"), names),
        names,
        rules,
        _when(given.below("when")) if "when" in given.of else None,
        _fixed(given.below("fixed"), names),
        others,
        by_quantity,
        tuple(rule for rule in rules if not rule.triggers),
    )


def _iri(given: Members, name: str, term: str, names: ActiveContext) -> str:
    try:
        return names.expand(term)
    except NgsiError as refusal:
        given.refuse(name, str(refusal))


def _when(given: Members) -> When:
    given.only(_WHEN)
    facts = given.below("facts")
    part = given.texts("part")
    return When(
        _glob(part) if part else None,
        {name: _glob(facts.texts(name)) for name in facts.of},
        frozenset(given.texts("has")),
        frozenset(given.texts("any")),
    )


def _glob(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))


def _fixed(given: Members, names: ActiveContext) -> Mapping[str, Json]:
    for name, value in given.of.items():
        if name.lstrip("@") in ("id", "type", "context"):
            given.refuse(name, "no attribute: `id`, `type` and `context` stand beside `fixed`")
        if isinstance(value, dict) and "type" not in value and not value.keys() & {"value", "object", "vocab"}:
            given.refuse(name, "a value, or an attribute: {type: Property, value: …}")
    try:
        document = decode_fragment(dict(given.of), names, nulls=False)
    except NgsiError as refusal:
        raise BadMapping(f"{given.where}{refusal.pointer.replace('/', '.')}: {refusal}") from refusal
    return document


def _attributes(body: Members, name: str, names: ActiveContext) -> list[AttributeRule]:
    given = body.of[name]
    if isinstance(given, str):
        given = {"from": given}
    several = given if isinstance(given, list) else [given]
    where = f"{body.where}.{name}"
    rules = [_attribute(name, members(one, where).only(_ATTRIBUTE), names) for one in several]
    datasets = [None if rule.dataset is None else rule.dataset.text for rule in rules]
    if len(set(datasets)) < len(datasets) or not rules:
        body.refuse(name, "several instances of an attribute differ by their `dataset`")
    return rules


def _attribute(name: str, given: Members, names: ActiveContext) -> AttributeRule:
    kinds = sorted(_KINDS & given.of.keys())
    if len(kinds) > 1:
        given.refuse(kinds[1], f"not beside {kinds[0]}")
    kind = _KIND_OF.get(kinds[0] if kinds else "", "Property")
    places = given.texts("geo")
    parts = _members(given.below("members"))
    sources = given.texts("from")
    if sum(map(bool, (places, parts, sources))) > 1 or not (places or parts or sources or kind == "Relationship"):
        given.refuse("from", "the quantity that it is taken from, or `geo`, `members` or `relationship` instead of it")
    if len(places) > 1 and len(places) not in _POINT:
        given.refuse("geo", "one quantity that is a geometry, or [longitude, latitude]")
    rule = _rule(given)
    if len(places) > 1 and not rule.reads:
        rule = Rule(reads="number", times=rule.times, plus=rule.plus, digits=rule.digits)
    iri = _iri(given, "", name, names)
    try:
        decode_fragment({name: dict(_EXAMPLES[kind])}, names, nulls=False)
    except NgsiError as refusal:
        raise BadMapping(f"{given.where}: {refusal}") from refusal
    return AttributeRule(
        name,
        iri,
        names,
        kind,
        sources,
        rule,
        parts,
        places,
        _template(given, "relationship", value=True) if kind == "Relationship" else None,
        _language(given),
        _template(given, "dataset") if "dataset" in given.of else None,
        given.flag("observed", default=True),
    )


_KIND_OF: Final[dict[str, Kind]] = {
    "vocab": "VocabProperty",
    "language": "LanguageProperty",
    "json": "JsonProperty",
    "list": "ListProperty",
    "geo": "GeoProperty",
    "relationship": "Relationship",
}


_EXAMPLES: Final[dict[Kind, dict[str, Json]]] = {
    "Property": {"type": "Property", "value": 1},
    "VocabProperty": {"type": "VocabProperty", "vocab": "a"},
    "LanguageProperty": {"type": "LanguageProperty", "languageMap": {"en": "a"}},
    "JsonProperty": {"type": "JsonProperty", "json": {"a": 1}},
    "ListProperty": {"type": "ListProperty", "valueList": [1]},
    "GeoProperty": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [0, 0]}},
    "Relationship": {"type": "Relationship", "object": "urn:x:y"},
}
"""Of each kind one: the broker says whether an attribute of this name can be of it."""


def _members(given: Members) -> dict[str, Member]:
    found = {}
    for name, one in given.of.items():
        body = members({"from": one} if isinstance(one, str) else one, f"{given.where}.{name}").only(_VALUE)
        sources = body.texts("from")
        if not sources or any(one.startswith("@") for one in sources):
            body.refuse("from", "the quantity that it is taken from")
        found[name] = Member(sources, _rule(body))
    return found


def _template(given: Members, name: str, *, value: bool = False) -> Template:
    try:
        template = read_template(given.text(name))
    except ValueError as refusal:
        given.refuse(name, str(refusal))
    if "value" in template.names and not value:
        given.refuse(name, "{value} is known to `relationship` only")
    return template


def _language(given: Members) -> str:
    if "language" in given.of and not is_language(given.text("language")):
        given.refuse("language", "a tag such as ja or en")
    return given.text("language", "")


def _rule(given: Members) -> Rule:
    reads = given.text("as", "")
    if reads and reads not in CASTS:
        given.refuse("as", f"one of {', '.join(sorted(CASTS))}")
    for name in ("unit", "from_unit"):
        if name in given.of and given.text(name) not in units():
            given.refuse(name, "a UN/CEFACT code of datamodels/units.tsv, such as KWH, WTT, CEL, C62")
    ignored = given.row("ignore") if isinstance(given.of.get("ignore", []), list) else [given.of["ignore"]]
    times = given.number("times")
    return Rule(
        cast("As", reads),
        frozenset(map(key, ignored)),
        given.below("words").of if "words" in given.of else None,
        given.of.get("otherwise"),
        1 if times is None else times,
        given.number("plus") or 0,
        given.text("unit", ""),
        given.text("from_unit", ""),
        given.whole("round", 0, _DIGITS_MAX),
        given.number("least"),
        given.number("most"),
    )


def _command(given: Members, entities: tuple[EntityRule, ...]) -> CommandRule:
    of = entities[0]
    if "type" in given.of:
        wanted = given.text("type")
        found = [one for one in entities if _iri(given, "type", wanted, one.names) == one.type]
        if not found:
            given.refuse("type", "the type of one of the entities above")
        of = found[0]
    term = given.text("attribute")
    rule = _rule(given)
    return CommandRule(
        _iri(given, "attribute", term, of.names),
        term,
        given.text("name"),
        of.type,
        of.names,
        rule.unit,
        rule.times,
        rule.plus,
        rule.words,
        {name: one for name, one in given.of.items() if name not in _COMMAND},
    )
