"""An entity as a notification tells of its change: what it was before, and what is gone (clauses 5.2.14.1, 5.8.6).

    updated, with showChanges   {"type": "Property", "value": 2, "previousValue": 1}
    deleted instance            {"type": "Relationship", "object": "urn:ngsi-ld:null", "datasetId": "urn:x:1"}
    deleted attribute           {"type": "Property", "value": "urn:ngsi-ld:null"}   one, however many instances it had
    deleted LanguageProperty    {"type": "LanguageProperty", "languageMap": {"@none": "urn:ngsi-ld:null"}}
    deleted scope               "urn:ngsi-ld:null"
    deleted entity              {"id": …, "type": …}, and of its attributes those that were asked for

These are documents for the encoder. Where a representation shows nothing but the value, a null is a Property's, so that
it comes out as the bare URI for every kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from broker.encode.entity import Representation
from broker.model.entity import (
    ENTITY_MEMBERS,
    INSTANCE_MEMBERS,
    VALUE_MEMBER,
    Document,
    Entity,
    Instance,
    instances,
    member,
)
from broker.model.values import NGSI_LD_NULL, Json, to_text
from broker.notify.triggers import SCOPE, Attention, Differences, by_dataset, dataset, same_instance
from broker.ports.outbox import EntityChange
from broker.query.projection import keep_datasets

PREVIOUS = {name: f"previous{name[0].upper()}{name[1:]}" for name in VALUE_MEMBER.values()}


@dataclass(frozen=True, slots=True)
class Telling:
    """How much is told of a change, and in which representation."""

    representation: Representation
    attention: Attention
    show_changes: bool

    def after(self, change: EntityChange, found: Differences) -> Entity:
        """The entity after the change, with previous values where they are asked for, and what is gone as null."""
        before, after = change.before, change.after
        assert after is not None
        document = self._kept(after.document)
        if before is not None and (found.deleted or (found.updated and self.show_changes)):
            document = dict(document)
            if self.show_changes:
                for name in (found.updated.keys() & document.keys()) - ENTITY_MEMBERS:
                    document[name] = _with_previous(before.document[name], document[name])
            for name in found.deleted:
                self._nullify(document, name, before, found, change)
        return Entity(document, after.created_at, after.modified_at, after.expires_at, after.version)

    def deleted(self, change: EntityChange, found: Differences) -> Entity:
        """The deleted entity: all its attributes with showChanges, else those whose deletion was asked for."""
        before = change.before
        assert before is not None
        document: Document = {"id": before.id, "type": before.document["type"]}
        watched = self.attention.watched
        if self.show_changes or "attributeDeleted" in self.attention.triggers:
            for name in found.deleted:
                if self.show_changes or not watched or name in watched:
                    self._nullify(document, name, before, found, change)
        return Entity(document, before.created_at, before.modified_at, before.expires_at, before.version)

    def _kept(self, document: Document) -> Document:
        return keep_datasets(document, self.attention.datasets) if self.attention.datasets else document

    def _nullify(self, document: Document, name: str, before: Entity, found: Differences, change: EntityChange) -> None:
        """Put nulls beside what is left of an attribute, for those of its instances that are of interest."""
        datasets = self.attention.datasets
        if name == SCOPE:
            document[SCOPE] = NGSI_LD_NULL
            return
        gone = [one for one in before.instances(name) if dataset(one) in found.deleted[name]]
        gone = [one for one in gone if not datasets or dataset(one) in datasets]
        whole = change.after is None or not change.after.instances(name)
        nulls: list[Instance]
        if whole and gone and not (datasets or self.show_changes or self.representation.sys_attrs):
            nulls = [self._null(gone[0], alone=True)]
        else:
            nulls = [self._detailed(one, to_text(change.at)) for one in gone]
        if nulls:
            document[name] = member([*instances(document.get(name)), *nulls])

    def _null(self, old: Instance, *, alone: bool) -> Instance:
        """The bare null: `{"type": "Property", "value": "urn:ngsi-ld:null"}`."""
        shown = self.representation.format
        kind = cast(str, old["type"])
        if shown == "simplified" or (shown == "concise" and alone) or self._is_translated(kind):
            kind = "Property"
        value: Json = {"@none": NGSI_LD_NULL} if kind == "LanguageProperty" else NGSI_LD_NULL
        return {"type": kind, VALUE_MEMBER[kind]: value}

    def _detailed(self, old: Instance, deleted_at: str) -> Instance:
        """The null with what is asked for: its datasetId, system attributes, its previous value."""
        null = self._null(old, alone=False)
        for name in ("datasetId", "createdAt", "modifiedAt"):
            if name in old:
                null[name] = old[name]
        null["deletedAt"] = deleted_at
        if self.show_changes:
            name = VALUE_MEMBER[cast(str, old["type"])]
            null[PREVIOUS[name]] = old[name]
        return null

    def _is_translated(self, kind: str) -> bool:
        """Whether instances of this kind are shown as Properties in one language (clause 4.15)."""
        return kind == "LanguageProperty" and self.representation.lang is not None


def _with_previous(old: Json, new: Json) -> Json:
    """An attribute with their previous values in those instances that were there and changed, at every depth."""
    before = by_dataset(old)
    return member([_marked(before.get(dataset(one)), one) for one in instances(new)])


def _marked(old: Instance | None, new: Instance) -> Instance:
    if old is None or same_instance(old, new):
        return new
    name = VALUE_MEMBER[cast(str, old["type"])]
    marked: Instance = {**new, PREVIOUS[name]: old[name]}
    for sub in new.keys() - INSTANCE_MEMBERS:
        if sub in old:
            marked[sub] = _with_previous(old[sub], new[sub])
    return marked
