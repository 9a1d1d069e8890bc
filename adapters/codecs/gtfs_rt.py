"""GTFS Realtime 2.0: where vehicles are, how late trips are, and what passengers are told of.

    vehicle  part: the vehicle   latitude longitude bearing speed odometer stop_id stop_sequence status occupancy …
    trip     part: the trip      delay stop_id stop_sequence arrival_at departure_at schedule start_date
    alert    part: the alert     cause effect severity header description url active_from active_until routes stops

`facts["feed"]` is one of these three words; the other facts are route, trip, vehicle. Enumerations are the words of the
published schema (`IN_TRANSIT_TO`). https://gtfs.org/documentation/realtime/reference/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from struct import pack
from typing import Any, Final

from google.protobuf.message import DecodeError, EncodeError
from google.transit import gtfs_realtime_pb2 as schema

from adapters.codecs.feeds import EACH, Piece, check_id, of_seconds, short
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

_LISTED_MAX: Final = 100
_LATITUDE_MAX, _LONGITUDE_MAX = 90.0, 180.0


class GtfsRealtime:
    """See the module."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """One Readings an entity of the feed. Raises BadFrame."""
        feed = _parse(frame.payload)
        published = of_seconds(feed.header.timestamp)
        return [one for entity in feed.entity for one in _of_entity(entity, frame.device, published)]


def make_codec(settings: object) -> GtfsRealtime:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return GtfsRealtime()


def cut(payload: bytes, channel: str) -> Sequence[Piece]:
    """The feed in pieces of EACH entities."""
    try:
        feed = _parse(payload)
        pieces = []
        for begin in range(0, len(feed.entity), EACH):
            piece = schema.FeedMessage()
            piece.header.CopyFrom(feed.header)
            piece.entity.extend(feed.entity[begin : begin + EACH])
            pieces.append(Piece(piece.SerializeToString(), channel))
    except (BadFrame, EncodeError):
        return [Piece(payload, channel)]
    return pieces


def _parse(payload: bytes) -> Any:  # noqa: ANN401  protobuf's classes are made when they are imported
    if not payload:
        raise BadFrame("truncated", "an empty message")
    feed = schema.FeedMessage()
    try:
        feed.ParseFromString(payload)
    except (DecodeError, RecursionError) as error:
        raise BadFrame("truncated", f"no FeedMessage of GTFS Realtime: {error}") from None
    if not feed.IsInitialized():
        raise BadFrame("truncated", "a FeedMessage without its header, or an entity without its id")
    _check_texts(feed)
    return feed


def _check_texts(message: Any) -> None:  # noqa: ANN401
    """Raise BadFrame where a text is none: protobuf gives it as bytes then."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if field.message_type is not None:
                _check_texts(one)
            elif isinstance(one, bytes):
                raise BadFrame("wrong_type", f"{field.name} is no text in UTF-8")


def _of_entity(entity: Any, device: str, published: Instant | None) -> Iterator[Readings]:  # noqa: ANN401
    if entity.is_deleted:
        return
    if entity.HasField("vehicle"):
        yield _vehicle(entity, device, published)
    if entity.HasField("trip_update"):
        yield _trip(entity, device, published)
    if entity.HasField("alert"):
        yield _alert(entity, device, published)


def _vehicle(entity: Any, device: str, published: Instant | None) -> Readings:  # noqa: ANN401
    said = entity.vehicle
    found = [*_position(said.position)] if said.HasField("position") else []
    found += _words(said, ("current_status", "status"), ("congestion_level",) * 2, ("occupancy_status", "occupancy"))
    found += _plain(said, ("stop_id", ""), ("current_stop_sequence", ""), ("occupancy_percentage", "P1"))
    found += [*_said("label", said.vehicle.label), *_said("trip_id", said.trip.trip_id)]
    found += _said("route_id", said.trip.route_id)
    part = check_id(said.vehicle.id or entity.id)
    facts = {"feed": "vehicle", "vehicle": part, "trip": said.trip.trip_id, "route": said.trip.route_id}
    return Readings(device, tuple(found), part, of_seconds(said.timestamp) or published, facts=facts)


def _position(position: Any) -> Iterator[Reading]:  # noqa: ANN401
    lat, lon = _float(position.latitude), _float(position.longitude)
    if not (abs(lat) <= _LATITUDE_MAX and abs(lon) <= _LONGITUDE_MAX):
        raise BadFrame("wrong_type", f"{lat}, {lon} is no place on Earth")
    if lat or lon:  # both 0: the vehicle has no fix
        yield Reading("latitude", lat)
        yield Reading("longitude", lon)
    for name, unit in (("bearing", "DD"), ("speed", "MTS"), ("odometer", "MTR")):
        if position.HasField(name):
            yield Reading(name, _float(getattr(position, name)), unit)


def _float(value: float) -> float:
    """A float of 32 bits as it was meant: 35.8715 and not 35.87149810791016."""
    if not math.isfinite(value):
        raise BadFrame("wrong_type", f"{value} is no number")
    packed = pack("f", value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return next(found for found in map(float, texts) if pack("f", found) == packed)


def _trip(entity: Any, device: str, published: Instant | None) -> Readings:  # noqa: ANN401
    said = entity.trip_update
    found = [*_said("route_id", said.trip.route_id), *_said("start_date", said.trip.start_date)]
    found += _words(said.trip, ("schedule_relationship", "schedule"))
    found += _plain(said, ("delay", "SEC"))
    if said.stop_time_update:
        found += _next_stop(said.stop_time_update[0], delayed=said.HasField("delay"))
    part = check_id(said.trip.trip_id or entity.id)
    facts = {"feed": "trip", "trip": part, "route": said.trip.route_id, "vehicle": said.vehicle.id}
    return Readings(device, tuple(found), part, of_seconds(said.timestamp) or published, facts=facts)


def _next_stop(update: Any, *, delayed: bool) -> Iterator[Reading]:  # noqa: ANN401
    yield from _said("stop_id", update.stop_id)
    yield from _plain(update, ("stop_sequence", ""))
    for name in ("arrival", "departure"):
        if update.HasField(name):
            event = getattr(update, name)
            at = of_seconds(event.time) if event.time else None
            if at is not None:
                yield Reading(f"{name}_at", event.time)
            if event.HasField("delay") and not delayed:
                delayed = True
                yield Reading("delay", event.delay, "SEC")


def _alert(entity: Any, device: str, published: Instant | None) -> Readings:  # noqa: ANN401
    said = entity.alert
    found = [*_words(said, ("cause",) * 2, ("effect",) * 2, ("severity_level", "severity"))]
    for name, into in (("header_text", "header"), ("description_text", "description"), ("url", "url")):
        texts = getattr(said, name).translation[:_LISTED_MAX]
        if texts:
            found.append(Reading(into, {one.language or "@none": short(one.text) for one in texts}))
    if said.active_period:
        begins, ends = said.active_period[0].start, said.active_period[-1].end
        found += [Reading("active_from", begins)] if of_seconds(begins) else []
        found += [Reading("active_until", ends)] if of_seconds(ends) else []
    for name, into in (("route_id", "routes"), ("stop_id", "stops"), ("agency_id", "agencies")):
        ids: list[Json] = sorted({getattr(one, name) for one in said.informed_entity[:_LISTED_MAX]} - {""})
        found += [Reading(into, ids)] if ids else []
    return Readings(device, tuple(found), check_id(entity.id), published, facts={"feed": "alert"})


def _said(name: str, text: str) -> list[Reading]:
    return [Reading(name, short(text))] if text else []


def _plain(message: Any, *fields: tuple[str, str]) -> list[Reading]:  # noqa: ANN401
    return [Reading(name, getattr(message, name), unit) for name, unit in fields if message.HasField(name)]


def _words(message: Any, *fields: tuple[str, str]) -> list[Reading]:  # noqa: ANN401
    """Enumerations as their words; those that a message says nothing of are left out."""
    found = []
    for name, into in fields:
        if message.HasField(name):
            values = message.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number
            found.append(Reading(into, values[getattr(message, name)].name))
    return found
