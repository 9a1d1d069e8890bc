"""Paths to operations, on the raw path (clause 6.2)."""

from __future__ import annotations

import pytest

from broker.errors import BadRequestData, InvalidRequest, MethodNotAllowed, ResourceNotFound
from broker.http.route import API_ROOT, Routes
from broker.http.table import OPERATIONS

ROUTES = Routes(OPERATIONS)


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_operation_is_found_with_and_without_a_slash_at_the_end(slash: str) -> None:
    for operation in OPERATIONS:
        names = [part[1:-1] for part in operation.template.split("/") if part.startswith("{")]
        path = operation.path
        for name in names:
            path = path.replace("{" + name + "}", f"urn%3Ax%2F{name}%23%3F%25")
        found, variables = ROUTES.find(operation.method, path + slash)
        assert found is operation
        assert variables == {name: f"urn:x/{name}#?%" for name in names}


def test_operations_have_names_and_places_of_their_own() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_an_encoded_slash_is_no_path_separator() -> None:
    found, variables = ROUTES.find("GET", API_ROOT + "/entities/urn:x:a%2Fattrs%2Fb")
    assert found.name == "retrieve_entity"
    assert variables == {"entityId": "urn:x:a/attrs/b"}


UNKNOWN = [
    "/",
    "/ngsi-ld/v1",
    "/ngsi-ld/v1/",
    "/ngsi-ld/v1/nothing",
    "/ngsi-ld/v2/entities",
    "/ngsi-ld/v1/entities/urn:x:1/other",
    "/ngsi-ld/v1/temporal",
    "//ngsi-ld/v1/entities",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_paths_are_not_found(path: str) -> None:
    with pytest.raises(ResourceNotFound):
        ROUTES.find("GET", path)


def test_another_method_is_told_which_there_are() -> None:
    with pytest.raises(MethodNotAllowed) as refusal:
        ROUTES.find("PUT", API_ROOT + "/entities")
    assert refusal.value.allowed == "DELETE, GET, POST"
    with pytest.raises(MethodNotAllowed):
        ROUTES.find("DELETE", API_ROOT + "/entities/urn:x:1/attrs/")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_empty_entity_id_is_bad_data(method: str) -> None:
    with pytest.raises(BadRequestData):
        ROUTES.find(method, API_ROOT + "/entities/")


def test_a_path_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        ROUTES.find("GET", API_ROOT + "/entities/%FF%FE")
