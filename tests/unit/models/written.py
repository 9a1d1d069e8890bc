"""Packages written into a folder for a test: `write(folder, "city", models={"Lamp": …})`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEXT = {"ja": "例", "en": "Example"}
TEXTS = {"label": TEXT, "description": TEXT}
LAMP: dict[str, Any] = {
    "power": {"type": "number", "unit": "WTT", "units": ["KWT"], "least": 0, "presence": "required"},
    "lit": {"type": "boolean"},
}


def model(name: str, attributes: Mapping[str, Mapping[str, Any]], **members: Any) -> dict[str, Any]:
    """The body of models/NAME.yaml."""
    told = {each: {**TEXTS, **body} if "use" not in body else body for each, body in attributes.items()}
    return {"model": name, "version": "1.0.0", "label": TEXT, "description": TEXT, "attributes": told, **members}


def write(folder: Path, name: str, /, **files: Any) -> Path:
    """A package: `models` maps names to attributes, `attributes` and `vocabularies` files; others are its head's."""
    home = folder / name
    (home / "models").mkdir(parents=True, exist_ok=True)
    for each, attributes in files.pop("models", {"Lamp": LAMP}).items():
        body = attributes if "model" in attributes else model(each, attributes)
        _dump(home / "models" / f"{each}.yaml", body)
    for file in ("attributes", "vocabularies"):
        if file in files:
            _dump(home / f"{file}.yaml", files.pop(file))
    head = {
        "name": name,
        "version": "1.0.0",
        "title": TEXT,
        "description": TEXT,
        "licence": "Apache-2.0",
        "namespace": f"https://city.example/{name}/",
        "context": f"https://city.example/contexts/{name}-v1.jsonld",
    }
    _dump(home / "package.yaml", {**head, **files})
    return home


def _dump(path: Path, body: Any) -> None:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")  # JSON is YAML
