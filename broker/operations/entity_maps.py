"""Entity maps: which entities a sequence of requests is about, fixed by the first (clauses 4.5.25, 5.5.9.3, 5.14).

    {"id": "urn:ngsi-ld:EntityMap:…", "type": "EntityMap", "expiresAt": "…", "linkedMaps": {},
     "entityMap": {"urn:ngsi-ld:House:1": ["@none"]}}                        "@none": held here

A map is a held document of kind `entity_map`; its ids stand beside it in documents of kind `entity_map_ids`, a thousand
in each, which never change, and with them who has each where that is not this broker alone. What no longer fits is
struck out by its place, so that two requests that strike out at once do not get in each other's way. A map is its
maker's, for the purposes that it was made for: for everybody else, and for another purpose, there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import cast

from broker.errors import NgsiError, ResourceNotFound, TooManyResults
from broker.model.duration import Duration
from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Broker, Call
from broker.operations.futures import done, then
from broker.operations.identifiers import require_uri
from broker.operations.owning import owner_of
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold, Leave
from broker.query.ast import IdIn, Window
from broker.query.temporal import TemporalQuery

KIND = "entity_map"
IDS_KIND = "entity_map_ids"
IDS_MAX = 1_000
"""Ids in one document, and in one query of the store."""
MAP_MAX = 500_000
"""Entities in one map: about 25 MiB of ids."""
LOCAL = "@none"
_ERASED = ""


@dataclass(frozen=True, slots=True)
class EntityMap:
    """A map as it is now: `size` ids, of which those at the places `gone` (in order) are struck out.

    `linked` are the maps that context sources made for it, by the ids of their registrations.
    """

    id: str
    expires_at: Instant
    size: int
    gone: tuple[int, ...] = ()
    temporal: bool = False
    linked: Mapping[str, str] = field(default_factory=dict)

    def place(self, offset: int) -> int:
        """Where the id stands that has `offset` ids before it, those struck out not counted."""
        place = offset
        for one in self.gone:
            if one > place:
                break
            place += 1
        return place


@dataclass(frozen=True, slots=True)
class Entry:
    """An id of a map, its place, and who has it: registrations, or LOCAL."""

    place: int
    id: str
    sources: tuple[str, ...] = (LOCAL,)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a new map lists, in its order.

    `sources` tells who has an entity, by its id; those that it does not name are held here. `linked` as in EntityMap.
    """

    ids: Iterable[str]
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    linked: Mapping[str, str] = field(default_factory=dict)


def make_map(
    broker: Broker, call: Call, ids: Iterable[str] | Listing, lifetime: Duration | None, *, temporal: bool = False
) -> EntityMap:
    """A new map of these entities, in this order; durable on return (clause 5.14.4).

    Raises TooManyResults.
    """
    listing = ids if isinstance(ids, Listing) else Listing(ids)
    map_id = f"urn:ngsi-ld:EntityMap:{broker.new_id()}"
    now = broker.clock.now()
    expires_at = bounded(broker, now, now if lifetime is None else lifetime.after(now), given=lifetime is not None)
    source, size, commands = iter(listing.ids), 0, list[HeldCommand]()
    while chunk := list(islice(source, IDS_MAX)):
        commands.append(_hold(IDS_KIND, _chunk_id(map_id, len(commands)), _chunk(chunk, listing), expires_at))
        size += len(chunk)
        if size > MAP_MAX:
            raise TooManyResults(
                f"More than {MAP_MAX} entities match.",
                pointer="entityMap",
                clause="5.14.4.4",
                remedy="Narrow the query, or page without a map.",
            )
    body: dict[str, Json] = {"size": size, "gone": [], "temporal": temporal, **owner_of(call.principal)}
    if listing.linked:
        body["linked"] = dict(listing.linked)
    commands.append(_hold(KIND, map_id, body, expires_at))
    _apply(broker, call, commands).result()
    return EntityMap(map_id, expires_at, size, (), temporal, dict(listing.linked))


def _chunk(ids: list[str], listing: Listing) -> dict[str, Json]:
    """`{"ids": ["a", "b"], "sources": {"b": ["urn:…"]}}`: what is held here alone is not named twice."""
    body: dict[str, Json] = {"ids": cast(Json, ids)}
    named: dict[str, Json] = {one: list(listing.sources[one]) for one in ids if one in listing.sources}
    if named:
        body["sources"] = named
    return body


def bounded(broker: Broker, now: Instant, wanted: Instant, *, given: bool = True) -> Instant:
    """When a map expires: as wanted, but no later than the limit; at the limit where nothing was wanted."""
    latest = now + round(broker.lifetimes.entity_map_s * 1_000_000)
    return min(wanted, latest) if given else latest


def find_map(broker: Broker, call: Call, map_id: str) -> EntityMap | None:
    """The caller's map; None where there is none, or it has expired."""
    held = broker.held.find_held(call.tenant, KIND, map_id)
    return None if held is None or not _is_mine(held, call) else _read(held)


def retrieve_map(broker: Broker, call: Call, map_id: str) -> dict[str, Json]:
    """Retrieve EntityMap (clause 5.14.1): as much of it as the caller may see now.

    Raises BadRequestData where the id is no URI, ResourceNotFound where there is no such map.
    """
    require_uri(map_id, "entityMapId")
    found = find_map(broker, call, map_id)
    if found is None:
        raise _not_found(map_id)
    return encode_map(found, _seen(broker, call, found))


def encode_map(entity_map: EntityMap, listed: Iterable[Entry]) -> dict[str, Json]:
    """The map as it goes out (clause 5.2.39)."""
    return {
        "id": entity_map.id,
        "type": "EntityMap",
        "expiresAt": to_text(entity_map.expires_at),
        "entityMap": {entry.id: list(entry.sources) for entry in listed},
        "linkedMaps": dict(entity_map.linked),
    }


def update_map(broker: Broker, call: Call, map_id: str, expires_at: Instant | None) -> Future[None]:
    """Update EntityMap (clause 5.14.2): the instant of its expiry, no later than the limit; None leaves it.

    Raises as `retrieve_map`.
    """
    require_uri(map_id, "entityMapId")
    found = find_map(broker, call, map_id)
    if found is None:
        raise _not_found(map_id)
    if expires_at is None:
        return done(None)
    until = bounded(broker, broker.clock.now(), expires_at)

    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        return Leave() if current is None else Hold(current.body, expires_at=until)

    return then(_apply(broker, call, [HeldCommand(kind, one, decide) for kind, one in _documents(found)]), _nothing)


def delete_map(broker: Broker, call: Call, map_id: str) -> Future[None]:
    """Delete EntityMap (clause 5.14.3). Raises as `retrieve_map`."""
    require_uri(map_id, "entityMapId")
    found = find_map(broker, call, map_id)
    if found is None:
        raise _not_found(map_id)

    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        if current is None:
            raise _not_found(map_id)
        return Drop()

    def first(outcomes: list[object]) -> None:
        if isinstance(outcomes[0], NgsiError):
            raise outcomes[0]

    return then(_apply(broker, call, [HeldCommand(kind, one, decide) for kind, one in _documents(found)]), first)


def entries(broker: Broker, call: Call, entity_map: EntityMap, offset: int = 0) -> Iterator[Entry]:
    """The ids that are not struck out, in their order, from that offset on."""
    start, gone = entity_map.place(offset), frozenset(entity_map.gone)
    for number in range(start // IDS_MAX, -(-entity_map.size // IDS_MAX)):
        held = broker.held.find_held(call.tenant, IDS_KIND, _chunk_id(entity_map.id, number))
        if held is None:
            return
        sources = cast("dict[str, list[str]]", held.body.get("sources", {}))
        for place, one in enumerate(cast("list[str]", held.body["ids"]), number * IDS_MAX):
            if place >= start and place not in gone:
                yield Entry(place, one, tuple(sources[one])) if one in sources else Entry(place, one)


def holds(broker: Broker, call: Call, entity_map: EntityMap, entity_id: str) -> bool:
    """Whether the map has this entity."""
    return any(entry.id == entity_id for entry in entries(broker, call, entity_map))


def strike_out(broker: Broker, call: Call, entity_map: EntityMap, places: Sequence[int]) -> None:
    """Take ids out of the map, by their places (clause 5.5.9.3); durable on return."""
    if places:
        decide = partial(_struck_out, tuple(places))
        _apply(broker, call, [HeldCommand(KIND, entity_map.id, decide)]).result()


def named_ids(broker: Broker, tenant: str) -> set[str]:
    """Every id that stands in a map of a tenant."""
    return {one for held in broker.held.all_held(tenant, IDS_KIND) for one in cast("list[str]", held.body["ids"])}


def forget(broker: Broker, tenant: str, entity_id: str) -> int:
    """Erase an id from every map of a tenant, whosever it is; in how many it stood. Durable on return."""
    commands: list[HeldCommand] = []
    for held in broker.held.all_held(tenant, IDS_KIND):
        if entity_id in cast("list[str]", held.body["ids"]):
            map_id, _, number = held.id.rpartition("#")
            place = int(number) * IDS_MAX + cast("list[str]", held.body["ids"]).index(entity_id)
            commands.append(HeldCommand(KIND, map_id, partial(_struck_out, (place,))))
            commands.append(HeldCommand(IDS_KIND, held.id, partial(_blackened, entity_id)))
    if commands:
        broker.held.apply_held(tenant, commands).result()
    return len(commands) // 2


def _blackened(entity_id: str, current: Held | None, _now: Instant) -> HeldDecision:
    if current is None:
        return Leave()
    ids: list[Json] = [_ERASED if one == entity_id else one for one in cast("list[str]", current.body["ids"])]
    body: dict[str, Json] = {"ids": ids}
    sources = {
        one: held for one, held in cast("dict[str, Json]", current.body.get("sources", {})).items() if one != entity_id
    }
    if sources:
        body["sources"] = sources
    return Hold(body, expires_at=current.expires_at)


def _struck_out(places: Sequence[int], current: Held | None, _now: Instant) -> HeldDecision:
    if current is None:
        return Leave()
    gone: list[Json] = [*sorted({*cast("list[int]", current.body["gone"]), *places})]
    return Hold({**current.body, "gone": gone}, expires_at=current.expires_at)


def _seen(broker: Broker, call: Call, entity_map: EntityMap) -> Iterator[Entry]:
    found = entries(broker, call, entity_map)
    if call.restriction.view is None:
        yield from found
        return
    while chunk := list(islice(found, IDS_MAX)):
        visible = _visible(broker, call, [entry.id for entry in chunk], temporal=entity_map.temporal)
        yield from (entry for entry in chunk if entry.id in visible or LOCAL not in entry.sources)


def _visible(broker: Broker, call: Call, ids: list[str], *, temporal: bool) -> set[str]:
    """Those that are not hidden from the caller now."""
    if temporal:
        window, query = Window(len(ids)), TemporalQuery(instances_max=1)
        where = IdIn(tuple(ids))
        page = broker.history.evolutions(call.tenant, where, query, window, call.restriction)
        return {one.id for one in page.evolutions}
    held = broker.entities.get_many(call.tenant, ids)
    visible = {one for one, entity in held.items() if call.restriction.show(entity) is not None}
    gone = [one for one in ids if one not in held]
    return visible | (_visible(broker, call, gone, temporal=True) if gone else set())  # history knows whom they concern


def _is_mine(held: Held, call: Call) -> bool:
    return {name: held.body.get(name) for name in ("principal", "purposes")} == owner_of(call.principal)


def _read(held: Held) -> EntityMap:
    body = held.body
    gone = tuple(cast("list[int]", body["gone"]))
    linked = cast("dict[str, str]", body.get("linked", {}))
    return EntityMap(held.id, held.expires_at or 0, cast(int, body["size"]), gone, bool(body["temporal"]), linked)


def _documents(entity_map: EntityMap) -> Iterator[tuple[str, str]]:
    """Kind and id of the map's own document, then of those with its ids."""
    yield KIND, entity_map.id
    for number in range(-(-entity_map.size // IDS_MAX)):
        yield IDS_KIND, _chunk_id(entity_map.id, number)


def _chunk_id(map_id: str, number: int) -> str:
    return f"{map_id}#{number:04}"


def _hold(kind: str, document_id: str, body: dict[str, Json], expires_at: Instant) -> HeldCommand:
    return HeldCommand(kind, document_id, lambda _current, _now: Hold(body, expires_at=expires_at))


def _apply(broker: Broker, call: Call, commands: Sequence[HeldCommand]) -> Future[list[object]]:
    return broker.held.apply_held(call.tenant, commands)


def _nothing(_: list[object]) -> None:
    return None


def _not_found(map_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no entity map {map_id}.",
        pointer="entityMapId",
        clause="5.14.1.4",
        remedy="Make one: GET /entityMaps with a query.",
    )
