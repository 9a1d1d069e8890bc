"""A mapping tried on a frame: what becomes of it, shown whole; and the samples inside of mappings' files. Pure.

    samples:
      - about: a smart meter answers
        codec: {kind: echonet}                  # else the file's `codec`, else that of an adapter that uses the mapping
        device: {id: h1-meter, options: {…}, entity_id: "urn:…", group: …}
        frame: {hex: "1081…", channel: "0288-1", device: h1-meter}     # recorded.py says all members
        readings: {device: h1-meter, readings: [{quantity: power, value: 300, unit: WTT}]}   # instead of `frame`
        received_at: 2026-11-23T03:00:00Z
        entities: [{id: "urn:…", type: ACMeasurement, totalActivePower: 300}]   # all, simplified, whole
        left_out: {humidity: bad}               # where some are
        refused: unmapped                       # why it, or a part of it, is quarantined

An attribute of an expected entity that is an instance (`{type: Property, unitCode: WTT}`) is compared with the
normalized one, in the members that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import Codec
from adapters.mapping.applying import Left, apply
from adapters.mapping.plan import DeviceMapping, Sample
from adapters.readings import Readings
from adapters.recorded import BadRecord, frame_of, readings_of
from broker.encode.entity import Representation, encode_document
from broker.ldcontext.active import ActiveContext
from broker.model.entity import VALUE_MEMBER
from broker.model.values import Instant, Json, to_instant
from broker.ports.hub import Fragment

CodecOf = Callable[[Mapping[str, Json]], Codec]
"""A codec of its settings with their `kind`. Raises BadSettings."""
_SAMPLE: Final = frozenset(
    {"about", "codec", "device", "frame", "readings", "received_at", "entities", "left_out", "refused"}
)
_DEVICE: Final = frozenset({"id", "options", "entity_id", "entity_type", "group", "adapter"})
_RECEIVED_AT: Final = "2026-11-23T03:00:00Z"
_NORMALIZED: Final = Representation()
_SIMPLIFIED: Final = Representation("simplified")


class BadSample(ValueError):
    """A sample that cannot be tried; the message says why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What becomes of a frame: its readings, the fragments and the entities that they are, and all that is lost.

    `unmapped` are quantities that no rule takes, `refused` the reason of a BadFrame and `message` its text.
    """

    readings: tuple[Readings, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    normalized: tuple[dict[str, Json], ...] = ()
    simplified: tuple[dict[str, Json], ...] = ()
    left_out: tuple[Left, ...] = ()
    unmapped: tuple[str, ...] = ()
    refused: str = ""
    message: str = ""


def preview(mapping: DeviceMapping, codec: Codec, frame: Frame, device: Device) -> Shown:
    """What the codec and the mapping make of a frame."""
    try:
        readings = tuple(codec.decode(frame))
    except BadFrame as refusal:
        return Shown(refused=refusal.reason, message=str(refusal))
    return show(mapping, readings, device, frame.received_at)


def show(mapping: DeviceMapping, readings: Sequence[Readings], device: Device, received_at: Instant) -> Shown:
    """What the mapping makes of readings; a BadFrame of one says nothing of the others."""
    fragments: list[Fragment] = []
    left: list[Left] = []
    refused, message = "", ""
    for one in readings:
        if one.answers is not None:
            continue
        try:
            made = apply(mapping, one, device, received_at)
        except BadFrame as refusal:
            refused, message = refusal.reason, str(refusal)
            continue
        fragments += made.fragments
        left += made.left_out
    return Shown(
        tuple(readings),
        tuple(fragments),
        tuple(encode_document(dict(one), _NORMALIZED, _names(mapping, one)) for one in fragments),
        tuple(encode_document(dict(one), _SIMPLIFIED, _names(mapping, one)) for one in fragments),
        tuple(left),
        tuple(sorted(_unmapped(mapping, readings))),
        refused,
        message,
    )


def try_sample(mapping: DeviceMapping, sample: Sample, codec: Mapping[str, Json], make: CodecOf) -> list[str]:
    """What is not as the sample says, a line each; `codec` are settings where neither it nor its file has some.

    Raises BadSample, BadSettings.
    """
    shown = shown_of(mapping, sample, codec, make)
    body = sample.body
    wanted = str(body.get("refused", ""))
    if shown.refused != wanted:
        return [f"refused: {shown.refused or 'not'}, not {wanted or 'taken'} {shown.message}".rstrip()]
    faults = list(_compared(_rows(body, "entities"), shown))
    left = {one.quantity: one.why for one in shown.left_out}
    expected = body.get("left_out", {})
    if left != expected:
        faults.append(f"left_out: {left}, not {expected}")
    return faults


def shown_of(mapping: DeviceMapping, sample: Sample, codec: Mapping[str, Json], make: CodecOf) -> Shown:
    """What becomes of a sample's frame. Raises BadSample, BadSettings."""
    body = sample.body
    unknown = body.keys() - _SAMPLE
    if unknown:
        raise BadSample(f"{min(unknown)}: not known; there are {', '.join(sorted(_SAMPLE))}")
    if ("frame" in body) == ("readings" in body):
        raise BadSample("frame: the frame as a device sends it, or `readings`")
    if not body.keys() & {"entities", "refused"}:
        raise BadSample("entities: those that come of it, or `refused`, the reason")
    at = to_instant(str(body.get("received_at", _RECEIVED_AT)))
    if at is None:
        raise BadSample(f"received_at: an instant such as {_RECEIVED_AT}")
    try:
        if "readings" in body:
            readings = readings_of(body["readings"])
            return show(mapping, [readings], _device(body, readings.device), at)
        given = body["frame"]
        frame = frame_of(
            {"received_at": body.get("received_at", _RECEIVED_AT), **given} if isinstance(given, dict) else given
        )
    except BadRecord as refusal:
        raise BadSample(str(refusal)) from refusal
    settings = body.get("codec") or mapping.codec or codec
    if not isinstance(settings, dict) or not settings:
        raise BadSample("codec: {kind: …}, here or at the top: no adapter of the folder uses this mapping")
    made = make(settings)
    return preview(mapping, made, frame, _device(body, _named(made, frame)))


def _named(codec: Codec, frame: Frame) -> str:
    """The device that a frame is of."""
    try:
        return frame.device or next((one.device for one in codec.decode(frame)), "")
    except BadFrame:
        return ""


def _device(body: Mapping[str, Json], name: str) -> Device:
    given = body.get("device", {})
    if isinstance(given, str):
        given = {"id": given}
    if not isinstance(given, dict) or given.keys() - _DEVICE:
        raise BadSample(f"device: members {', '.join(sorted(_DEVICE))}")
    options = given.get("options", {})
    texts = {member: str(given[member]) for member in _DEVICE - {"options", "id"} if member in given}
    return Device(
        str(given.get("id", name)),
        texts.get("adapter", "sample"),
        group=texts.get("group", ""),
        entity_id=texts.get("entity_id", ""),
        entity_type=texts.get("entity_type", ""),
        options=options if isinstance(options, dict) else {},
    )


def _compared(wanted: Sequence[Json], shown: Shown) -> Iterator[str]:
    if len(wanted) != len(shown.simplified):
        ids = ", ".join(str(one["id"]) for one in shown.simplified)
        yield f"entities: {len(shown.simplified)}, not {len(wanted)}: {ids or 'none'}"
        return
    for one, simplified, normalized in zip(wanted, shown.simplified, shown.normalized, strict=True):
        if not isinstance(one, dict):
            yield "entities: an object each"
            continue
        for name in sorted(one.keys() | simplified.keys()):
            yield from _member(f"{simplified['id']} {name}", one, simplified, normalized, name)


def _member(
    where: str, wanted: Mapping[str, Json], simplified: Mapping[str, Json], normalized: Mapping[str, Json], name: str
) -> Iterator[str]:
    expected = wanted.get(name)
    if name not in wanted:
        yield f"{where}: {simplified[name]!r}, which the sample does not expect"
    elif name not in simplified:
        yield f"{where}: not there"
    elif isinstance(expected, dict) and expected.get("type") in VALUE_MEMBER:
        instance = normalized[name]
        held = {member: instance.get(member) for member in expected} if isinstance(instance, dict) else instance
        if held != expected:
            yield f"{where}: {held!r}, not {expected!r}"
    elif simplified[name] != expected or isinstance(simplified[name], bool) != isinstance(expected, bool):
        yield f"{where}: {simplified[name]!r}, not {expected!r}"


def _rows(body: Mapping[str, Json], name: str) -> list[Json]:
    rows = body.get(name, [])
    if not isinstance(rows, list):
        raise BadSample(f"{name}: a list")
    return rows


def _names(mapping: DeviceMapping, fragment: Fragment) -> ActiveContext:
    """The names of the rule that made it: @contexts of packages that clash are never mixed."""
    found = next((rule for rule in mapping.entities if rule.type == fragment["type"]), mapping.entities[0])
    return found.names


def _unmapped(mapping: DeviceMapping, readings: Sequence[Readings]) -> set[str]:
    if any(rule.others for rule in mapping.entities):
        return set()
    taken = {name for rule in mapping.entities for name in rule.by_quantity}
    found = {reading.quantity for one in readings for reading in one.readings} - taken
    return found if mapping.ignore is None else {one for one in found if not mapping.ignore.match(one)}
