"""Devices and groups as people write them (YAML, JSON, HTTP) -> Provision, Group; nothing else gets into the registry.

{"id": "h1-meter", "address": "192.0.2.7", "mapping": "smart-meters", "key": "…", "options": {"unit": 3}}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import isfinite
from typing import Final

from adapters.device import Device
from adapters.link import BadSettings
from adapters.provisioning.keys import KEY_MAX, digest_of, hint_of, is_digest
from adapters.provisioning.provision import NEW_MAX, Group, Provision, Provisions
from broker.decode.entity import decode_fragment
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model.names import is_uri
from broker.model.values import Json

ID_MAX: Final = 256
TEXT_MAX: Final = 2048
OPTIONS_MAX: Final = 64
DEVICES_MAX: Final = 100_000
RATE_MAX: Final = 100_000.0
OFFLINE_MAX_S: Final = 366 * 86_400.0
NEW_MOST: Final = 1_000_000
_NOT_IN_IDS: Final = frozenset("/+#")
"""Ids stand in topics and in paths."""
_TENANT: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")
_TENANT_MAX: Final = 128
_BOTH: Final = frozenset(
    {
        "tenant",
        "mapping",
        "entity_type",
        "fixed",
        "options",
        "rate_per_s",
        "offline_after_s",
        "key",
        "key_digest",
        "key_hint",
    }
)
DEVICE_MEMBERS: Final = _BOTH | {"id", "adapter", "group", "entity_id", "address"}
GROUP_MEMBERS: Final = _BOTH | {"name", "adapter", "new", "new_max"}


def read_provisions(document: Mapping[str, Json], names: ActiveContext) -> Provisions:
    """The members `devices` and `groups` of an adapter's file.

    `names` make IRIs of terms in `fixed` and `entity_type`. Raises BadSettings, which names the member.
    """
    above = Device("", str(document.get("adapter", "")), read_tenant(document.get("tenant", ""), "tenant"))
    groups = [read_group(raw, f"groups[{place}]", above, names) for place, raw in enumerate(_list(document, "groups"))]
    known = {group.name: group for group in groups}
    devices = [
        read_device(raw, f"devices[{place}]", above, names, known)
        for place, raw in enumerate(_list(document, "devices"))
    ]
    _once([group.name for group in groups], "groups", "name")
    _once([group.key_digest for group in groups if group.key_digest], "groups", "key", "a key that another group has")
    _once([one.device.id for one in devices], "devices", "id")
    return Provisions(tuple(devices), tuple(groups))


def read_device(
    raw: Json, place: str, above: Device, names: ActiveContext, groups: Mapping[str, Group] | None = None
) -> Provision:
    """A device; `above` is what holds where it says nothing, its group's settings come before that.

    Raises BadSettings.
    """
    members = _members(raw, place, DEVICE_MEMBERS)
    base = above
    group = read_text(members, "group", place)
    if group and groups is not None:
        if group not in groups:
            raise BadSettings(f"{place}.group: no group {group!r}; {_told(groups)}")
        base = groups[group].device("")
    digest, hint = _key(members, place)
    hint = hint or (groups[group].hint if group and groups is not None and not digest else "")
    base = replace(base, id=read_id(members.get("id"), f"{place}.id"), group=group)
    device = _shared(members, place, base, names)
    device = replace(
        device,
        entity_id=_uri(members, "entity_id", place, device.entity_id),
        address=read_text(members, "address", place) or base.address,
        key_digest=digest or base.key_digest,
    )
    return Provision(device, hint)


def read_group(raw: Json, place: str, above: Device, names: ActiveContext) -> Group:
    """A group. Raises BadSettings."""
    members = _members(raw, place, GROUP_MEMBERS)
    digest, hint = _key(members, place)
    like = _shared(members, place, replace(above, id="new"), names)
    new = members.get("new", False)
    if not isinstance(new, bool):
        raise BadSettings(f"{place}.new: true or false is wanted")
    if new and not digest:
        raise BadSettings(f"{place}.key: a group that takes new devices needs a key; else anybody could make some")
    return Group(
        name=read_id(members.get("name"), f"{place}.name"),
        adapter=like.adapter,
        tenant=like.tenant,
        key_digest=digest,
        hint=hint,
        mapping=like.mapping,
        entity_type=like.entity_type,
        fixed=like.fixed,
        options=like.options,
        rate_per_s=like.rate_per_s,
        offline_after_s=like.offline_after_s,
        new=new,
        new_max=int(read_number(members, "new_max", place, NEW_MAX, NEW_MOST)),
    )


def _shared(members: Mapping[str, Json], place: str, base: Device, names: ActiveContext) -> Device:
    """What a device and a group say in the same words."""
    type_ = read_text(members, "entity_type", place)
    return replace(
        base,
        tenant=read_tenant(members["tenant"], f"{place}.tenant") if "tenant" in members else base.tenant,
        adapter=read_text(members, "adapter", place) or base.adapter,
        mapping=read_text(members, "mapping", place) or base.mapping,
        entity_type=_expanded(type_, f"{place}.entity_type", names) if type_ else base.entity_type,
        fixed={**base.fixed, **_fixed(members, place, names)},
        options={**base.options, **_options(members, place)},
        rate_per_s=read_number(members, "rate_per_s", place, base.rate_per_s, RATE_MAX),
        offline_after_s=read_number(members, "offline_after_s", place, base.offline_after_s, OFFLINE_MAX_S),
    )


def read_id(raw: Json, place: str) -> str:
    """The name of a device in its protocol, or of a group. Raises BadSettings."""
    if isinstance(raw, str) and is_id(raw):
        return raw
    raise BadSettings(f"{place}: a text of 1 to {ID_MAX} characters is wanted, without / + # and control characters")


def is_id(text: str) -> bool:
    """Whether a device may go by that name."""
    fits = 0 < len(text) <= ID_MAX and text == text.strip()
    return fits and text.isprintable() and _NOT_IN_IDS.isdisjoint(text)


def read_tenant(raw: Json, place: str) -> str:
    """The name of a tenant. Raises BadSettings."""
    if isinstance(raw, str) and len(raw) <= _TENANT_MAX and _TENANT.issuperset(raw) and (raw.strip(".") or not raw):
        return raw
    raise BadSettings(f"{place}: a tenant's name is wanted: letters, digits and _ - . : only")


def read_text(members: Mapping[str, Json], name: str, place: str) -> str:
    """A text, `""` where it is not there. Raises BadSettings."""
    raw = members.get(name, "")
    if isinstance(raw, str) and len(raw) <= TEXT_MAX and (raw.isprintable() or not raw):
        return raw
    raise BadSettings(f"{place}.{name}: a text of at most {TEXT_MAX} characters is wanted")


def read_number(members: Mapping[str, Json], name: str, place: str, default: float, most: float) -> float:
    """A number above 0. Raises BadSettings."""
    raw = members.get(name, default)
    if isinstance(raw, int | float) and not isinstance(raw, bool) and isfinite(raw) and 0 < raw <= most:
        return float(raw)
    raise BadSettings(f"{place}.{name}: a number above 0, at most {most:g}, is wanted")


def _key(members: Mapping[str, Json], place: str) -> tuple[str, str]:
    """Digest of a key and its hint, from `key` or from `key_digest`."""
    key, digest = members.get("key", ""), members.get("key_digest", "")
    if "key" in members and "key_digest" in members:
        raise BadSettings(f"{place}: key or key_digest, not both")
    if not isinstance(key, str) or len(key) > KEY_MAX or not (key.isprintable() or not key):
        raise BadSettings(f"{place}.key: a text of at most {KEY_MAX} characters is wanted")
    if "key" in members and not key:
        raise BadSettings(f"{place}.key: it is empty; leave the member out where no key is asked for")
    if digest and not is_digest(digest):
        raise BadSettings(f"{place}.key_digest: SHA-256 of the key is wanted, 64 hexadecimal characters")
    return (digest_of(key), hint_of(key)) if key else (str(digest), read_text(members, "key_hint", place))


def _expanded(name: str, place: str, names: ActiveContext) -> str:
    try:
        return names.expand(name)
    except NgsiError as error:
        raise BadSettings(f"{place}: {error}") from error


def _uri(members: Mapping[str, Json], name: str, place: str, default: str) -> str:
    raw = read_text(members, name, place)
    if raw and not is_uri(raw):
        raise BadSettings(f"{place}.{name}: a URI is wanted, such as urn:ngsi-ld:Device:1")
    return raw or default


def _fixed(members: Mapping[str, Json], place: str, names: ActiveContext) -> dict[str, Json]:
    """Attributes as in NGSI-LD, normalized or concise, under their IRIs."""
    raw = members.get("fixed", {})
    if not isinstance(raw, dict) or len(raw) > OPTIONS_MAX:
        raise BadSettings(f"{place}.fixed: attributes are wanted, such as {{name: 'Meter 1'}}")
    try:
        document = decode_fragment(dict(raw), names, nulls=False)
    except NgsiError as error:
        raise BadSettings(f"{place}.fixed{error.pointer.replace('/', '.')}: {error}") from error
    for name in ("id", "type", "scope", "expiresAt"):
        if name in document:
            raise BadSettings(
                f"{place}.fixed.{name}: it is no attribute; entity_id and entity_type say what it becomes"
            )
    return document


def _options(members: Mapping[str, Json], place: str) -> dict[str, Json]:
    raw = members.get("options", {})
    if isinstance(raw, dict) and len(raw) <= OPTIONS_MAX:
        return raw
    raise BadSettings(f"{place}.options: a mapping of at most {OPTIONS_MAX} members is wanted")


def _members(raw: Json, place: str, known: Collection[str]) -> dict[str, Json]:
    if not isinstance(raw, dict):
        raise BadSettings(f"{place}: a mapping is wanted, with the members {', '.join(sorted(known))}")
    unknown = sorted(str(name) for name in raw.keys() - set(known))
    if unknown:
        raise BadSettings(f"{place}.{unknown[0][:100]}: not known; there are {', '.join(sorted(known))}")
    return raw


def _list(document: Mapping[str, Json], name: str) -> list[Json]:
    raw = document.get(name, [])
    if isinstance(raw, list) and len(raw) <= DEVICES_MAX:
        return raw
    raise BadSettings(f"{name}: a list of at most {DEVICES_MAX} is wanted")


def _once(found: list[str], place: str, member: str, what: str = "") -> None:
    seen: set[str] = set()
    for number, name in enumerate(found):
        if name in seen:
            raise BadSettings(f"{place}[{number}].{member}: {what or f'{name!r} is there twice'}")
        seen.add(name)


def _told(groups: Mapping[str, Group]) -> str:
    return f"there are {', '.join(sorted(groups))}" if groups else "there are none"
