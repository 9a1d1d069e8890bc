"""A plan decides as the law did when it was made: who looks often sees what who looks first sees, told alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.access.deciding import Decider, Rights
from broker.access.grants import Granted
from broker.access.labels import Profiles
from broker.model.entity import ENTITY_MEMBERS, Entity
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import to_text
from broker.ports.audit import WITNESS
from broker.ports.consents import Emergency, Grant, Item
from tests.fakes.clock import START, FakeClock

DEF = "https://misono.example/def/"
KNOWN, UNKNOWN = DEF + "Reading", DEF + "Thing"
CLASSES = {
    DEF + "pulse": "personal", DEF + "illness": "special-care", DEF + "alias": "pseudonymised",
    DEF + "mean": "anonymised", DEF + "count": "none",
}  # fmt: skip
NAMES = [*CLASSES, DEF + "other"]
PEOPLE = [f"urn:misono:subject:{name}" for name in "abc"]
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)
moments = st.integers(START - 3, START + 6)


class Package:
    """What is known of one type."""

    def version(self) -> int:
        return 1

    def classes(self, type_: str) -> Mapping[str, str] | None:
        return CLASSES if type_ == KNOWN else None


def about(subjects: list[str]) -> dict[str, Any]:
    return {"type": "Property", "value": subjects[0] if len(subjects) == 1 else subjects}


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly a plain one."""
    made: dict[str, Any] = {"type": "Property", "value": draw(st.integers(0, 3))}
    kind = draw(st.sampled_from([*["plain"] * 8, "dataset", "class", "own"]))
    if kind == "dataset":
        made["datasetId"] = "urn:d:1"
    if kind == "class":
        made[DATA_CLASS] = {"type": "Property", "value": draw(st.sampled_from([*CLASSES.values()]))}
    if kind == "own":
        made[DATA_SUBJECT] = about(draw(people))
    for name in draw(st.sets(st.sampled_from(["observedAt", "modifiedAt", "createdAt"]), max_size=2)):
        made[name] = to_text(draw(moments))
    return made


@st.composite
def alike(draw: st.DrawFn) -> list[Entity]:
    """Entities with the same attributes, about the same persons: most are plain, each in its own way or not."""
    head: dict[str, Any] = {"id": f"urn:e:{draw(st.integers(0, 3))}", "type": draw(st.sampled_from(TYPES))}
    if draw(st.integers(0, 3)):
        head[DATA_SUBJECT] = about(draw(people))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    made = list[Entity]()
    for _ in range(draw(st.integers(2, 4))):
        document = dict(head)
        for name in names if draw(st.integers(0, 3)) else reversed(names):
            found = [draw(instances()), {**draw(instances()), "datasetId": "urn:d:2"}]
            document[name] = found[0] if draw(st.integers(0, 5)) else found
        made.append(Entity(document, START - 9, START + 9, None, 7))
    return made


TYPES: list[Any] = [KNOWN, KNOWN, UNKNOWN, [KNOWN, UNKNOWN]]
ends = st.none() | moments
items = st.frozensets(
    st.builds(
        Item, st.sampled_from([KNOWN, UNKNOWN]), st.sampled_from([*NAMES, DATA_SUBJECT, "*"]), st.just("raw")
    ), min_size=1, max_size=4,
)  # fmt: skip
seldom = st.sampled_from([None, None, None, START - 1])


@st.composite
def grants(draw: st.DrawFn) -> Granted:
    """Those of one purpose; a few of them for a certain time of observation."""
    by_subject = dict[str, tuple[Grant, ...]]()
    for number in range(draw(st.integers(0, 4))):
        person = draw(st.sampled_from(PEOPLE))
        made = Grant(
            f"urn:r:{number}", person, draw(items), draw(moments), draw(ends), draw(seldom), draw(seldom)
        )  # fmt: skip
        by_subject[person] = (*by_subject.get(person, ()), made)
    return Granted(1, by_subject)


emergencies = st.builds(Emergency, st.just("urn:x"), st.just("who"), st.frozensets(st.sampled_from(PEOPLE)), moments,
                        st.just("why"))  # fmt: skip


class Looking:
    """The port Witness, of one look."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def saw(self, entity_id: str, bases: Any, types: Any = ()) -> None:
        self.seen.append((entity_id, [*bases], [*types]))


def looked(decider: Decider, entity: Entity) -> tuple[Entity | None, list[Any]]:
    """What is shown, and what the witness was told."""
    witness = Looking()
    before = WITNESS.set(witness)
    try:
        return decider.view(entity), witness.seen
    finally:
        WITNESS.reset(before)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(alike(), min_size=1, max_size=2), st.lists(grants(), max_size=2), st.lists(emergencies, max_size=2),
    st.frozensets(st.sampled_from(PEOPLE), max_size=1), st.booleans(),
)  # fmt: skip
def test_who_looks_again_sees_what_is_lawful_now(
    several: list[list[Entity]],
    granted: list[Granted],
    running: list[Emergency],
    acting: frozenset[str],
    personal: bool,
) -> None:
    clock = FakeClock()
    rights = Rights(Profiles(Package()), clock, acting, tuple(granted), tuple(running), personal)
    often = Decider(rights)
    for _ in range(7):
        for entity in (one for each in several for one in each):
            first = Decider(rights)
            shown, told = looked(often, entity)
            assert (shown, told) == looked(first, entity)
            assert shown is None or agrees(first, entity, shown)
        clock.set(clock.now() + 1)


def agrees(decider: Decider, entity: Entity, shown: Entity) -> bool:
    """Whether what is shown is what was decided of each instance, but for what hangs on another."""
    for name in entity.document.keys() - ENTITY_MEMBERS:
        left = [one.get("datasetId") for one in shown.instances(name)]
        for one in entity.instances(name):
            why = decider.decide(entity, name, one)
            if why.rule != "hangs" and why.shown is not (one.get("datasetId") in left):
                return False
    return True
