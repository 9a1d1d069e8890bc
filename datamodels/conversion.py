"""Values that came in another unit than their model's, brought into it. Pure.

{"value": 1.5, "unitCode": "KWT"}  ->  {"value": 1500, "unitCode": "WTT"}     where the model says WTT and takes KWT
"""

from __future__ import annotations

from broker.model.entity import Document
from broker.model.values import Json
from datamodels.source import Attribute, Model
from datamodels.units import NoConversion, convert


def in_own_units(document: Document, model: Model) -> Document:
    """The document with every value in its attribute's own unit; itself where they are so already."""
    changed = {
        one.iri: found
        for one in model.attributes.values()
        if one.units and one.iri in document and (found := _member(document[one.iri], one)) is not document[one.iri]
    }
    return {**document, **changed} if changed else document


def _member(held: Json, attribute: Attribute) -> Json:
    if isinstance(held, list):
        made = [_instance(one, attribute) for one in held]
        return held if all(new is old for new, old in zip(made, held, strict=True)) else made
    return _instance(held, attribute)


def _instance(instance: Json, attribute: Attribute) -> Json:
    if not isinstance(instance, dict) or instance.get("unitCode") not in attribute.units:
        return instance
    unit, value = str(instance["unitCode"]), instance.get("value")
    try:
        converted = (
            [_value(one, unit, attribute) for one in value]
            if isinstance(value, list)
            else _value(value, unit, attribute)
        )
    except NoConversion:
        return instance  # what no table of ours converts stays as it came
    return {**instance, "value": converted, "unitCode": attribute.unit}


def _value(value: Json, unit: str, attribute: Attribute) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoConversion(f"{unit} is not of a number")
    return convert(value, unit, attribute.unit)
