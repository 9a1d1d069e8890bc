"""Random cities: entities about residents and about nobody, their consents, those who ask, and what they ask.

    city = City(Random(7))
    city.entities       what the tenant holds, projections of consents among it
    city.law            the same consents, for the law by the book
    city.asking()       somebody;  city.selection(), city.window(), city.view()    a query

Plain seeded chance: tens of thousands of cases have to be drawn in a few seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from broker.encode.linking import Join
from broker.model.entity import Document, Entity
from broker.model.values import Instant, to_text
from broker.operations.consume import View
from broker.ports import Principal
from broker.ports.consents import Item
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    DateTimeValue,
    Exists,
    Geo,
    HasAttribute,
    HasType,
    IdIn,
    IdPattern,
    InScope,
    Linked,
    Node,
    OneOf,
    Op,
    Or,
    Ordering,
    OrderTerm,
    Path,
    Pattern,
    Relation,
    Selection,
    UriValue,
    Window,
)
from broker.query.projection import parse_omit, parse_pick
from tests.fakes.clock import START
from tests.fakes.lawful import CLASS, DEF, SUBJECT, Acting, Consented, Law, Urgent

E = "https://example.org/"
WATCH, HOUSE, PARK, ODD = (E + name for name in ("Watch", "House", "Park", "Odd"))
HEART, STEPS, ROOM, NAME, PLACE, KNOWS, NOTE = (
    E + name for name in ("heart", "steps", "room", "name", "place", "knows", "note")
)
TYPES = {
    WATCH: {HEART: "special-care", STEPS: "personal", PLACE: "personal", KNOWS: "personal"},
    HOUSE: {ROOM: "personal", KNOWS: "personal"},
    PARK: {},
    DEF + "ConsentRecord": {SUBJECT: "personal", DEF + "consentGivenBy": "personal"},
    DEF + "RecipientOrganisation": {},
    DEF + "ConsentDelegation": {SUBJECT: "personal", DEF + "delegate": "personal"},
    DEF + "EmergencyAccess": {SUBJECT: "personal"},
}
PEOPLE = [f"urn:misono:subject:{name}" for name in "abc"]
ORGS = ["urn:org:1", "urn:org:2"]
PURPOSES = [DEF + "purpose/" + name for name in ("HealthAdvice", "WatchOver")]
HOUR = 3_600_000_000
NOW: Instant = START + 100 * HOUR
TIMES = [START, START + HOUR, START + 2 * HOUR]
IDS = [f"urn:e:{number}" for number in range(9)]
DATASETS = ["urn:d:1", "urn:d:2"]
ATTRIBUTES = [HEART, STEPS, ROOM, NAME, PLACE, KNOWS, NOTE]
_OPS = list(Op)


class Tags:
    """What the packages of these cities say."""

    def version(self) -> int:
        """Never another one."""
        return 1

    def classes(self, type_: str) -> Any:
        """As TYPES."""
        return TYPES.get(type_)

    def item(self, text: str, granularity: str) -> Item | None:
        """`Watch/heart@hourly`."""
        path, _, fineness = text.partition("@")
        type_, _, name = path.partition("/")
        return Item(E + type_, name if name == "*" else E + name, fineness or granularity or "raw")


class City:
    """One tenant, and what is asked there."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.law = Law(TYPES, NOW, personal=dice.random() < 0.5)
        self.entities: list[Entity] = []
        for entity_id in IDS[: dice.randint(5, 9)]:
            self._add(self._document(entity_id))
        for number in range(dice.randint(4, 9)):
            self._consent(number)
        self._recipients()
        self._delegation()
        self._emergency()

    def asking(self) -> Principal:
        """Somebody: mostly those who may see something."""
        dice = self._dice
        kind = dice.choice(["recipient"] * 5 + ["resident"] * 3 + ["operator", "nobody", "system"])
        if kind == "recipient":
            purposes = frozenset(dice.choice([[], PURPOSES[:1], PURPOSES[:1], PURPOSES[1:], PURPOSES]))
            return Principal("r", purposes, frozenset({"recipient"}), None, dice.choice([*ORGS, ORGS[0], "urn:org:x"]))
        if kind == "resident":
            return Principal("p", roles=frozenset({"resident"}), subject=dice.choice(PEOPLE))
        return Principal(kind, roles=frozenset() if kind == "nobody" else frozenset({kind}))

    def selection(self) -> Selection:
        """A condition, often an order."""
        dice = self._dice
        order = None
        if dice.random() < 0.3:
            names = dice.sample([HEART, STEPS, NAME, PLACE, "modifiedAt", "createdAt"], dice.randint(1, 2))
            order = Ordering(tuple(self._order(name) for name in names))
        return Selection(self.node(2), order)

    def node(self, depth: int) -> Node:
        """A condition."""
        dice = self._dice
        if depth and dice.random() < 0.35:
            terms = tuple(self.node(depth - 1) for _ in range(2))
            return And(terms) if dice.random() < 0.5 else Or(terms)
        return self._term(depth)

    def window(self) -> Window:
        """A page, mostly counted."""
        dice = self._dice
        return Window(dice.choice([1, 2, 3, 20, 20]), dice.choice([0, 0, 0, 1, 3]), dice.random() < 0.7)

    def view(self) -> View:
        """A projection, linked entities."""
        dice = self._dice
        join, projection = None, None
        if dice.random() < 0.3:
            join = Join(dice.choice(["flat", "inline"]), dice.randint(1, 2), frozenset())
        elif dice.random() < 0.3:
            names = ",".join(["id", "type", *dice.sample(["heart", "steps", "name", "room"], 2)])
            projection = parse_pick(names) if dice.random() < 0.5 else parse_omit(names.removeprefix("id,type,"))
        datasets = frozenset({"@none"}) if dice.random() < 0.1 else None
        return View(projection, datasets, join)

    def _term(self, depth: int) -> Node:
        dice = self._dice
        path = Path(name := dice.choice([*ATTRIBUTES, HEART, STEPS, STEPS, NAME, SUBJECT]))
        kind = dice.randrange(16)
        made: dict[int, Callable[[], Node]] = {
            4: lambda: Exists(path if dice.random() < 0.5 else Path(name, (SUBJECT,))),
            5: lambda: Absent(path),
            6: lambda: OneOf(path, (self._value(name), self._value(name)), dice.random() < 0.4),
            7: lambda: Between(Path(dice.choice([HEART, STEPS])), 1, dice.choice([1, 2, 3]), dice.random() < 0.3),
            8: lambda: Pattern(Path(dice.choice([NAME, NOTE, SUBJECT])), dice.choice(["a", "^b", "c$"])),
            9: self._geo,
            10: lambda: Linked(Path(KNOWS), (), self.node(max(depth - 1, 0))),
            11: lambda: HasType(dice.choice([*TYPES, ODD, WATCH, WATCH, HOUSE])),
            12: lambda: InScope(dice.choice(["/s", "/s/#", "/t", "/+"])),
            13: lambda: IdIn(tuple(dice.sample(IDS, 3))) if dice.random() < 0.5 else IdPattern("[0-4]$"),
            14: lambda: self._when(Path(dice.choice(["modifiedAt", "createdAt"]))),
            15: lambda: self._when(Path(dice.choice([HEART, STEPS]), (dice.choice(["observedAt", "modifiedAt"]),))),
            3: lambda: HasAttribute(name, tuple(dice.sample(["@none", *DATASETS], dice.randint(0, 1)))),
        }
        return made.get(kind, lambda: Compare(path, dice.choice(_OPS), self._value(name)))()

    def _when(self, path: Path) -> Compare:
        return Compare(path, self._dice.choice(_OPS), DateTimeValue(self._dice.choice(TIMES)))

    def _geo(self) -> Geo:
        point = json.dumps({"type": "Point", "coordinates": [self._dice.choice([0, 1]), 0]})
        return Geo(Path(PLACE), Relation.NEAR, point, max_distance_m=1000)

    def _order(self, name: str) -> OrderTerm:
        point = json.dumps({"type": "Point", "coordinates": [0, 0]}) if name == PLACE else None
        return OrderTerm(Path(name), self._dice.random() < 0.5, point)

    def _value(self, name: str) -> Any:
        dice = self._dice
        if name == SUBJECT:
            return dice.choice([UriValue(PEOPLE[0]), PEOPLE[1]])
        if name == KNOWS:
            return UriValue(dice.choice(IDS))
        return dice.choice([1, 2, 3]) if name in (HEART, STEPS, ROOM) else dice.choice(["a", "b"])

    def _document(self, entity_id: str) -> Document:
        dice = self._dice
        types: Any = dice.choice([WATCH, WATCH, WATCH, HOUSE, PARK, ODD, [WATCH, HOUSE], [HOUSE, ODD]])
        document: Document = {"id": entity_id, "type": types}
        if dice.random() < 0.4:
            scopes: list[Any] = ["/s", "/s/u", "/t", ["/s", "/t"]]
            document["scope"] = dice.choice(scopes)
        if dice.random() < 0.75:
            document[SUBJECT] = self._subjects()
        for name in ATTRIBUTES:
            if dice.random() < 0.5:
                document[name] = self._attribute(name)
        return document

    def _subjects(self) -> Any:
        dice = self._dice
        named = dice.sample(PEOPLE, dice.choice([1, 1, 1, 2]))
        if len(named) == 1 and dice.random() < 0.7:
            return {"type": "Property", "value": named[0]}
        form = dice.choice(["value", "valueList", "object"])
        kind = {"value": "Property", "valueList": "ListProperty", "object": "Relationship"}[form]
        return {"type": kind, form: named}

    def _attribute(self, name: str) -> Any:
        dice = self._dice
        if dice.random() < 0.8:
            return self._instance(name)
        first = self._instance(name)
        return [first, {**self._instance(name), "datasetId": dice.choice(DATASETS)}]

    def _instance(self, name: str) -> Any:
        dice = self._dice
        if name == PLACE:
            one: Any = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [dice.choice([0, 1]), 0]}}
        elif name == KNOWS:
            one = {"type": "Relationship", "object": dice.choice(IDS)}
        else:
            one = {"type": "Property", "value": self._value(name)}
        if dice.random() < 0.5:
            one["observedAt"] = to_text(dice.choice(TIMES))
        if dice.random() < 0.2:
            one["modifiedAt"] = to_text(dice.choice(TIMES))
        if dice.random() < 0.12:
            said = dice.choice(["none", "anonymised", "pseudonymised", "pseudonymised", "personal", "special-care"])
            one[CLASS] = {"type": "Property", "value": said}
        if dice.random() < 0.12:
            one[SUBJECT] = {"type": "Property", "value": dice.choice(PEOPLE)}
        return one

    def _add(self, document: Document) -> None:
        created = self._dice.choice(TIMES)
        self.entities.append(Entity(document, created, max(created, self._dice.choice(TIMES))))

    def _consent(self, number: int) -> None:
        dice = self._dice
        items = [
            (dice.choice([WATCH, WATCH, HOUSE]), dice.choice(["*", "*", HEART, STEPS, ROOM, PLACE, KNOWS, NOTE]),
             dice.choice(["raw", "raw", "raw", "hourly"]))
            for _ in range(dice.randint(1, 4))
        ]  # fmt: skip
        one = Consented(
            dice.choice(PEOPLE), dice.choice([*ORGS, ORGS[0]]), dice.choice([*PURPOSES, PURPOSES[0]]), items,
            NOW + dice.choice([-HOUR, -HOUR, -HOUR, 0, HOUR]), dice.choice([None, None, NOW + HOUR, NOW]),
            dice.choice([None, None, TIMES[1]]), dice.choice([None, None, TIMES[2]]),
        )  # fmt: skip
        given = dice.choice(["ConsentGiven", "ConsentGiven", "RenewedConsentGiven", "ConsentWithdrawn"])
        if given != "ConsentWithdrawn":
            self.law.consents.append(one)
        document = _typed(f"urn:c:{number}", "ConsentRecord")
        document |= _words(consentState="https://w3id.org/dpv#" + given, purpose=one.purpose)
        document[DEF + "recipient"] = {"type": "Relationship", "object": one.recipient}
        document[SUBJECT] = {"type": "Property", "value": one.subject}
        texts: list[Any] = [f"{type_.removeprefix(E)}/{name.removeprefix(E)}@{grain}" for type_, name, grain in items]
        document[DEF + "dataItems"] = {"type": "ListProperty", "valueList": texts}
        document |= _times(validFrom=one.since, validUntil=one.until)
        document |= _times(coversObservationsFrom=one.covers_from, coversObservationsUntil=one.covers_to)
        self._add(document)

    def _recipients(self) -> None:
        for one in ORGS:
            until = self._dice.choice([NOW + HOUR, NOW + HOUR, NOW + HOUR, NOW])
            state = self._dice.choice(["recipientActive"] * 5 + ["recipientSuspended"])
            if state == "recipientActive":
                self.law.receiving[one] = until
            document = {**_typed(one, "RecipientOrganisation"), **_words(recipientState=DEF + state)}
            self._add({**document, **_times(evidenceValidUntil=until)})

    def _delegation(self) -> None:
        dice = self._dice
        if dice.random() < 0.5:
            delegate, subject = dice.sample(PEOPLE, 2)
            one = Acting(delegate, subject, NOW - HOUR, dice.choice([None, NOW, NOW + HOUR]))
            sees, holds = dice.choice(["maySee", "mayDecide"]), dice.choice(["delegationActive", "delegationEnded"])
            if (sees, holds) == ("maySee", "delegationActive"):
                self.law.acting.append(one)
            document = _typed("urn:delegation:1", "ConsentDelegation")
            document |= _words(delegationScope=DEF + sees, delegationState=DEF + holds)
            document[SUBJECT] = {"type": "Property", "value": subject}
            document[DEF + "delegate"] = {"type": "Property", "value": delegate}
            self._add({**document, **_times(validFrom=one.since, validUntil=one.until)})

    def _emergency(self) -> None:
        dice = self._dice
        if dice.random() < 0.5:
            subjects = frozenset(dice.sample(PEOPLE, dice.choice([0, 1, 2])))
            one = Urgent("operator", subjects, NOW - HOUR, dice.choice([NOW, NOW + HOUR]))
            self.law.urgent.append(one)
            document = {
                **_typed("urn:emergency:1", "EmergencyAccess"),
                **_words(emergencyState=DEF + "emergencyRunning"),
            }
            document[DEF + "accessedBy"] = {"type": "Property", "value": "operator"}
            document[DEF + "coversEverybody"] = {"type": "Property", "value": not subjects}
            named: list[Any] = sorted(subjects)
            if subjects:
                document[SUBJECT] = {"type": "Property", "value": named}
            self._add({**document, **_times(validFrom=one.since, validUntil=one.until)})


def _typed(entity_id: str, type_: str) -> Document:
    return {"id": entity_id, "type": DEF + type_}


def _words(**words: str) -> Document:
    return {DEF + name: {"type": "VocabProperty", "vocab": word} for name, word in words.items()}


def _times(**times: Instant | None) -> Document:
    return {DEF + name: {"type": "Property", "value": to_text(at)} for name, at in times.items() if at is not None}
