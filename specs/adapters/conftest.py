"""The words of the features of devices, beside those of all features."""

from __future__ import annotations

from pytest_bdd import given, parsers, then, when

from specs import commanding

given(parsers.parse("a charger of {watts:d} watts that works"))(commanding.a_charger)
given("only the grid may command devices")(commanding.only_the_grid)
given("the rated power of the charger is not known")(commanding.rating_unknown)
given(parsers.parse('the charger is "{state}"'))(commanding.the_charger_is)
given("the charger cannot be reached")(commanding.cannot_be_reached)
when(parsers.parse('a client sets the "{name}" of the charger to {value} {unit}'))(commanding.a_client_sets)
when(parsers.parse("the charger can be reached after {seconds:d} seconds"))(commanding.is_back)
when(parsers.parse("{seconds:d} seconds go by"))(commanding.go_by)
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
