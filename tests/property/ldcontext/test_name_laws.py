"""Laws of names for random @contexts: what is expanded comes back, what is compacted expands again (clause 5.5.7)."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from broker.errors import BadRequestData
from broker.ldcontext.active import DEFAULT_VOCABULARY, ActiveContext, Tables
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import core_tables
from broker.ldcontext.names import is_name
from broker.model.values import Json

terms = st.sampled_from(["a", "b", "speed", "almostFull", "location", "value", "温度", "no-name", "x1_"])
prefixes = st.sampled_from(["ex", "ex2", "a", "ngsi-ld", "dc-terms"])
starts = st.sampled_from(["https://ex.org/", "https://ex.org/v#", "https://ex.org/a", "urn:x:", DEFAULT_VOCABULARY])
ends = st.sampled_from(["a", "b", "speed", "almostFull", "location", "a/b", "a-b", "//c", "温度", "a:b"])
iris = st.builds(str.__add__, starts, ends) | st.sampled_from(
    ["https://uri.etsi.org/ngsi-ld/location", "https://uri.etsi.org/ngsi-ld/name", "http://purl.org/dc/terms/title"]
)
tables = st.builds(
    lambda definitions, found: Tables(
        {**found, **definitions}, {k: v for k, v in found.items() if k not in definitions}
    ),
    st.dictionaries(terms, iris, max_size=6),
    st.dictionaries(prefixes, starts, max_size=3),
)
contexts = tables.map(lambda found: ActiveContext("https://ex.org/c.jsonld", found, core_tables("1.9")))


@given(contexts, iris)
def test_a_compacted_iri_expands_to_itself(names: ActiveContext, iri: str) -> None:
    assert names.expand(names.compact(iri)) == iri
    assert names.expand_value(names.compact_value(iri)) == iri


@given(contexts, terms)
def test_an_expanded_term_comes_back_or_as_another_name_of_the_same_iri(names: ActiveContext, term: str) -> None:
    assume(is_name(term))
    iri = names.expand(term)
    back = names.compact(iri)
    same = [other for other, target in names.tables.definitions.items() if target == iri]
    assert back == term or back in same
    assert names.terms[names.iris[term]] == back


@given(contexts, st.text(max_size=20))
def test_any_text_is_a_name_or_refused(names: ActiveContext, text: str) -> None:
    try:
        iri = names.expand(text)
    except BadRequestData:
        return
    assert names.expand(names.compact(iri)) == iri


@given(st.dictionaries(terms.filter(is_name), iris, max_size=5), terms.filter(is_name))
def test_a_compiled_context_says_what_its_object_says(context: dict[str, str], term: str) -> None:
    source: Json = dict(context)
    names = compile_context(source, lambda _: None)
    core = core_tables("1.9").definitions
    assert names.expand(term) == core.get(term, context.get(term, DEFAULT_VOCABULARY + term))
