"""A small city to try things on, written into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONTEXT = "https://tsubame.example/contexts/tsubame-v1.jsonld"
HALL = {
    "id": "urn:ngsi-ld:Building:tsubame:hall",
    "type": "Building",
    "name": {"type": "LanguageProperty", "languageMap": {"ja": "市役所", "en": "City hall"}},
    "category": {"type": "Property", "value": ["civic"]},
    "address": {"type": "Property", "value": {"addressCountry": "JP", "addressLocality": "燕市"}},
    "floorsAboveGround": {"type": "Property", "value": 4},
    "@context": CONTEXT,
}
HEAD = f"""
name: tsubame
version: 1.0.0
title: {{ja: 燕, en: Tsubame}}
description: {{ja: 試しの街, en: A city to try}}
licence: Apache-2.0
context: {CONTEXT}
packages: {{sdm-building: "1"}}
"""
TERMS = {
    "Building": "https://smartdatamodels.org/dataModel.Building/Building",
    "name": "https://smartdatamodels.org/name",
    "category": "https://smartdatamodels.org/dataModel.Building/category",
    "address": "https://smartdatamodels.org/address",
    "floorsAboveGround": "https://smartdatamodels.org/dataModel.Building/floorsAboveGround",
}


def write_city(home: Path, *entities: dict[str, Any], head: str = HEAD, terms: dict[str, str] | None = None) -> Path:
    """The folder of a city with these entities; with the hall where none is given."""
    (home / "data").mkdir(parents=True)
    (home / "city.yaml").write_text(head)
    (home / "context.jsonld").write_text(json.dumps({"@context": TERMS if terms is None else terms}))
    (home / "contexts.tsv").write_text(f"{CONTEXT}\tcontext.jsonld\n")
    (home / "data/buildings.jsonld").write_text(json.dumps(entities or [HALL]))
    return home
