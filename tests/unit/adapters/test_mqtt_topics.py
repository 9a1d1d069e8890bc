"""Topics by templates: subscriptions, whose a topic is, and where commands go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.links.topics import SETS, BadTopic, Sender, Topics, check_template, filled

LEVEL = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("template", "topic", "sender"),
    [
        ("/json/{key}/{device}/attrs", "/json/k/h1/attrs", Sender("h1", "k")),
        ("/json/{key}/{device}/attrs", "/json/k/h1/attrs/t", None),
        ("/json/{key}/{device}/attrs", "json/k/h1/attrs", None),
        ("/json/{key}/{device}/attrs", "/json//h1/attrs", None),
        ("sensors/{device}/+/{name}", "sensors/h1//t", Sender("h1", "")),
        ("sensors/#", "sensors", Sender("", "")),
        ("sensors/{device}/#", "sensors/h1/a/b\nc", Sender("h1", "")),
        ("#", "any/thing", Sender("", "")),
        ("a.b/{device}", "axb/h1", None),
    ],
)
def test_whose_a_topic_is(template: str, topic: str, sender: Sender | None) -> None:
    topics = Topics([template])
    assert topics.read(topic) == sender
    assert topics.read(topic) == sender  # remembered


def test_the_filters_of_a_template_and_of_the_agents() -> None:
    assert Topics(["a/{key}/{device}/{name}/#"]).filters == ("a/+/+/+/#",)
    assert Topics(["a/{device}", "a/{name}"]).filters == ("a/+",)
    assert "/ul/+/+/attrs/+" in Topics(SETS["ultralight"]).filters
    assert "json/+/+/configuration/commands" in Topics(SETS["iota-json"]).filters


@pytest.mark.parametrize(
    "template",
    ["", "a/{devices}", "a/x{device}", "a/+b", "a/#/b", "#a", "{device}/{device}", "a\0", "a/" + "x" * 70_000],
)
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(BadTopic):
        check_template(template)


@given(LEVEL, LEVEL)
def test_what_was_filled_in_is_read_again(device: str, key: str) -> None:
    template = "/x/{key}/{device}/cmd"
    assert Topics([template]).read(filled(template, device, key)) == Sender(device, key)


@pytest.mark.parametrize(
    ("device", "key"), [("a/b", "k"), ("#", "k"), ("h1", "+"), ("", "k"), ("h1", ""), ("h\0", "k")]
)
def test_no_device_makes_another_topic_of_it(device: str, key: str) -> None:
    with pytest.raises(BadTopic):
        filled("/{key}/{device}/cmd", device, key)


def test_only_what_the_template_names_must_be_fit() -> None:
    assert filled("fixed/{device}", "h1", "") == "fixed/h1"
