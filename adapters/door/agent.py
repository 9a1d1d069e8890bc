r"""`/iot/services`, `/iot/devices`: FIWARE's IoT Agent API, for what is provisioned with its clients.

    curl -X POST http://127.0.0.1:1026/iot/services -H 'fiware-service: openiot' -H 'fiware-servicepath: /' \
      -H 'Content-Type: application/json' \
      -d '{"services": [{"apikey": "4jggokgpepnvsb2uv4s40d59ov", "resource": "/iot/json", "entity_type": "Thing"}]}'

What is otherwise here: keys are shown as `****` and their last four characters; expressions, lazy attributes and
`trust` are not done, and who sends an expression is told so; without fiware-service it is the default tenant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, cast

from adapters.link import BadSettings
from adapters.provisioning.agent_changing import AgentProvisioning, Caller, shown_group
from broker.http.links import context_of
from broker.http.messages import Response
from broker.http.respond import NO_CONTENT, plain
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json

LIMIT, LIMIT_MAX, OFFSET_MAX = 20, 1_000, 10_000_000
PATH_MAX: Final = 512
LEVELS_MAX: Final = 10
_PAGED: Final = frozenset({"limit", "offset"})
_CHOSEN: Final = frozenset({"resource", "apikey"})


@dataclass(frozen=True, slots=True)
class AgentDoor:
    """The handlers."""

    agent: AgentProvisioning

    def routes(self) -> tuple[Route, ...]:
        """Their rows."""
        return (
            Route("GET", "/iot/about", "iot_about", self.about),
            *self._groups("services"),
            *self._groups("configGroups"),
            Route("GET", "/iot/devices", "iot_list_devices", self.list_devices, parameters=_PAGED),
            Route("POST", "/iot/devices", "iot_create_devices", self.create_devices, body=True),
            Route("GET", "/iot/devices/{device}", "iot_retrieve_device", self.retrieve_device),
            Route("PUT", "/iot/devices/{device}", "iot_change_device", self.change_device, body=True),
            Route("DELETE", "/iot/devices/{device}", "iot_delete_device", self.delete_device),
        )

    def _groups(self, name: str) -> tuple[Route, ...]:
        """The same under the name that later versions of the API have for it."""
        path, chosen = f"/iot/{name}", _CHOSEN
        listed = self._listing(name)
        created = self._creating(name)
        return (
            Route("GET", path, "iot_list_groups", listed, parameters=_PAGED),
            Route("POST", path, "iot_create_groups", created, body=True),
            Route("PUT", path, "iot_change_group", self.change_group, body=True, parameters=chosen),
            Route("DELETE", path, "iot_delete_group", self.delete_group, parameters=chosen | {"device"}),
        )

    def about(self, _asked: Asked) -> Response:
        """GET /iot/about."""
        told = version("misono")
        return plain({"libVersion": told, "version": told, "baseRoot": "/"})

    def _listing(self, name: str) -> Callable[[Asked], Response]:
        def list_groups(asked: Asked) -> Response:
            found = self.agent.groups(caller_of(asked))
            page = _page(asked, [shown_group(one) for one in found])
            return plain({"count": len(found), name: page})

        return list_groups

    def _creating(self, name: str) -> Callable[[Asked], Response]:
        def create_groups(asked: Asked) -> Response:
            given = asked.body if isinstance(asked.body, dict) else {}
            self.agent.add_groups(_one_path(asked), {"services": given.get(name)})
            return plain({}, 201)

        return create_groups

    def change_group(self, asked: Asked) -> Response:
        """PUT /iot/services?resource=…&apikey=…."""
        self.agent.change_group(caller_of(asked), *_chosen(asked), asked.body)
        return NO_CONTENT

    def delete_group(self, asked: Asked) -> Response:
        """DELETE /iot/services?resource=…&apikey=…; with `device=true` its devices too."""
        devices = asked.query.get("device", "") == "true"
        self.agent.remove_group(caller_of(asked), *_chosen(asked), devices=devices)
        return NO_CONTENT

    def list_devices(self, asked: Asked) -> Response:
        """GET /iot/devices."""
        found = self.agent.devices(caller_of(asked))
        return plain({"count": len(found), "devices": _page(asked, [self.agent.shown_device(one) for one in found])})

    def create_devices(self, asked: Asked) -> Response:
        """POST /iot/devices."""
        self.agent.add_devices(_one_path(asked), asked.body)
        return plain({}, 201)

    def retrieve_device(self, asked: Asked) -> Response:
        """GET /iot/devices/{device}."""
        return plain(self.agent.shown_device(self.agent.device(caller_of(asked), asked.path["device"])))

    def change_device(self, asked: Asked) -> Response:
        """PUT /iot/devices/{device}."""
        self.agent.change_device(caller_of(asked), asked.path["device"], asked.body)
        return NO_CONTENT

    def delete_device(self, asked: Asked) -> Response:
        """DELETE /iot/devices/{device}."""
        self.agent.remove_device(caller_of(asked), asked.path["device"])
        return NO_CONTENT


def caller_of(asked: Asked) -> Caller:
    """Whose part of the hub it is about. Raises BadSettings."""
    headers = asked.request.headers
    path = headers.get("fiware-servicepath") or "/"
    fits = path.startswith("/") and path.isascii() and path.isprintable() and "," not in path
    if not fits or len(path) > PATH_MAX or path.count("/") > LEVELS_MAX:
        raise BadSettings("fiware-servicepath: a path such as /gardens is wanted")
    link = headers.get("link", "")
    context = context_of(link) if link else None
    return Caller(asked.tenant, path, context if isinstance(context, str) else "")


def _one_path(asked: Asked) -> Caller:
    caller = caller_of(asked)
    if caller.path.endswith(("/*", "/#")):
        raise BadSettings("fiware-servicepath: what is made is of one path; /* is for lists")
    return caller


def _chosen(asked: Asked) -> tuple[str, str]:
    """The resource and the key of the group that is meant. Raises BadSettings."""
    if "resource" not in asked.query or not asked.query.get("apikey"):
        raise BadSettings("query: resource and apikey say which group is meant")
    return asked.query["resource"], asked.query["apikey"]


def _page(asked: Asked, rows: list[dict[str, Json]]) -> list[Json]:
    offset, limit = asked.number("offset", 0, OFFSET_MAX), asked.number("limit", LIMIT, LIMIT_MAX)
    return cast("list[Json]", rows[offset : offset + limit])
