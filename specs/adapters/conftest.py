"""The words of the features of devices, beside those of all features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, then, when

from specs import commanding, measuring
from specs.measuring import District

given(parsers.parse("a charger of {watts:d} watts that works"))(commanding.a_charger)
given("only the grid may command devices")(commanding.only_the_grid)
given("the rated power of the charger is not known")(commanding.rating_unknown)
given(parsers.parse('the charger is "{state}"'))(commanding.the_charger_is)
given("the adapter of the charger runs beside the hub")(commanding.runs_beside)
given("the charger cannot be reached")(commanding.cannot_be_reached)
when(parsers.parse('a client sets the "{name}" of the charger to {value} {unit}'))(commanding.a_client_sets)
when(parsers.parse("the charger can be reached after {seconds:d} seconds"))(commanding.is_back)
when(parsers.parse("{seconds:d} seconds go by"))(commanding.go_by)
when(parsers.parse('the "{name}" of the charger becomes {value} {unit} in the store, and nobody was asked'))(
    commanding.becomes
)
when("the claim of the adapter is ended")(commanding.claim_ended)
when(parsers.parse('another adapter claims the "{name}" of the charger'))(commanding.another_claims)
when("the client writes back what it reads")(commanding.writes_back)
when("the charger's entity is deleted")(commanding.is_deleted)
when(parsers.parse('the charger answers {status} with "{result}"'))(commanding.answers)
then(parsers.parse('the charger is told "{name}" {value} and nothing else'))(commanding.is_told)
then(parsers.parse('the charger was last told "{name}" {value}, and not {other}'))(commanding.was_last_told)
then("the charger is told nothing")(commanding.is_told_nothing)
then("the charger is told nothing from then on")(commanding.is_told_nothing)
then(parsers.re(r'its "(?P<name>\w+)" is (?P<status>[A-Z]+)(?:, and nothing is known of a result)?'))(commanding.is_so)
then(parsers.parse('its "{name}" is {status} with "{result}"'))(commanding.is_so_with)
then(parsers.parse('the charger has no "{name}"'))(commanding.has_no)
then("there is no charger")(commanding.there_is_none)
then(parsers.parse('the audit says "{events}" and nothing else'))(commanding.the_audit_says)


@pytest.fixture
def district(store: str, tmp_path: Path) -> Iterator[District]:
    with measuring.district(store, tmp_path) as found:
        yield found


@given(parsers.parse('a sensor "{name}" with the key "{key}" in a room'))
def a_sensor(district: District, name: str, key: str) -> None:
    district.begin(name, key)


@when(parsers.re(r'"(?P<name>\w+)" says with the key "(?P<key>\w+)" (?P<message>.+)'))
def it_says(district: District, name: str, key: str, message: str) -> None:
    district.say(name, key, message)


@given("the hub is away")
def the_hub_is_away(district: District) -> None:
    district.hub.away = True


@when("the hub is back")
def the_hub_is_back(district: District) -> None:
    district.hub.away = False


@then(parsers.parse('the warmth of the room of "{name}" is {value:g} CEL since "{since}"'))
def the_warmth_is(district: District, name: str, value: float, since: str) -> None:
    measuring.the_warmth_is(district, name, value, since)


@then(parsers.re(r'the room of "(?P<name>\w+)" was written (?P<times>\d) times, and not (?:once|twice)'))
def was_written(district: District, name: str, times: str) -> None:
    measuring.was_written(district, name, int(times))


@then(parsers.parse('there is no room of "{name}"'))
def there_is_no_room(district: District, name: str) -> None:
    measuring.there_is_no_room(district, name)


@then(parsers.parse("the frame is refused as {reason}"))
def the_frame_is_refused(district: District, reason: str) -> None:
    assert district.reasons() == [reason]


@then("nothing is in quarantine")
def nothing_is_in_quarantine(district: District) -> None:
    assert district.reasons() == []
