r"""`/admin/mappings`: what readings become, said while the hub runs; those of files are changed in their files.

    curl -X PUT http://127.0.0.1:1026/admin/mappings/rooms -H 'Content-Type: application/json' \
      -d '{"entities": [{"id": "urn:ngsi-ld:Room:{device}", "type": "Room", "attributes": {"temperature": "t"}}]}'

Mappings are the hub's, not a tenant's, as adapters are. The members are those of a mapping's file (docs/devices.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.link import BadSettings
from adapters.provisioning.book import NotThere
from adapters.provisioning.changing import Provisioning
from broker.http.messages import Response
from broker.http.respond import NO_CONTENT, plain
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json


@dataclass(frozen=True, slots=True)
class MappingDoor:
    """The handlers."""

    provisioning: Provisioning

    def routes(self) -> tuple[Route, ...]:
        """Their rows."""
        root, one = "/admin/mappings", "/admin/mappings/{mapping}"
        return (
            Route("GET", root, "iot_list_mappings", self.list_mappings),
            Route("GET", one, "iot_retrieve_mapping", self.retrieve_mapping),
            Route("PUT", one, "iot_change_mapping", self.put_mapping, body=True),
            Route("DELETE", one, "iot_delete_mapping", self.delete_mapping),
        )

    def list_mappings(self, _asked: Asked) -> Response:
        """GET /admin/mappings: `[{"mapping": "rooms", "source": "file"}, …]`."""
        named = dict.fromkeys(self.provisioning.of_files, "file")
        named |= {row.name: "book" for row in self.provisioning.mappings() if row.name not in named}
        found: list[Json] = [{"mapping": name, "source": source} for name, source in sorted(named.items())]
        return plain(found)

    def retrieve_mapping(self, asked: Asked) -> Response:
        """GET /admin/mappings/{mapping}: as it was said."""
        name = asked.path["mapping"]
        row = self.provisioning.book.one(("mapping", "", "", name))
        if name in self.provisioning.of_files:
            return plain({"mapping": name, "source": "file"})
        if row is None:
            raise NotThere(("mapping", "", "", name))
        return plain(dict(row.body or {}))

    def put_mapping(self, asked: Asked) -> Response:
        """PUT /admin/mappings/{mapping}: it holds from the next message on."""
        name, body = asked.path["mapping"], asked.body
        if not isinstance(body, dict) or body.get("mapping", name) != name:
            raise BadSettings(f"mapping: an object with the members of a mapping is wanted, its name {name[:100]!r}")
        self.provisioning.put_mapping({"mapping": name, **body})
        return NO_CONTENT

    def delete_mapping(self, asked: Asked) -> Response:
        """DELETE /admin/mappings/{mapping}: not while a device or a group names it."""
        self.provisioning.remove_mapping(asked.path["mapping"])
        return NO_CONTENT
