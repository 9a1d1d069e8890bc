"""The texts of this room, Japanese and English, and labels of models."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from broker.model.entity import as_list
from broker.model.values import Json
from datamodels.library import Library
from datamodels.source import Attribute, Model

DEF: Final = "https://misono.example/def/"


@cache
def texts(name: str = "texts") -> Mapping[str, Any]:
    """A table beside this file."""
    return tomllib.loads((files("services.store") / f"{name}.toml").read_text(encoding="utf-8"))


def kept_types() -> dict[str, Mapping[str, Any]]:
    """Types (IRIs) of entities that outlive an erasure: `{"years": 3, "ja": …, "en": …}`."""
    return {DEF + name: row for name, row in texts()["kept"].items()}


class Words:
    """Labels of types and attributes, as the installed models have them."""

    def __init__(self, library: Callable[[], Library]) -> None:
        self._library = library

    def model(self, types: Json) -> Model | None:
        """The first model that somebody has of these types."""
        found = (self._library().model(iri) for iri in as_list(types))
        return next((one[1] for one in found if one is not None), None)

    def attribute(self, types: Json, iri: str) -> Attribute | None:
        """What a model says of an attribute."""
        model = self.model(types)
        held = () if model is None else model.attributes.values()
        return next((one for one in held if one.iri == iri), None)

    def type_label(self, types: Json) -> dict[str, Json]:
        """`{"ja": "心拍数の観測", "en": "Heart rate observation"}`; of what nobody has a model of, its name."""
        model = self.model(types)
        name = short(as_list(types)[0])
        return {"ja": name, "en": name} if model is None else {"ja": model.label.ja, "en": model.label.en}

    def label(self, types: Json, iri: str) -> dict[str, Json]:
        """The same of an attribute."""
        found = self.attribute(types, iri)
        if found is None:
            return {"ja": short(iri), "en": short(iri)}
        return {"ja": found.label.ja, "en": found.label.en}

    def sensitivity(self, types: Json, iri: str) -> str:
        """`none`, `personal` or `special-care`; `personal` of what nobody has a model of."""
        found = self.attribute(types, iri)
        return "personal" if found is None else found.personal


def short(iri: str) -> str:
    """The last part of an IRI."""
    return iri.rstrip("/").rpartition("/")[2].rpartition("#")[2]
