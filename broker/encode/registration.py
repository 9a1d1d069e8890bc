"""Registrations as they are answered: names compacted, secrets hidden (clauses 5.2.8 to 5.2.11, 5.2.34, 5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.ldcontext.active import ActiveContext
from broker.model.registration import EntityInfo, Information, Interval, Registration
from broker.model.secrets import shown_credentials, shown_info
from broker.model.source_health import SourceHealth
from broker.model.values import Instant, Json, to_text

_PLAIN: Final = {
    "endpoint": "endpoint", "name": "registrationName", "description": "description", "mode": "mode",
    "tenant": "tenant", "alias": "contextSourceAlias", "location": "location", "contract": "contract",
    "observation_space": "observationSpace", "operation_space": "operationSpace", "refresh_rate": "refreshRate",
}  # fmt: skip
_WHOLE: Final = ".000000Z"
_LISTS: Final = {"operations": "operations", "dataset_ids": "datasetId"}
_MANAGEMENT: Final = {
    "timeout_ms": "timeout", "cooldown_ms": "cooldown", "cache_duration": "cacheDuration",
    "management_local": "localOnly",
}  # fmt: skip


def encode_registration(
    registration: Registration, names: ActiveContext, output: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """The CSourceRegistration without @context; `output` are the members that only answers have (Table 5.2.9-2)."""
    found: dict[str, Json] = {"id": registration.id, "type": "ContextSourceRegistration"}
    found |= _present(registration, _PLAIN)
    if found["mode"] == "inclusive":
        del found["mode"]
    found["information"] = [encode_information(one, names) for one in registration.information]
    for field, name in _LISTS.items():
        value = getattr(registration, field)
        if value:
            found[name] = list(value)
    scopes = registration.scopes
    if scopes:
        found["scope"] = scopes[0] if len(scopes) == 1 else list(scopes)
    if registration.expires_at is not None:
        found["expiresAt"] = moment(registration.expires_at)
    found |= _intervals(registration)
    management = _present(registration, _MANAGEMENT)
    if management:
        found["management"] = management
    found |= _proofs(registration)
    if isinstance(registration.others, dict):
        found |= {names.compact(iri): value for iri, value in registration.others.items()}
    return found | dict(output or {})


def counted(health: SourceHealth | None) -> dict[str, Json]:
    """What only the broker says of a registration whose source was asked (Table 5.2.9-2); nothing of another one."""
    if health is None or not health.sent:
        return {}
    found: dict[str, Json] = {
        "status": "ok" if health.well else "failed",
        "timesSent": health.sent,
        "timesFailed": health.failed,
    }
    for name, at in (("lastSuccess", health.last_success), ("lastFailure", health.last_failure)):
        if at is not None:
            found[name] = to_text(at)
    return found


def encode_information(one: Information, names: ActiveContext) -> dict[str, Json]:
    """One RegistrationInfo (clause 5.2.10)."""
    found: dict[str, Json] = {}
    if one.entities:
        found["entities"] = [_entity(info, names) for info in one.entities]
    if one.property_names:
        found["propertyNames"] = [names.compact(iri) for iri in one.property_names]
    if one.relationship_names:
        found["relationshipNames"] = [names.compact(iri) for iri in one.relationship_names]
    return found


def _present(registration: Registration, names: Mapping[str, str]) -> dict[str, Json]:
    members = {name: getattr(registration, field) for field, name in names.items()}
    return {name: value for name, value in members.items() if value is not None}


def _entity(info: EntityInfo, names: ActiveContext) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if info.id is not None:
        found["id"] = info.id
    if info.id_pattern is not None:
        found["idPattern"] = info.id_pattern
    if info.types:
        types = [names.compact(iri) for iri in info.types]
        found["type"] = types[0] if len(types) == 1 else list(types)
    return found


def _intervals(registration: Registration) -> dict[str, Json]:
    given: tuple[tuple[str, Interval | None], ...] = (
        ("observationInterval", registration.observation_interval),
        ("managementInterval", registration.management_interval),
    )
    return {name: _interval(one) for name, one in given if one is not None}


def _interval(interval: Interval) -> dict[str, Json]:
    start: dict[str, Json] = {"startAt": moment(interval.start)}
    return start if interval.end is None else {**start, "endAt": moment(interval.end)}


def moment(instant: Instant) -> str:
    """A DateTime that says no more than it was told: `2035-11-29T14:53:15Z`."""
    text = to_text(instant)
    return text.removesuffix(_WHOLE) + "Z" if text.endswith(_WHOLE) else text


def _proofs(registration: Registration) -> dict[str, Json]:
    """How it is asked, with its secrets hidden."""
    found: dict[str, Json] = {}
    if registration.info:
        found["contextSourceInfo"] = [{"key": key, "value": value} for key, value in shown_info(registration.info)]
    if registration.credentials is not None:
        found["credentials"] = shown_credentials(registration.credentials)
    if registration.pass_tenant:
        found["passTenant"] = True
    return found
