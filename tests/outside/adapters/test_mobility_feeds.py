"""Feeds of buses and bicycles, followed: written by npm `gtfs-realtime-bindings`, or as the specifications say."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs.feeds import EACH
from adapters.codecs.gtfs import cut
from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.readings import Readings
from adapters.table import make_codec
from tests.fakes.feed_server import FeedServer, feed_server
from tests.fakes.node_peer import PLACE, node
from tests.outside.adapters.asked import Asked, asking

SCRIPT = Path(__file__).with_name("feed_encoder.cjs")
TOLD_AT = 1_795_424_400
PUBLIC = {"allow_private": True, "every_s": 0.2}


@pytest.fixture(name="server")
def web_server() -> Iterator[FeedServer]:
    with feed_server() as found:
        yield found


def encoded(*entities: dict[str, Any]) -> bytes:
    """A feed as the peer writes it."""
    header = {"gtfsRealtimeVersion": "2.0", "incrementality": 0, "timestamp": TOLD_AT}
    feed = json.dumps({"header": header, "entity": list(entities)})
    environment = {**os.environ, "NODE_PATH": str(PLACE / "node_modules")}
    done = subprocess.run([node(), str(SCRIPT)], input=feed.encode(), capture_output=True, check=True, env=environment)
    return done.stdout


def bus(number: int, latitude: float = 35.8715) -> dict[str, Any]:
    position = {"latitude": latitude, "longitude": 139.7299, "bearing": 12, "speed": 6.5}
    trip = {"tripId": f"loop-{number}", "routeId": "loop"}
    vehicle = {"trip": trip, "position": position, "vehicle": {"id": f"bus-{number}"}, "currentStatus": 2}
    return {"id": f"e{number}", "vehicle": {**vehicle, "timestamp": TOLD_AT - 5, "occupancyStatus": 1}}


def follow(
    tmp_path: Path, kind: str, settings: dict[str, Any], work: Callable[[Asked], Coroutine[Any, Any, None]]
) -> None:
    async def working() -> None:
        async with asking("poll", tmp_path, {"device": "city", **PUBLIC, **settings}, {"kind": kind}) as asked:
            await work(asked)

    asyncio.run(working())


def read(kind: str, asked: Asked) -> list[Readings]:
    codec = make_codec(kind, {"kind": kind})
    return [one for frame in asked.frames for one in codec.decode(frame)]


def values(one: Readings) -> dict[str, Any]:
    return {reading.quantity: reading.value for reading in one.readings}


def test_buses_are_read_as_they_move_and_not_when_they_stand(server: FeedServer, tmp_path: Path) -> None:
    server.files["/positions.pb"] = encoded(*(bus(number) for number in range(EACH + 3)))

    async def work(asked: Asked) -> None:
        await asked.until(lambda: server.statuses("/positions.pb")[:3] == [200, 304, 304])
        found = read("gtfs-rt", asked)
        assert len(asked.frames) == 2
        assert [one.part for one in found] == [f"bus-{number}" for number in range(EACH + 3)]
        assert values(found[0]) == {
            "latitude": 35.8715,
            "longitude": 139.7299,
            "bearing": 12,
            "speed": 6.5,
            "status": "IN_TRANSIT_TO",
            "occupancy": "MANY_SEATS_AVAILABLE",
            "trip_id": "loop-0",
            "route_id": "loop",
        }
        assert found[0].at == (TOLD_AT - 5) * 1_000_000
        assert found[0].facts == {"feed": "vehicle", "vehicle": "bus-0", "trip": "loop-0", "route": "loop"}
        server.files["/positions.pb"] = encoded(bus(1, 35.9))
        await asked.until(lambda: len(asked.frames) == 3)
        assert values(read("gtfs-rt", asked)[-1])["latitude"] == 35.9

    follow(tmp_path, "gtfs-rt", {"feeds": [{"url": server.url("/positions.pb")}]}, work)


def test_trips_that_are_late_and_what_passengers_are_told(server: FeedServer, tmp_path: Path) -> None:
    stop = {"stopSequence": 3, "stopId": "hall", "arrival": {"delay": 120, "time": TOLD_AT + 300}}
    trip = {
        "tripUpdate": {
            "trip": {"tripId": "loop-1", "routeId": "loop", "startDate": "20261123"},
            "stopTimeUpdate": [stop],
        }
    }
    text = {"translation": [{"text": "運休", "language": "ja"}, {"text": "No service", "language": "en"}]}
    told = {"cause": 8, "effect": 1, "headerText": text, "informedEntity": [{"routeId": "loop"}, {"stopId": "hall"}]}
    alert = {"alert": {**told, "activePeriod": [{"start": TOLD_AT, "end": TOLD_AT + 3600}]}}
    server.files["/updates.pb"] = encoded({"id": "t", **trip}, {"id": "a", **alert}, {"id": "gone", "isDeleted": True})

    async def work(asked: Asked) -> None:
        await asked.until(lambda: asked.frames)
        late, closed = read("gtfs-rt", asked)
        assert values(late) == {
            "route_id": "loop",
            "start_date": "20261123",
            "stop_id": "hall",
            "stop_sequence": 3,
            "arrival_at": TOLD_AT + 300,
            "delay": 120,
        }
        assert (late.part, late.facts["feed"], late.at) == ("loop-1", "trip", TOLD_AT * 1_000_000)
        assert values(closed) == {
            "cause": "WEATHER",
            "effect": "NO_SERVICE",
            "header": {"ja": "運休", "en": "No service"},
            "active_from": TOLD_AT,
            "active_until": TOLD_AT + 3600,
            "routes": ["loop"],
            "stops": ["hall"],
        }

    follow(tmp_path, "gtfs-rt", {"feeds": [{"url": server.url("/updates.pb")}]}, work)


def gbfs(server: FeedServer, version: str) -> None:
    """A system of version 2.3 or 3.0, of two stations and a scooter."""
    new = version == "3.0"
    stamp: Any = "2026-11-23T09:00:00Z" if new else TOLD_AT

    def put(name: str, data: object) -> None:
        body = {"last_updated": stamp, "ttl": 1, "version": version, "data": data}
        server.files[f"/{name}.json"] = json.dumps(body).encode()

    names = ("station_information", "station_status", "vehicle_status" if new else "free_bike_status", "vehicle_types")
    feeds = {"feeds": [{"name": name, "url": server.url(f"/{name}.json")} for name in names]}
    put("gbfs", feeds if new else {"ja": feeds})
    name: Any = [{"text": "駅前", "language": "ja"}] if new else "駅前"
    put(
        "station_information",
        {"stations": [{"station_id": "1", "name": name, "lat": 35.87, "lon": 139.73, "capacity": 20}]},
    )
    count = "num_vehicles_available" if new else "num_bikes_available"
    status = {"station_id": "1", count: 7, "num_docks_available": 13, "is_renting": True, "last_reported": stamp}
    put("station_status", {"stations": [status]})
    kind, key = ("vehicles", "vehicle_id") if new else ("bikes", "bike_id")
    scooter = {
        key: "s1",
        "lat": 35.8,
        "lon": 139.7,
        "is_reserved": False,
        "is_disabled": True,
        "current_range_meters": 9000,
    }
    put(names[2], {kind: [scooter]})
    put("vehicle_types", {"vehicle_types": []})


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_shared_bicycles_of_both_versions_say_the_same(server: FeedServer, tmp_path: Path, version: str) -> None:
    gbfs(server, version)

    async def work(asked: Asked) -> None:
        await asked.until(lambda: len(asked.frames) >= 4)
        found = {one.facts["feed"]: one for one in read("gbfs", asked)}
        assert values(found["station_status"]) == {"vehicles": 7, "docks": 13, "renting": True}
        assert found["station_status"].at == TOLD_AT * 1_000_000
        name = {"ja": "駅前"} if version == "3.0" else "駅前"
        place = {"latitude": 35.87, "longitude": 139.73}
        assert values(found["station_information"]) == {"name": name, "capacity": 20, **place}
        scooter = {"latitude": 35.8, "longitude": 139.7, "reserved": False, "disabled": True, "range": 9000}
        assert values(found["vehicle_status"]) == scooter
        await asked.until(lambda: server.statuses("/station_status.json")[-1] == 304)

    follow(tmp_path, "gbfs", {"feeds": [{"url": server.url("/gbfs.json"), "discover": True}]}, work)


def test_feeds_that_are_no_longer_named_are_no_longer_asked(server: FeedServer, tmp_path: Path) -> None:
    gbfs(server, "2.3")

    async def work(asked: Asked) -> None:
        await asked.until(lambda: len(asked.frames) >= 4)
        feeds = {"feeds": [{"name": "station_status", "url": server.url("/station_status.json")}]}
        server.files["/gbfs.json"] = json.dumps({"last_updated": TOLD_AT, "data": {"ja": feeds}}).encode()
        await asked.until(lambda: server.statuses("/gbfs.json").count(200) == 2)
        await asyncio.sleep(0.3)
        before = len(server.statuses("/station_information.json"))
        await asked.until(lambda: len(server.statuses("/station_status.json")) > before + 2)
        assert len(server.statuses("/station_information.json")) == before

    follow(tmp_path, "gbfs", {"feeds": [{"url": server.url("/gbfs.json"), "discover": True, "every_s": 0.2}]}, work)


def timetable(stops: int) -> bytes:
    """A feed of GTFS-JP."""
    rows = "".join(f"s{number},停留所{number},35.87,139.7{number:03},0\n" for number in range(stops))
    files = {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone,agency_lang\nmisono,美園交通,https://a.example,Asia/Tokyo,ja\n",
        "stops.txt": f"\ufeffstop_id,stop_name,stop_lat,stop_lon,location_type\n{rows}",
        "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nloop,misono,循環,,3\n",
        "translations.txt": "table_name,field_name,language,translation,record_id,field_value\n"
        "stops,stop_name,en,Stop 0,,停留所0\nstops,stop_name,ja-Hrkt,ていりゅうじょ,s1,\n",
        "feed_info.txt": "feed_publisher_name,feed_lang\n美園,ja\n",
        "stop_times.txt": "trip_id,stop_id\n",
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, text in files.items():
            whole.writestr(name, text)
    return written.getvalue()


def test_a_timetable_comes_row_by_row(server: FeedServer, tmp_path: Path) -> None:
    server.files["/gtfs.zip"] = timetable(EACH + 1)

    async def work(asked: Asked) -> None:
        await asked.until(lambda: server.statuses("/gtfs.zip")[-1:] == [304])
        assert [frame.channel for frame in asked.frames] == ["agency.txt", "stops.txt", "stops.txt", "routes.txt"]
        found = read("gtfs", asked)
        assert len(found) == EACH + 3
        stop = values(found[1])
        assert (stop["latitude"], stop["longitude"], stop["location_type"]) == (35.87, 139.7, 0)
        assert stop["stop_name_in"] == {"ja": "停留所0", "en": "Stop 0"}
        assert values(found[2])["stop_name_in"] == {"ja": "停留所1", "ja-Hrkt": "ていりゅうじょ"}
        assert values(found[-1]) == {
            "route_id": "loop",
            "agency_id": "misono",
            "route_short_name": "循環",
            "route_type": 3,
        }
        assert found[-1].facts == {"feed": "routes", "route_id": "loop", "agency_id": "misono"}

    follow(tmp_path, "gtfs", {"feeds": [{"url": server.url("/gtfs.zip")}]}, work)


@pytest.mark.parametrize("fault", [500, 302, 404, b"x" * 5000])
def test_a_feed_that_fails_is_asked_again_and_holds_up_no_other(
    server: FeedServer, tmp_path: Path, fault: bytes | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.links.poll.PAUSE_S", 0.1)
    server.files |= {"/bad": fault, "/good": b'{"a": 1}'}
    feeds = [{"url": server.url("/bad")}, {"url": server.url("/good")}]

    async def work(asked: Asked) -> None:
        await asked.until(lambda: asked.frames)
        assert [frame.payload for frame in asked.frames] == [b'{"a": 1}']
        await asked.until(lambda: len(server.statuses("/bad")) > 1)
        server.files["/bad"] = b'{"b": 2}'
        await asked.until(lambda: len(asked.frames) == 2)
        assert not server.statuses("/elsewhere")

    follow(tmp_path, "json", {"feeds": feeds, "bytes": 4096}, work)


def locked(content: bytes) -> bytes:
    """The zip file with its members marked as encrypted, which nobody here can read."""
    whole = bytearray(content)
    for mark, away in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = whole.find(mark)
        while at >= 0:
            whole[at + away] |= 1
            at = whole.find(mark, at + 4)
    return bytes(whole)


def test_a_locked_timetable_ends_no_other_feed(server: FeedServer, tmp_path: Path) -> None:
    server.files |= {"/locked.zip": locked(timetable(1)), "/good.zip": timetable(1)}
    feeds = [{"url": server.url("/locked.zip")}, {"url": server.url("/good.zip")}]

    async def work(asked: Asked) -> None:
        await asked.until(
            lambda: {frame.channel for frame in asked.frames} == {"agency.txt", "stops.txt", "routes.txt"}
        )
        bad = [frame for frame in asked.frames if frame.payload.startswith(b"no feed of GTFS")]
        assert len(bad) == 1
        with pytest.raises(BadFrame):
            make_codec("gtfs", {"kind": "gtfs"}).decode(bad[0])

    follow(tmp_path, "gtfs", {"feeds": feeds}, work)


def test_a_url_that_is_none_ends_no_feed(server: FeedServer, tmp_path: Path) -> None:
    gbfs(server, "2.3")
    status = {"name": "station_status", "url": server.url("/station_status.json")}
    feeds = {"feeds": [{"name": "broken", "url": "http://[x"}, status]}
    server.files["/gbfs.json"] = json.dumps({"last_updated": TOLD_AT, "data": {"ja": feeds}}).encode()

    async def work(asked: Asked) -> None:
        await asked.until(lambda: asked.frames)
        assert asked.frames[0].channel == "station_status"

    follow(tmp_path, "gbfs", {"feeds": [{"url": server.url("/gbfs.json"), "discover": True}]}, work)


def test_a_timetable_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = timetable(1000)
    assert len(cut(whole, "")) > 10
    monkeypatch.setattr("adapters.codecs.gtfs.UNPACKED_BYTES_MAX", 10_000)
    (piece,) = cut(whole, "")
    assert b"unpacks to more than" in piece.payload


def test_what_is_not_public_is_asked_only_where_the_file_says_so(server: FeedServer, tmp_path: Path) -> None:
    server.files["/good"] = b"{}"

    async def work(_asked: Asked) -> None:
        await asyncio.sleep(0.5)

    for host in ("127.0.0.1", "localhost"):
        url = f"http://{host}:{server.port}/good"
        follow(tmp_path, "json", {"feeds": [{"url": url}], "allow_private": False}, work)
    assert not server.asked


def follow_secretly(server: FeedServer, tmp_path: Path) -> None:
    """Until two feeds came."""

    async def work(asked: Asked) -> None:
        await asked.until(lambda: len(asked.frames) == 2)

    settings = {"feeds": [{"url": server.url("/gbfs.json"), "discover": True}], "secret_headers": {"X-Key": "BIKES"}}
    follow(tmp_path, "gbfs", settings, work)


def test_a_secret_goes_to_the_host_of_the_file_alone(
    server: FeedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIKES", "s3cret")
    gbfs(server, "2.3")
    elsewhere = f"http://localhost:{server.port}/station_status.json"
    with feed_server() as other:  # the same host, and another port
        other.files |= server.files
        named = [("station_status", elsewhere), ("station_information", other.url("/station_information.json"))]
        feeds = {"feeds": [{"name": name, "url": url} for name, url in named]}
        server.files["/gbfs.json"] = json.dumps({"last_updated": TOLD_AT, "data": {"ja": feeds}}).encode()
        follow_secretly(server, tmp_path)
        assert [headers.get("X-Key") for _, _, headers in other.asked] == [None]

    said = {path: headers.get("X-Key") for path, _, headers in server.asked}
    assert said == {"/gbfs.json": "s3cret", "/station_status.json": None}


@pytest.mark.parametrize(
    ("settings", "member"),
    [
        ({}, "device"),
        ({"device": "x"}, "feeds"),
        ({"device": "x", "feeds": [{"url": "ftp://x"}]}, "feeds/0/url"),
        ({"device": "x", "feeds": [{"url": "https://me:pw@x"}]}, "feeds/0/url"),
        (
            {"device": "x", "feeds": [{"url": "https://x"}], "secret_headers": {"K": "NOT_SET_ANYWHERE"}},
            "secret_headers/K",
        ),
        ({"device": "x", "feeds": [{"url": "https://x"}], "evry_s": 1}, "evry_s"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, settings: dict[str, Any], member: str) -> None:
    async def making() -> None:
        async with asking("poll", tmp_path, settings, {"kind": "json"}):
            """It is not made."""

    with pytest.raises(BadSettings, match=f"link/{member}"):
        asyncio.run(making())
