"""The catalogue at the door: valid DCAT-AP 3, true to what is there, silent on what is about persons."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rdflib import DCAT, DCTERMS, RDF, SH, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from broker.settings import SettingError
from broker.wiring import StartError
from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, broker, flask_door, front_door

SHAPES = Path(os.environ.get("MISONO_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data/dcat-ap"
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
VOID = Namespace("http://rdfs.org/ns/void#")
TTL = {"Accept": "text/turtle"}
SETTINGS = """
title = {ja = "美園データ連携基盤", en = "Misono data hub"}
description = {ja = "さいたま市美園地区のデータ", en = "Data of Misono, Saitama"}
licence = "https://creativecommons.org/licenses/by/4.0/"
languages = ["ja", "en"]

[publisher]
name = {ja = "さいたま市", en = "Saitama City"}
uri = "https://www.city.saitama.lg.jp/"

[contact]
name = "Data \\"office\\""
email = "data@example.org"

[[dataset]]
type = "House"
title = {ja = "家", en = "Houses"}
keywords = {ja = ["住宅"], en = ["housing"]}
themes = ["http://publications.europa.eu/resource/authority/data-theme/SOCI"]
licence = "https://creativecommons.org/publicdomain/zero/1.0/"
access = "restricted"

[[dataset]]
type = "Resident"
personal = true

[[dataset]]
type = "Draft"
listed = false
"""


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}


def entities() -> Iterator[dict[str, Any]]:
    yield {"id": "urn:ngsi-ld:House:1", "type": "House", "location": point(139.72, 35.87)}
    yield {"id": "urn:ngsi-ld:House:2", "type": "House", "location": point(139.75, 35.89)}
    yield {"id": "urn:ngsi-ld:Meter:1", "type": "Meter", "level": {"type": "Property", "value": 1}}
    yield {"id": "urn:ngsi-ld:Resident:1", "type": "Resident", "home": point(139.73, 35.88)}
    yield {"id": "urn:ngsi-ld:Draft:1", "type": "Draft"}


def fill(door: Door, tenant: str = "") -> None:
    for entity in entities():
        headers = {"NGSILD-Tenant": tenant} if tenant else {}
        assert door("POST", f"{ROOT}/entities", headers, json.dumps(entity).encode()).status == 201


@pytest.fixture
def said(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


def graph(door: Door, tenant: str = "") -> Graph:
    """The catalogue, as a harvester reads it."""
    reply = door("GET", "/catalogue", {**TTL, "NGSILD-Tenant": tenant})
    assert (reply.status, reply.headers["content-type"]) == (200, "text/turtle; charset=utf-8")
    return Graph().parse(data=reply.body, format="turtle")


def dataset(found: Graph, name: str) -> Node:
    (node,) = found.subjects(VOID["class"], URIRef(NS + name))
    return node


def shapes() -> Graph:
    if not SHAPES.is_dir():
        pytest.skip(f"the shapes of DCAT-AP 3 are not at {SHAPES}: set MISONO_SHARED")
    found = Graph()
    for name in ("dcat-ap-SHACL.ttl", "ranges.ttl"):
        found.parse(SHAPES / name, format="turtle")
    for one in list(found.objects(None, SH.property)):
        if (one, SH.path, None) not in found:  # ranges.ttl names some that it does not define
            found.remove((None, SH.property, one))
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize("tenant", ["", "t1"])
def test_it_is_valid_under_the_published_shapes(said: Path, tenant: str, *, described: bool) -> None:
    from pyshacl import validate  # noqa: PLC0415  it warns when it is imported

    with broker(catalogue=str(said) if described else "") as (_, doors):
        door = front_door(doors)
        fill(door, tenant)
        found = graph(door, tenant)
    conforms, _, text = validate(found, shacl_graph=shapes(), allow_warnings=False)
    assert conforms, text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_shapes_bite(said: Path) -> None:
    from pyshacl import validate  # noqa: PLC0415  as above

    with broker(catalogue=str(said)) as (_, doors):
        fill(front_door(doors))
        found = graph(front_door(doors))
    found.remove((None, DCTERMS.publisher, None))
    found.remove((None, DCAT.accessURL, None))
    assert not validate(found, shacl_graph=shapes())[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_forms_are_one_graph(said: Path) -> None:
    with broker(catalogue=str(said)) as (_, doors):
        fill(front_door(doors))
        reply = flask_door(doors)("GET", "/catalogue", {"Accept": "application/ld+json"})
        turtle = graph(front_door(doors))
    assert reply.headers["content-type"] == "application/ld+json"
    assert Graph().parse(data=reply.body, format="json-ld").isomorphic(turtle)


def test_it_tells_what_is_there(said: Path) -> None:
    clock = FakeClock()
    with broker(catalogue=str(said), clock=clock, public_url="https://misono.example") as (_, doors):
        door = front_door(doors)
        fill(door)
        clock.advance(60)
        body = json.dumps({"name": {"type": "Property", "value": "new"}}).encode()
        assert door("POST", f"{ROOT}/entities/urn:ngsi-ld:House:1/attrs", {}, body).status == 204
        found = graph(door)
    house = dataset(found, "House")
    assert set(found.objects(house, DCTERMS.title)) == {Literal("家", "ja"), Literal("Houses", "en")}
    assert found.value(house, VOID.entities) == Literal(2)
    assert str(found.value(house, DCTERMS.issued)).startswith("2026-01-01T00:00:00")
    assert str(found.value(house, DCTERMS.modified)).startswith("2026-01-01T00:01:00")
    place = found.value(house, DCTERMS.spatial)
    assert str(found.value(place, DCAT.bbox)).startswith("POLYGON((139.7200 35.8700, 139.7500 35.8700")
    assert str(found.value(house, DCTERMS.accessRights)).endswith("/RESTRICTED")
    licences = {found.value(one, DCTERMS.license) for one in found.objects(house, DCAT.distribution)}
    assert licences == {URIRef("https://creativecommons.org/publicdomain/zero/1.0/")}
    assert {Literal("住宅", "ja"), Literal("location")} <= set(found.objects(house, DCAT.keyword))
    assert str(house).startswith("https://misono.example/catalogue#")


def test_of_persons_it_tells_only_that_they_are_known(said: Path) -> None:
    with broker(catalogue=str(said)) as (_, doors):
        fill(front_door(doors))
        found = graph(front_door(doors))
    resident = dataset(found, "Resident")
    told = {DCTERMS.spatial, DCTERMS.temporal, DCTERMS.modified, VOID.entities}
    assert told.isdisjoint(found.predicates(resident))
    assert str(found.value(resident, DCTERMS.accessRights)).endswith("/NON_PUBLIC")
    assert "home" not in set(map(str, found.objects(resident, DCAT.keyword)))
    assert "139.73" not in found.serialize()


def test_what_is_not_listed_is_not_there(said: Path) -> None:
    with broker(catalogue=str(said)) as (_, doors):
        fill(front_door(doors))
        assert "Draft" not in graph(front_door(doors)).serialize()


def test_a_change_is_told_at_once_or_soon() -> None:
    with broker() as (_, doors):
        door = front_door(doors)
        assert not list(graph(door).subjects(RDF.type, DCAT.Dataset))
        fill(door)
        names = {str(one).removeprefix(NS) for one in wait_for(door, 4).objects(None, VOID["class"])}
    assert names == {"House", "Meter", "Resident", "Draft"}


def wait_for(door: Door, datasets: int) -> Graph:
    while len(list((found := graph(door)).subjects(RDF.type, DCAT.Dataset))) < datasets:
        pass
    return found


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("House", {"api": 2, "history": 2, "geojson": 2}),
        ("Meter", {"api": 1, "history": 1, "ndjson": 1, "jsonld": 1}),
        ("Resident", {"api": 1, "history": 1}),
    ],
)
def test_a_harvester_gets_the_data_where_the_catalogue_says(said: Path, name: str, forms: dict[str, int]) -> None:
    with broker(catalogue=str(said), public_url="https://misono.example") as (_, doors):
        door = front_door(doors)
        fill(door)
        found = graph(door)
        taken = {}
        for distribution in found.objects(dataset(found, name), DCAT.distribution):
            url, media = (str(found.value(distribution, one)) for one in (DCAT.accessURL, DCAT.mediaType))
            media_type = media.removeprefix("http://www.iana.org/assignments/media-types/")
            reply = door("GET", url.removeprefix("https://misono.example"), {"Accept": media_type})
            assert reply.status == 200
            assert reply.headers["content-type"] == media_type
            taken[str(distribution).rpartition("=")[2]] = reply.body
    lists = {form: json.loads(body) for form, body in taken.items() if form in ("api", "history", "jsonld")}
    lists["ndjson"] = [json.loads(line) for line in taken.get("ndjson", b"").splitlines()]
    lists["geojson"] = json.loads(taken["geojson"])["features"] if "geojson" in taken else []
    assert {form: len(each) for form, each in lists.items() if each} == forms


@pytest.mark.parametrize(
    ("accept", "status"), [("*/*", 200), ("text/*", 200), ("application/json", 200), ("text/html", 406)]
)
def test_it_comes_as_asked_for(accept: str, status: int) -> None:
    with broker() as (_, doors):
        assert front_door(doors)("GET", "/catalogue", {"Accept": accept}).status == status


def test_a_tenant_that_is_not_there_has_none() -> None:
    with broker() as (_, doors):
        assert front_door(doors)("GET", "/catalogue", {"NGSILD-Tenant": "nobody"}).status == 404


BAD = {
    "title = 3": "title",
    'licence = "no uri"': "licence",
    'access = "secret"': "access",
    "colour = 1": "colour",
    "[[dataset]]\ntitle = 'x'": "names no type",
    "[[dataset]]\ntype = 'T'\npersonal = 1": "personal",
    "[[dataset]]\ntype = 'T'\nkeywords = 'x'": "keywords",
    "title = {'x y' = 'z'}": "language",
    "[[dataset]]\ntype = 'T'\nkeywords = {1 = ['a']}": "language",
    "[[dataset]]\ntype = 'T'\nthemes = ['<x>']": "themes",
    "publisher = 'x'": "publisher",
    "[contact]\nphone = 'x'": "phone",
    "= no toml": "Invalid",
}


@pytest.mark.parametrize("text", BAD)
def test_settings_that_say_nothing_clear_stop_the_start(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(StartError, match=BAD[text]), broker(catalogue=str(path)):
        pass


def test_settings_are_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingError), broker(catalogue=str(tmp_path / "none.toml")):
        pass
