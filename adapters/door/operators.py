r"""`/admin/adapters`, `/admin/devices`: who runs devices sees how they do, and says which there are.

    curl http://127.0.0.1:1026/admin/devices?adapter=meters
    curl -X POST http://127.0.0.1:1026/admin/devices -H 'Content-Type: application/json' \
      -d '{"adapter": "meters", "id": "h2-meter", "address": "192.0.2.8", "mapping": "smart-meters"}'

A device has the members that it has in an adapter's file; of its key only the last four characters are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.link import BadSettings
from adapters.provisioning.changing import Provisioning
from adapters.provisioning.keys import NOBODY, shown
from adapters.provisioning.provision import Group, Provision
from broker.errors import ResourceNotFound
from broker.http.messages import Response
from broker.http.respond import NO_CONTENT, plain
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json

LIMIT, LIMIT_MAX, OFFSET_MAX = 100, 1_000, 10_000_000
_LISTED: Final = frozenset({"adapter", "limit", "offset"})


@dataclass(frozen=True, slots=True)
class Watched:
    """What the process knows of its adapters while they run: `states` by name, `seen` of one device."""

    states: Callable[[], Mapping[str, dict[str, Json]]]
    seen: Callable[[Device], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Operators:
    """The handlers."""

    provisioning: Provisioning
    watched: Watched

    def routes(self) -> tuple[Route, ...]:
        """Their rows."""
        one, groups = "/admin/devices/{adapter}/{device}", "/admin/adapters/{adapter}/groups"
        return (
            Route("GET", "/admin/adapters", "iot_list_adapters", self.list_adapters),
            Route("GET", "/admin/adapters/{adapter}", "iot_retrieve_adapter", self.retrieve_adapter),
            Route("GET", groups, "iot_list_groups", self.list_groups),
            Route("POST", groups, "iot_create_groups", self.create_group, body=True),
            Route("DELETE", f"{groups}/{{group}}", "iot_delete_group", self.delete_group),
            Route("POST", f"{groups}/{{group}}/key", "iot_change_group", self.change_group_key),
            Route("GET", "/admin/devices", "iot_list_devices", self.list_devices, parameters=_LISTED),
            Route("POST", "/admin/devices", "iot_create_devices", self.create_devices, body=True),
            Route("GET", one, "iot_retrieve_device", self.retrieve_device),
            Route("PUT", one, "iot_change_device", self.change_device, body=True),
            Route("DELETE", one, "iot_delete_device", self.delete_device),
            Route("POST", f"{one}/key", "iot_change_device", self.change_device_key),
        )

    def list_adapters(self, _asked: Asked) -> Response:
        """GET /admin/adapters: each with its state and its counters."""
        return plain([self._adapter(name, told) for name, told in sorted(self.watched.states().items())])

    def retrieve_adapter(self, asked: Asked) -> Response:
        """GET /admin/adapters/{adapter}."""
        name = asked.path["adapter"]
        told = self.watched.states().get(name)
        if told is None:
            raise ResourceNotFound(f"no adapter {name[:100]!r} runs here", remedy="GET /admin/adapters")
        return plain(self._adapter(name, told))

    def list_groups(self, asked: Asked) -> Response:
        """GET /admin/adapters/{adapter}/groups."""
        groups = self.provisioning.devices.groups(asked.path["adapter"])
        return plain([shown_group(one) for one in groups if one.tenant == asked.tenant])

    def create_group(self, asked: Asked) -> Response:
        """POST /admin/adapters/{adapter}/groups: `{"name": "sensors", "key": "…", "new": true}`."""
        made = self.provisioning.add_group(asked.path["adapter"], asked.tenant, _own(asked))
        return plain(shown_group(made), 201)

    def delete_group(self, asked: Asked) -> Response:
        """DELETE /admin/adapters/{adapter}/groups/{group}: its devices are closed from then on."""
        self.provisioning.remove_group(asked.path["adapter"], asked.tenant, asked.path["group"])
        return NO_CONTENT

    def change_group_key(self, asked: Asked) -> Response:
        """POST /admin/adapters/{adapter}/groups/{group}/key: `{"key": "…"}`, shown this once."""
        path = asked.path
        return _once(self.provisioning.new_key(path["adapter"], asked.tenant, "group", path["group"]))

    def list_devices(self, asked: Asked) -> Response:
        """GET /admin/devices: a page of them by adapter and id; a Link to the next one."""
        adapter = asked.query.get("adapter", "")
        offset, limit = asked.number("offset", 0, OFFSET_MAX), asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
        found = [one for one in self.provisioning.devices.provisions(adapter) if one.device.tenant == asked.tenant]
        page: list[Json] = [*map(self._device, found[offset : offset + limit])]
        if offset + limit >= len(found):
            return plain(page)
        further = f"adapter={adapter}&" if adapter else ""
        link = f'</admin/devices?{further}offset={offset + limit}&limit={limit}>;rel="next";type="application/json"'
        return plain(page, headers=(("Link", link),))

    def create_devices(self, asked: Asked) -> Response:
        """POST /admin/devices: one device or a list of them, each with its adapter; all or none of a list."""
        bodies = asked.body if isinstance(asked.body, list) else [asked.body]
        adapter = bodies[0].get("adapter") if bodies and isinstance(bodies[0], dict) else None
        if not isinstance(adapter, str):
            raise BadSettings("adapter: the name of an adapter is wanted")
        for place, one in enumerate(bodies):
            _check_same(one, f"devices[{place}].", {"adapter": adapter, "tenant": asked.tenant})
        made = self.provisioning.add_devices(adapter, asked.tenant, [_untold(one) for one in bodies])
        shown_: list[Json] = [*map(self._device, made)]
        return plain(shown_ if isinstance(asked.body, list) else shown_[0], 201)

    def retrieve_device(self, asked: Asked) -> Response:
        """GET /admin/devices/{adapter}/{device}."""
        return plain(self._device(self.provisioning.find(*_named(asked))))

    def change_device(self, asked: Asked) -> Response:
        """PUT /admin/devices/{adapter}/{device}: as it is said here; its key stays where none is said."""
        return plain(self._device(self.provisioning.put_device(*_named(asked), _untold(_own(asked)))))

    def delete_device(self, asked: Asked) -> Response:
        """DELETE /admin/devices/{adapter}/{device}."""
        self.provisioning.remove_device(*_named(asked))
        return NO_CONTENT

    def change_device_key(self, asked: Asked) -> Response:
        """POST /admin/devices/{adapter}/{device}/key: `{"key": "…"}`, shown this once."""
        adapter, tenant, name = _named(asked)
        return _once(self.provisioning.new_key(adapter, tenant, "device", name))

    def _adapter(self, name: str, told: dict[str, Json]) -> dict[str, Json]:
        return {"adapter": name, **told, "devices": len(self.provisioning.devices.of_adapter(name))}

    def _device(self, one: Provision) -> dict[str, Json]:
        return {**shown_provision(one), **self.watched.seen(one.device)}


TOLD: Final = frozenset({"masked_key", "source", "closed", "first_seen", "last_seen", "offline"})
"""What is shown of a device and cannot be said of it."""


def shown_provision(one: Provision) -> dict[str, Json]:
    """A device as people see it."""
    device = one.device
    whole: dict[str, Json] = {
        "adapter": device.adapter,
        "id": device.id,
        "tenant": device.tenant,
        "group": device.group,
        "mapping": device.mapping,
        "entity_id": device.entity_id,
        "entity_type": device.entity_type,
        "address": device.address,
        "options": dict(device.options),
        "fixed": dict(device.fixed),
        "rate_per_s": device.rate_per_s,
        "offline_after_s": device.offline_after_s,
        "masked_key": shown(device.key_digest, one.hint),
        "closed": device.key_digest == NOBODY,
        "source": one.source,
    }
    return {name: value for name, value in whole.items() if value not in ("", {}, False)}


def shown_group(one: Group) -> dict[str, Json]:
    """A group as people see it."""
    whole: dict[str, Json] = {
        "adapter": one.adapter,
        "name": one.name,
        "tenant": one.tenant,
        "mapping": one.mapping,
        "entity_type": one.entity_type,
        "fixed": dict(one.fixed),
        "options": dict(one.options),
        "masked_key": shown(one.key_digest, one.hint),
        "source": one.source,
    }
    told = {name: value for name, value in whole.items() if value not in ("", {})}
    return {**told, "new": one.new, **({"new_max": one.new_max} if one.new else {})}


def _named(asked: Asked) -> tuple[str, str, str]:
    return asked.path["adapter"], asked.tenant, asked.path["device"]


def _own(asked: Asked) -> Json:
    """The body, which is of the tenant and the adapter that header and path name. Raises BadSettings."""
    _check_same(asked.body, "", {"adapter": asked.path["adapter"], "tenant": asked.tenant})
    return asked.body


def _check_same(body: Json, place: str, wanted: Mapping[str, str]) -> None:
    for name, text in wanted.items():
        if isinstance(body, dict) and body.get(name, text) != text:
            raise BadSettings(f"{place}{name}: it is {text!r} by the path, the header or the first of the list")


def _untold(body: Json) -> Json:
    """A body without what is only shown."""
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in TOLD}


def _once(key: str) -> Response:
    return plain({"key": key}, headers=(("Cache-Control", "no-store"),))
