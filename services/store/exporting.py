"""What a person takes along: JSON-LD, CSV, or FHIR R4 for what was observed of their health."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, VALUE_MEMBER, as_list, instances
from broker.model.subjects import JUDGED_BY
from broker.model.values import Json
from services.store.words import Words, short, texts

CORE: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
COLUMNS: Final = ("entity", "type", "attribute", "observed", "value", "unit", "now")
_OBSERVED: Final = "https://misono.example/def/dateObserved"


@dataclass(frozen=True, slots=True)
class Taken:
    """One entity as it goes along: as it is now (None: it is gone), and what it was."""

    id: str
    types: Json
    now: Mapping[str, Json] | None
    past: Mapping[str, Json] = field(default_factory=dict)

    def values(self) -> Iterator[tuple[str, dict[str, Json], bool]]:
        """Attribute, instance, and whether it is current; of what history has as well, once."""
        seen: set[tuple[str, str]] = set()
        for document, current in ((self.now or {}, True), (self.past, False)):
            for name, value in document.items():
                if name in ENTITY_MEMBERS or name in JUDGED_BY:
                    continue
                for one in instances(value):
                    key = (name, repr(sorted((member, str(one[member])) for member in one if member in _SAME)))
                    if key not in seen and "deletedAt" not in one:
                        seen.add(key)
                        yield name, one, current


_SAME: Final = frozenset({"observedAt", "datasetId", *VALUE_MEMBER.values()})


def as_json_ld(taken: Iterable[Taken]) -> dict[str, Any]:
    """A graph of the entities as they are, and of what they were: names are whole, so nobody needs our @context."""
    graph: list[Json] = []
    past: list[Json] = []
    for one in taken:
        if one.now is not None:
            graph.append(dict(one.now))
        if one.past:
            past.append(dict(one.past))
    return {"@context": CORE, "@graph": graph, "https://misono.example/def/history": past}


def as_csv(taken: Iterable[Taken], words: Words, language: str) -> str:
    """A row a value, with a heading in `ja` or `en`. A text that a table program would run is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    headings = texts()["columns"]
    writer.writerow([headings[name][language] for name in COLUMNS])
    for one in taken:
        kind = words.type_label(one.types)[language]
        for name, instance, current in one.values():
            value, observed = value_of(instance), instance.get("observedAt", "")
            cells = (
                one.id,
                kind,
                words.label(one.types, name)[language],
                observed,
                value,
                instance.get("unitCode", ""),
            )
            writer.writerow([*map(_cell, cells), "1" if current else ""])
    return "\ufeff" + out.getvalue()


def as_fhir(taken: Iterable[Taken], subject: str) -> dict[str, Any]:
    """A Bundle of Observations (FHIR R4): of attributes that have a LOINC code; of others nothing is said."""
    codes = texts("fhir")
    found: list[Json] = []
    for one in taken:
        day = (one.now or {}).get(_OBSERVED)
        for name, instance, _ in one.values():
            row, value = codes.get(short(name)), instance.get("value")
            if row is None or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            at = instance.get("observedAt") or (instances(day)[0].get("value") if day else None)
            found.append({"resource": _observation(f"{subject}", row, value, at)})
    return {"resourceType": "Bundle", "type": "collection", "entry": found}


def _observation(subject: str, row: Mapping[str, Any], value: float, at: Json) -> dict[str, Json]:
    coded: dict[str, Json] = {"system": LOINC, "code": row["code"], "display": row["display"]}
    measured = round(value * row.get("times", 1), 6)
    made: dict[str, Json] = {
        "resourceType": "Observation", "status": "final", "code": {"coding": [coded], "text": row["display"]},
        "subject": {"identifier": {"system": "urn:ietf:rfc:3986", "value": subject}},
        "valueQuantity": {"value": measured, "unit": row["unit"], "system": UCUM, "code": row["unit"]},
    }  # fmt: skip
    return {**made, "effectiveDateTime": at} if isinstance(at, str) else made


def value_of(instance: Mapping[str, Json]) -> Json:
    """The value of an instance of any kind."""
    return instance.get(VALUE_MEMBER.get(str(instance.get("type")), "value"))


def told_entity(one: Taken, words: Words) -> dict[str, Json]:
    """An entity with its labels and how sensitive each attribute is."""
    told: list[Json] = [
        {
            "attribute": name, "label": words.label(one.types, name), "class": words.sensitivity(one.types, name),
            "value": value_of(instance),
            **{member: instance[member] for member in ("observedAt", "unitCode", "datasetId") if member in instance},
            **{short(member): value for member, value in instance.items() if member not in INSTANCE_MEMBERS},
        }
        for name, instance, current in one.values() if current
    ]  # fmt: skip
    head: dict[str, Json] = {"id": one.id, "there": one.now is not None}
    if one.types is not None:
        head |= {"type": [*as_list(one.types)], "label": words.type_label(one.types)}
    return {**head, "attributes": told}


def _cell(value: Any) -> str:  # noqa: ANN401  JSON of many shapes
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
