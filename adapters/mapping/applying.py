"""Readings to fragments, as a mapping says. Pure, and quick: this runs for every message.

apply(mapping, readings, device, received_at).fragments  ->  ({"id": "urn:…", "type": IRI, IRI: {…}},)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

from adapters.device import Device
from adapters.frame import BadFrame
from adapters.mapping.known import Known
from adapters.mapping.plan import READING_QUALITY, AttributeRule, DeviceMapping, EntityRule, When
from adapters.mapping.templates import Template
from adapters.mapping.values import INSTANTS, NOT_SAID, LeftOut, Why, key
from adapters.readings import Reading, Readings
from broker.decode.entity import decode_fragment
from broker.errors import BadRequestData, NgsiError
from broker.model.entity import VALUE_MEMBER
from broker.model.names import URI_CHARS_MAX
from broker.model.values import NGSI_LD_NULL, Instant, Json, to_text
from broker.ports.hub import Fragment

_LONGITUDE, _LATITUDE = 180, 90
_UNCERTAIN: Final[dict[str, Json]] = {"type": "Property", "value": "uncertain"}


@dataclass(frozen=True, slots=True)
class Left:
    """A reading, or an entity, that became nothing: `Left("E7", "bad", "…")`."""

    quantity: str
    why: Why
    message: str


@dataclass(frozen=True, slots=True)
class Made:
    """Fragments in the order in which they are to be written, with IRIs as names; and what was left out."""

    fragments: tuple[Fragment, ...]
    left_out: tuple[Left, ...] = ()


def apply(mapping: DeviceMapping, readings: Readings, device: Device, received_at: Instant) -> Made:
    """The fragments that a device's readings become.

    A quantity that is there several times (30-minute values of a day) makes several fragments of its entity, the
    oldest first. No fragments come of readings that only say that nothing is known (`bad`, `ignored`).

    Raises BadFrame: `unmapped` where no rule takes a quantity of it, or why all that one takes had to be left out
    (`wrong_type`, `unit`, `unknown_word`, `out_of_range`, `incomplete`, `no_id`).
    """
    left: list[Left] = []
    made: list[Fragment] = []
    whole = readings.at or received_at
    for wave in _waves(readings.readings):
        known = Known(readings, device)
        made += _Message(mapping, readings, device, received_at, left, wave, known, whole).fragments()
    if not made and not left:
        left += _ignored(mapping, readings)
    if made or (left and all(one.why in NOT_SAID for one in left)):
        return Made(tuple(made), tuple(left))
    for one in left:
        if one.why not in NOT_SAID:
            raise BadFrame(one.why, f"{readings.device}: {one.message}")
    quantities = ", ".join(sorted({one.quantity for one in readings.readings})[:10])
    raise BadFrame("unmapped", f"{readings.device}: mapping {mapping.name} takes none of {quantities or 'no reading'}")


def _ignored(mapping: DeviceMapping, readings: Readings) -> list[Left]:
    """All readings, where the mapping ignores every one of them."""
    quantities = [one.quantity for one in readings.readings]
    if mapping.ignore is None or not all(map(mapping.ignore.match, quantities)):
        return []
    return [Left(one, "ignored", "the mapping ignores it") for one in quantities]


def _waves(readings: tuple[Reading, ...]) -> Iterator[dict[str, Reading]]:
    """Readings by quantity; where one comes again, what is older in a dictionary before."""
    whole = {one.quantity: one for one in readings}
    if len(whole) == len(readings):
        yield whole
        return
    wave: dict[str, Reading] = {}
    for one in sorted(readings, key=lambda reading: reading.at or 0):
        if one.quantity in wave:
            yield wave
            wave = {}
        wave[one.quantity] = one
    yield wave


@dataclass(slots=True)
class _Message:
    """One message while it is mapped; `by` are its readings by quantity, `whole` the instant of those without one."""

    mapping: DeviceMapping
    readings: Readings
    device: Device
    received_at: Instant
    left: list[Left]
    by: dict[str, Reading]
    known: Known
    whole: Instant
    texts: dict[Instant, str] = field(default_factory=dict)

    def fragments(self) -> Iterator[Fragment]:
        """Those of the entities that the message is about."""
        for place, rule in enumerate(self.mapping.entities):
            if rule.when is not None and not self._is_about(rule.when):
                continue
            try:
                id_ = self._id(rule, first=place == 0)
            except LeftOut as reason:
                if self.by.keys() & rule.by_quantity.keys():
                    self.left.append(Left("", reason.why, str(reason)))
                continue
            self.known.say("entity", self.known.get("entity") or id_)
            attributes = self._attributes(rule)
            if attributes:
                type_ = (place == 0 and self.device.entity_type) or rule.type
                yield {**rule.fixed, **self.device.fixed, **attributes, "id": id_, "type": type_}

    def _is_about(self, when: When) -> bool:
        if when.part is not None and not when.part.match(self.readings.part):
            return False
        if not when.has <= self.by.keys() or (when.any and not when.any & self.by.keys()):
            return False
        return all(pattern.match(self.known.get(name, "")) for name, pattern in when.facts.items())

    def _id(self, rule: EntityRule, *, first: bool) -> str:
        if first and self.device.entity_id:
            return self.device.entity_id
        try:
            made = rule.id.fill(self.known)
        except KeyError as missing:
            raise LeftOut("no_id", f"no {missing.args[0]!r} for the id {rule.id.text}") from missing
        if len(made) > URI_CHARS_MAX:
            raise LeftOut("no_id", f"the id {made[:100]}… is too long")
        return made

    def _attributes(self, rule: EntityRule) -> dict[str, Json]:
        made: dict[str, Json] = {}
        known = rule.by_quantity
        for one in dict.fromkeys([one for name in self.by if name in known for one in known[name]]):
            self._add(made, one)
        if rule.others:
            self._others(made, rule)
        if made:
            for one in rule.always:
                self._add(made, one)
        return made

    def _add(self, made: dict[str, Json], rule: AttributeRule) -> None:
        try:
            instance = self._instance(rule)
        except LeftOut as reason:
            if reason.why == "incomplete" and not rule.triggers:
                return  # an option that this device has not
            self.left.append(Left(_first(rule, self.by), reason.why, str(reason)))
            return
        held = made.get(rule.iri)
        if held is None:
            made[rule.iri] = instance
        else:
            made[rule.iri] = [*held, instance] if isinstance(held, list) else [held, instance]

    def _instance(self, rule: AttributeRule) -> Json:
        """The attribute instance. Raises LeftOut."""
        if rule.members or rule.places:
            reading, value = self._composed(rule)
        elif rule.sources:
            reading = self._source(rule.sources)
            value = rule.rule.value(reading)
        else:
            reading, value = None, None
        instance = self._of_kind(rule, value)
        if reading is None:
            return instance
        kind = type(value)
        if rule.kind == "Property" and (kind is float or kind is int):
            unit = rule.rule.unit_of(reading)
            if unit:
                instance["unitCode"] = unit
        if rule.observed:
            instance["observedAt"] = self._text(self._moment(reading))
        if reading.quality == "uncertain":
            instance[READING_QUALITY] = _UNCERTAIN
        return instance

    def _of_kind(self, rule: AttributeRule, value: Json) -> dict[str, Json]:
        if rule.simple and _is_scalar(value):
            return {"type": "Property", "value": value}
        if rule.kind == "Relationship":
            value = self._target(rule, value)
        elif rule.kind == "LanguageProperty":
            value = {rule.language: value}
        elif rule.kind == "ListProperty" and not isinstance(value, list):
            value = [value]
        instance: dict[str, Json] = {"type": rule.kind, VALUE_MEMBER[rule.kind]: value}
        if rule.dataset is not None:
            instance["datasetId"] = self._filled(rule.dataset)
        return instance if _is_plain(rule, value) else _decoded(rule, instance)

    def _target(self, rule: AttributeRule, value: Json) -> str:
        assert rule.link is not None
        self.known.say("value", key(value))
        return self._filled(rule.link)

    def _filled(self, template: Template) -> str:
        try:
            return template.fill(self.known)
        except KeyError as missing:
            raise LeftOut("incomplete", f"no {missing.args[0]!r} for {template.text}") from missing

    def _composed(self, rule: AttributeRule) -> tuple[Reading, Json]:
        """An object of its members, or a point, and the reading that tells when and how sure."""
        if rule.places:
            found = [self._source((name,)) for name in rule.places]
            return found[0], _point(found, rule)
        value: dict[str, Json] = {}
        taken: list[Reading] = []
        left: list[LeftOut] = []
        for name, member in rule.members.items():
            if any(one in self.by for one in member.sources):
                try:
                    reading = self._source(member.sources)
                    value[name] = member.rule.value(reading)
                    taken.append(reading)
                except LeftOut as reason:  # one phase that is not known does not hide the others
                    left.append(reason)
        if not taken:
            raise left[0]
        self.left += [Left(rule.name, one.why, str(one)) for one in left]
        return taken[0], value

    def _source(self, names: tuple[str, ...]) -> Reading:
        """The first that is there. Raises LeftOut where its quality is bad, or none is there."""
        for name in names:
            reading = self.by.get(name)
            if reading is None and name[0] == "@":
                reading = self._own(name)
            if reading is not None:
                if reading.quality == "bad":
                    raise LeftOut("bad", f"{name} is of bad quality")
                return reading
        raise LeftOut("incomplete", f"no {' or '.join(names)} beside what is there")

    def _own(self, name: str) -> Reading | None:
        if name == "@observedAt":
            return Reading(name, self._text(self._observed_at()))
        if name == "@receivedAt":
            return Reading(name, self._text(self.received_at))
        text = self.known.get(name[1:], "")
        return Reading(name, text) if text else None

    def _observed_at(self) -> Instant:
        """The newest of the message: what an attribute that tells when says."""
        return max([self.whole if one.at is None else one.at for one in self.by.values()])

    def _moment(self, reading: Reading) -> Instant:
        if reading.quantity[:1] == "@":
            return self._observed_at()
        return self.whole if reading.at is None else reading.at

    def _text(self, moment: Instant) -> str:
        found = self.texts.get(moment)
        if found is None:
            found = self.texts[moment] = to_text(moment)
        return found

    def _others(self, made: dict[str, Json], rule: EntityRule) -> None:
        for name in self.by:
            if name not in rule.by_quantity:
                try:
                    iri = rule.names.expand(name)
                except BadRequestData:
                    continue  # no name that an attribute can have: the preview shows it
                if iri not in made:
                    self._add(made, AttributeRule(name, iri, rule.names, sources=(name,), doubtful=True))


def _first(rule: AttributeRule, by: dict[str, Reading]) -> str:
    return next((one for one in (*rule.sources, *rule.places) if one in by), rule.name)


def _is_plain(rule: AttributeRule, value: Json) -> bool:
    """Whether it is seen at once that the broker takes it; else its own reader is asked, which takes its time."""
    if rule.doubtful:
        return False
    if rule.kind == "Property":
        if isinstance(value, dict):
            return rule.rule.reads in INSTANTS or bool(rule.members and all(map(_is_scalar, value.values())))
        return _is_scalar(value)
    return rule.kind == "Relationship" and isinstance(value, str) and len(value) <= URI_CHARS_MAX


def _is_scalar(value: Json) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and value != NGSI_LD_NULL)


def _decoded(rule: AttributeRule, instance: dict[str, Json]) -> dict[str, Json]:
    """The instance as the broker itself reads it: terms of vocabularies are IRIs then. Raises LeftOut."""
    try:
        document = decode_fragment({rule.name: instance}, rule.names, nulls=False)
    except NgsiError as refusal:
        raise LeftOut("wrong_type", f"{rule.name}: {refusal}") from refusal
    return cast("dict[str, Json]", document[rule.iri])


def _point(found: list[Reading], rule: AttributeRule) -> Json:
    """A GeoJSON point, or the geometry that the device says itself. Raises LeftOut."""
    if len(found) == 1:
        return found[0].value
    numbers = [rule.rule.value(one) for one in found]
    longitude, latitude = cast("list[float]", numbers[:2])
    if abs(longitude) > _LONGITUDE or abs(latitude) > _LATITUDE:
        raise LeftOut("out_of_range", f"{rule.name}: {longitude}, {latitude} is no longitude and latitude")
    return {"type": "Point", "coordinates": numbers}
