"""Drives a broker with the PyPI client `ngsildclient` as it comes; runs in an environment of its own.

python ngsildclient_drive.py HOST PORT      prints `done`, or fails with what went wrong
"""

from __future__ import annotations

import sys

from ngsildclient import Client, Entity
from ngsildclient.api.exceptions import NgsiResourceNotFoundError


def drive(client: Client) -> None:
    """Create, get, query, update, delete; each with what it must have changed."""
    entity = Entity("AirQualityObserved", "Misono:1")
    entity.tprop("dateObserved", "2026-01-01T00:00:00Z").prop("NO2", 22, unitcode="GP").loc((35.6, 139.7))
    assert client.create(entity), "create"
    assert client.exists(entity.id), "exists"
    assert client.get(entity.id)["NO2"].value == 22, "get"
    assert [one.id for one in client.query(type="AirQualityObserved", q="NO2>20")] == [entity.id], "query"
    assert client.query(type="AirQualityObserved", q="NO2>30") == [], "query of nothing"
    assert client.count(type="AirQualityObserved") == 1, "count"
    entity["NO2"].value = 23
    assert client.update(entity), "update"
    assert client.get(entity.id)["NO2"].value == 23, "get after update"
    assert client.upsert(Entity("AirQualityObserved", "Misono:2").prop("NO2", 5)), "upsert"
    assert client.count(type="AirQualityObserved") == 2, "count after upsert"
    assert client.delete(entity), "delete"
    assert is_gone(client, entity.id), "get after delete"
    assert not client.exists(entity.id), "exists after delete"


def is_gone(client: Client, entity_id: str) -> bool:
    """Whether the broker says that there is no such entity."""
    try:
        client.get(entity_id)
    except NgsiResourceNotFoundError:
        return True
    return False


def main(host: str, port: int) -> None:
    """Drive, and say that all went well."""
    client = Client(hostname=host, port=port)
    try:
        drive(client)
    finally:
        client.close()
    print("done")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
