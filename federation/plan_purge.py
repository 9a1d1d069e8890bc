"""What a purge asks of each source, pure (clause 5.6.21).

A purge destroys, so that it is cut to what a registration is about without exception: its ids, types and attributes.
All filters go along: a source that does not have what one looks at finds nothing, and deletes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.errors import Conflict
from broker.ldcontext.active import ActiveContext
from broker.model.registration import Registration
from broker.model.values import Json
from broker.operations.purge import Purge
from broker.query.ast import And, Node
from broker.query.bind import unbind
from broker.query.text import geo_parameters, render
from federation.messages import Forward, Match
from federation.plan import Group, groups
from federation.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Purging:
    """A purge, bound: which entities, and what of them goes."""

    wanted: Wanted
    purge: Purge


def purges(match: Match, purging: Purging, names: ActiveContext, source: Json) -> list[Forward] | Conflict:
    """The requests to one source, none where what it has registered is kept; or why it cannot be asked."""
    found = []
    for group in groups(match.information, purging.wanted.selectors[0], None):
        if not _is_exact(match, purging, group):
            return _inexact(match.registration)
        what = _what(group.attributes, purging.purge, names)
        if what is None:
            continue
        parameters = (*_which(group, names), *_filters(purging.wanted, names), *what)
        found.append(Forward(match.registration, "purgeEntity", "DELETE", "/entities", parameters, context=source))
    return found


def _is_exact(match: Match, purging: Purging, group: Group) -> bool:
    """Whether one request can say which ids are meant: two patterns at once it cannot."""
    asked = purging.wanted.selectors[0].id_pattern
    if asked is None or group.ids:
        return True
    infos = [info for part in match.information for info in part.entities]
    return all(info.id_pattern is None or info.id_pattern == asked or info.id is not None for info in infos)


def _inexact(registration: Registration) -> Conflict:
    return Conflict(
        f"The purge gives an idPattern, and {registration.id} another one: no request can say both.",
        pointer="idPattern", clause="4.3.6.1", remedy="give ids, or the idPattern of the registration",
    )  # fmt: skip


def _what(registered: Sequence[str], purge: Purge, names: ActiveContext) -> tuple[tuple[str, str], ...] | None:
    """What goes of the entities, `keep` and `drop` cut to what is registered; None where that is nothing."""
    if not registered:
        if purge.keep is not None:
            return (("keep", _terms(purge.keep, names)),)
        return () if purge.drop is None else (("drop", _terms(purge.drop, names)),)
    gone = frozenset(registered)
    if purge.drop is not None:
        gone &= purge.drop
    elif purge.keep is not None:
        gone -= purge.keep
    return (("drop", _terms(gone, names)),) if gone else None


def _terms(iris: frozenset[str], names: ActiveContext) -> str:
    return ",".join(one if one == "scope" else names.terms[one] for one in sorted(iris))


def _which(group: Group, names: ActiveContext) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    types = group.types
    if isinstance(types, tuple):
        if types:
            found.append(("type", ",".join(names.terms[one] for one in types)))
    elif types is not None:
        found.append(("type", render(unbind(types, names))))
    if group.ids:
        found.append(("id", ",".join(group.ids)))
    elif group.pattern is not None:
        found.append(("idPattern", group.pattern))
    return tuple(found)


def _filters(wanted: Wanted, names: ActiveContext) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    if wanted.attributes:
        found.append(("attrs", _terms(wanted.attributes, names)))
    if wanted.q:
        node: Node = wanted.q[0] if len(wanted.q) == 1 else And(wanted.q)
        found.append(("q", render(unbind(node, names, wanted.expanded))))
        for name, words in (("expandValues", wanted.query.expand_values), ("jsonKeys", wanted.query.json_keys)):
            if words:
                found.append((name, words))
    if wanted.query.scope_q is not None:
        found.append(("scopeQ", wanted.query.scope_q))
    if wanted.geo is not None:
        found += geo_parameters(unbind(wanted.geo, names)).items()  # type: ignore[arg-type]  # a Geo stays one
    return tuple(found)
