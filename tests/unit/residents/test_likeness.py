"""What is kept of a hidden entity, to take as long where there is none, says nothing of anybody."""

from __future__ import annotations

from broker.encode.text import dump
from broker.model.entity import Entity
from broker.model.subjects import DATA_CLASS
from broker.operations import likeness
from broker.ports import UNRESTRICTED, Restriction
from tests.fakes.few_consents import READING, reading


def test_nothing_of_anybody_is_kept() -> None:
    value = {"type": "Property", "value": 71.5, "observedAt": "2026-11-23T01:00:00Z", "unitCode": "P1"}
    special = {"type": "Property", "value": "special-care"}
    tagged = {"type": "Property", "value": [1, True, None, {"type": "secret", "secret": 1}], DATA_CLASS: special}
    alias = {"type": "LanguageProperty", "languageMap": {"ja": "花"}}
    document = reading("hana", heartRate=value, weight=tagged, alias=alias)
    kept = dump(likeness.blackened(document)).decode()
    for secret in ("hana", "71.5", "secret", "花", "2026-11-23"):
        assert secret not in kept
    assert READING in kept
    assert "special-care" in kept


def test_where_there_is_nothing_something_alike_is_judged() -> None:
    judged: list[str] = []

    def view(entity: Entity) -> Entity | None:
        judged.append(entity.id)
        return None

    hides, tenant = Restriction(view=view), "a tenant of this test"
    assert likeness.show(hides, tenant, None) is None
    assert judged == [], "nothing was hidden yet"
    hana = Entity(reading("hana", heartRate=71), 0, 0)
    assert likeness.show(hides, tenant, hana) is None
    assert likeness.show(hides, tenant, None) is None
    assert judged == [hana.id, "x" * len(hana.id)]
    assert likeness.show(UNRESTRICTED, tenant, hana) is hana
