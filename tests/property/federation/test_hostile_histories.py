"""Whatever a source calls a history is read as one, or refused (clause 6.3.17)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.errors import NgsiError
from broker.ldcontext.core import core_context
from broker.model.registration import Information, Registration
from broker.ports import UNRESTRICTED
from broker.query.ast import EVERYTHING, InScope
from broker.query.temporal import Aggregation, TemporalQuery
from broker.stores.recall import page_of, tell
from federation.maps import read_map
from federation.merge_temporal import Version, decode_evolution, merge_evolutions
from federation.messages import Answered, Forward

NAMES = core_context()
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00,5Z", "yesterday", "", 7, None])
texts = st.sampled_from(["urn:x:1", "Car", "urn:ngsi-ld:null", "@none", "/a/b", "no uri", "", "\x00"]) | st.text(
    max_size=8
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | TIMES
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
instances = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["Property", "Relationship", "GeoProperty", "LanguageProperty", "Nothing", 1]),
        **dict.fromkeys(("value", "object", "languageMap", "datasetId", "unitCode", "sub", "values", "json"), values),
        **dict.fromkeys(("observedAt", "createdAt", "modifiedAt", "deletedAt"), TIMES),
        "instanceId": texts,
    },
)
attributes = instances | st.lists(instances, max_size=4) | values
bodies = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("urn:x:1") | texts, "type": st.just("Car") | values,
        "scope": attributes, "speed": attributes,
        "https://x.org/speed": attributes, "@context": values,
        **dict.fromkeys(("createdAt", "modifiedAt", "deletedAt", "expiresAt"), TIMES),
    },
)  # fmt: skip
queries = st.builds(
    TemporalQuery,
    timeproperty=st.sampled_from(["observedAt", "modifiedAt", "deletedAt"]),
    last_n=st.none() | st.integers(1, 3),
    aggregation=st.none() | st.just(Aggregation(("avg", "max", "distinctCount"), 1, 0)),
    instances_max=st.integers(1, 3),
)


@given(bodies | values, bodies, queries)
def test_a_history_is_read_or_refused(one: Any, other: Any, query: TemporalQuery) -> None:
    versions = []
    for source, body in (("urn:r:1", one), ("urn:r:2", other)):
        try:
            versions.append(Version(decode_evolution(body, NAMES), source))
        except NgsiError:
            continue
    merged = merge_evolutions(versions, query, 0)
    for where in (EVERYTHING, InScope("/a/#")):
        told = [tell(story, query, where, UNRESTRICTED) for story in merged.stories.values()]
        try:
            page_of([each for each in told if each is not None], query, merged.name_of)
        except NgsiError:
            continue


@given(values | st.fixed_dictionaries({"id": texts, "entityMap": values | st.dictionaries(texts, values)}))
def test_a_map_is_read_or_left_alone(body: Any) -> None:
    forward = Forward(Registration("urn:r:1", "http://x", (Information(),)), "", "GET", "/entityMaps")
    found = read_map(Answered(forward, 201, body))
    assert found is None or all((found[0], *found[1]))
