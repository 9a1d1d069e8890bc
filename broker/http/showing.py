"""How entities are shown: format, language, system attributes, GeoJSON (clauses 6.3.6, 6.3.7, 6.3.11, 6.3.15)."""

from __future__ import annotations

from functools import lru_cache

from broker.encode.entity import Format, Representation, encode_entity
from broker.encode.geojson import encode_collection, encode_feature, geometry_of
from broker.encode.versions import OWN_VERSION, amended, read_version
from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.media import GEO_JSON
from broker.http.messages import Response
from broker.http.respond import Headers, content
from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports.disclosing import leaving

_FORMATS: dict[str, Format] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}


def representation(exchange: Exchange, lang: str | None = None) -> Representation:
    """What `format`, `options` and `lang` ask for; format wins over options (clause 6.3.7)."""
    parameters = exchange.parameters
    if not parameters and lang is None:
        return _NORMALIZED
    return _representation(parameters.text("format"), parameters.words("options"), lang)


_NORMALIZED = Representation()


@lru_cache(maxsize=1024)
def _representation(format_given: str | None, options: tuple[str, ...], lang: str | None) -> Representation:
    named = [format_given] if format_given else [word for word in options if word in _FORMATS]
    formats = {_FORMATS[word] for word in named}
    if len(formats) > 1:
        raise BadRequestData(
            "options names more than one format",
            pointer="options",
            clause="6.3.7",
            remedy="one of: concise, simplified",
        )
    return Representation(formats.pop() if formats else "normalized", "sysAttrs" in options, lang)


def geometry_property(exchange: Exchange, given: str | None) -> str:
    """The IRI of the GeoProperty that becomes the geometry. Raises BadRequestData where the answer has none."""
    if given is not None and exchange.media_type != GEO_JSON:
        raise BadRequestData(
            "geometryProperty is for GeoJSON answers", pointer="geometryProperty", clause="5.7.2.4",
            remedy="Accept: application/geo+json",
        )  # fmt: skip
    return exchange.call.names.expand(given or "location", "geometryProperty")


def show_one(exchange: Exchange, entity: Entity, whole: Entity, headers: Headers = ()) -> Response:
    """One entity, as `exchange` wants it; `whole` is the entity before a projection took anything from it."""
    shown = representation(exchange, exchange.parameters.text("lang"))
    names = exchange.call.names
    if exchange.media_type == GEO_JSON:
        geometry = geometry_property(exchange, exchange.parameters.text("geometryProperty"))
        leaving((entity,), *_given(whole, geometry))
        return content(exchange, encode_feature(entity, shown, names, geometry_of(whole, geometry)), headers)
    leaving((entity,))
    body = encode_entity(entity, shown, names)
    return _in_version(exchange, [body], headers, alone=True)


def show_many(exchange: Exchange, entities: list[Entity], lang: str | None, headers: Headers = ()) -> Response:
    """A list of entities, or a FeatureCollection."""
    shown = representation(exchange, lang)
    names = exchange.call.names
    leaving(entities)
    if exchange.media_type == GEO_JSON:
        place = geometry_property(exchange, exchange.parameters.text("geometryProperty"))
        features = [encode_feature(entity, shown, names, geometry_of(entity, place)) for entity in entities]
        return content(exchange, encode_collection(features), headers)
    return _in_version(exchange, [encode_entity(entity, shown, names) for entity in entities], headers, alone=False)


def _given(whole: Entity, geometry: str) -> tuple[str, ...]:
    """The attribute that becomes the geometry, where there is one: it leaves, whatever was picked."""
    return (geometry,) if geometry in whole.document else ()


def _in_version(exchange: Exchange, bodies: list[dict[str, Json]], headers: Headers, *, alone: bool) -> Response:
    """200, or 203 where an earlier version of the standard was asked for and something had to change (4.3.6.8)."""
    wanted = exchange.preferences.version
    if wanted is None:
        return content(exchange, bodies[0] if alone else list(bodies), headers)
    version = min(read_version(wanted), OWN_VERSION)
    kept = [amended(body, version) for body in bodies]
    status = 200 if all(new is old for new, old in zip(kept, bodies, strict=True)) else 203
    return content(exchange, kept[0] if alone else list(kept), headers, status)
