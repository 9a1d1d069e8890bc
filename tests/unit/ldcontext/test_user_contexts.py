"""User @contexts compiled to tables; the core has the last word (clauses 4.4, 4.6.2, 5.5.7)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import BadRequestData, LdContextNotAvailable, NgsiError
from broker.ldcontext.active import DEFAULT_VOCABULARY, ActiveContext
from broker.ldcontext.compile import check_context, compile_context
from broker.ldcontext.core import CORE_URL
from broker.model.values import Json

DOCUMENTS: dict[str, Any] = {
    "https://x.org/a.jsonld": {"@context": ["b.jsonld", {"speed": {"@id": "ex:speed", "@type": "@id"}}]},
    "https://x.org/b.jsonld": {"@context": {"ex": "https://ex.org/", "Car": "ex:Car"}, "other": 1},
    "https://x.org/self.jsonld": {"@context": ["self.jsonld"]},
    "https://x.org/none.jsonld": {"no": "context"},
    "https://x.org/list.jsonld": [],
    "https://x.org/number.jsonld": {"@context": 7},
    "https://x.org/invalid.jsonld": {"@context": {"a": {"@id": 7}}},
}


def names(source: Json) -> ActiveContext:
    def fetch(url: str) -> Json:
        if url not in DOCUMENTS:
            raise LdContextNotAvailable(f"{url} is not available")
        return DOCUMENTS[url]  # type: ignore[no-any-return]

    return compile_context(source, fetch)


def test_urls_lists_objects_and_nested_urls_come_together() -> None:
    found = names(["https://x.org/a.jsonld", {"brand": "ex:brand", "温度": {"@id": "https://ex.org/t"}}])
    assert found.expand("speed") == "https://ex.org/speed"
    assert found.expand("brand") == "https://ex.org/brand"
    assert found.expand("Car") == "https://ex.org/Car"
    assert found.expand("温度") == "https://ex.org/t"
    assert found.expand("ex:wheel") == "https://ex.org/wheel"
    assert found.expand("https://elsewhere.org/x") == "https://elsewhere.org/x"
    assert found.expand("other") == DEFAULT_VOCABULARY + "other"
    assert found.source == ["https://x.org/a.jsonld", {"brand": "ex:brand", "温度": {"@id": "https://ex.org/t"}}]


def test_the_core_cannot_be_redefined() -> None:
    found = names(
        {"location": "https://ex.org/location", "type": "https://ex.org/type", "ngsi-ld": "https://ex.org/n/"}
    )
    assert found.expand("location") == "https://uri.etsi.org/ngsi-ld/location"
    assert found.compact("https://ex.org/location") == "https://ex.org/location"
    assert found.compact("https://uri.etsi.org/ngsi-ld/name") == "ngsi-ld:name"
    assert found.expand("ngsi-ld:x") == "https://uri.etsi.org/ngsi-ld/x"


def test_the_cores_vocabulary_stands_over_the_users_which_serves_its_own_definitions() -> None:
    found = names({"@vocab": "https://voc.org/", "speed": {"@type": "@id"}})
    assert found.expand("speed") == "https://voc.org/speed"
    assert found.expand("other") == DEFAULT_VOCABULARY + "other"


def test_an_older_core_counts_as_a_user_context() -> None:
    found = names(["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.0.jsonld", CORE_URL])
    assert found.expand("name") == "https://uri.etsi.org/ngsi-ld/name"
    assert found.expand("description") == "http://purl.org/dc/terms/description"


def test_compaction_is_that_of_json_ld() -> None:
    found = names({"almostFull": "https://ex.org/full", "ex": "https://ex.org/", "f": "https://ex.org/full"})
    assert found.compact(DEFAULT_VOCABULARY + "almostFull") == "ngsi-ld:default-context/almostFull"
    assert found.compact("https://ex.org/full") == "f"
    assert found.compact("https://ex.org/other") == "ex:other"
    assert found.compact("https://no.prefix/other") == "https://no.prefix/other"
    assert found.terms["https://ex.org/full"] == "f"


def test_null_forgets_what_stood_before_it() -> None:
    assert names([{"a": "https://ex.org/a"}, None, {"b": "https://ex.org/b"}]).expand("a") == DEFAULT_VOCABULARY + "a"
    assert names([{"a": "https://ex.org/a"}, {"a": None}]).expand("a") == DEFAULT_VOCABULARY + "a"


def test_terms_in_the_form_of_iris_name_nothing_and_do_no_harm() -> None:
    found = names({"ex": "https://ex.org/", "ex:a": "https://other.org/a", "@unknown": "https://other.org/u"})
    assert found.expand("ex:a") == "https://ex.org/a"


def test_a_value_may_be_any_text() -> None:
    found = names({"non-compliant": "https://ex.org/nc", "ex": "https://ex.org/"})
    for text in ("non-compliant", "two words", "ex:green", "https://elsewhere.org/a", "", "id"):
        assert found.compact_value(found.expand_value(text)) == text
    assert found.expand_value("two words") == DEFAULT_VOCABULARY + "two words"
    assert found.expand_value("non-compliant") == "https://ex.org/nc"
    assert found.compact("https://ex.org/nc") == "ex:nc"  # as a name it would be illegal


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_a",
        "1a",
        "a-b",
        "a b",
        "a.b",
        "a$",
        "a:",
        ":a",
        "é\u0301",
        "a\u0000",
        "ex:a b",
        "a" * 3000,
        "http://<x>",
        "id",
    ],
)
def test_illegal_names_are_refused_where_they_stand(name: str) -> None:
    with pytest.raises(BadRequestData) as refusal:
        names({"ex": "https://ex.org/"}).expand(name, "/attribute")
    assert refusal.value.pointer == "/attribute"
    assert refusal.value.clause == "4.6.2"


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "a1_", "Ж", "温度2", "ª", "urn:x:y"])
def test_unusual_names_are_names_like_others(name: str) -> None:
    if name.startswith("_"):
        with pytest.raises(BadRequestData):
            names(None).expand(name)
    else:
        assert names(None).compact(names(None).expand(name)) == name


@pytest.mark.parametrize(
    "source",
    [
        7, True, [7], [["https://x.org/a.jsonld", False]], "no-url", "ftp://x.org/a", "http://[bad", "http://x:99999/",
        "https:///a", {"a": {"@id": 7}}, {"a": ["https://ex.org/a"]}, {"a": 7}, {"@vocab": 7}, {"a": "b:", "b": "a:"},
        {"a": {"@container": "@x"}},
        {f"t{n}": f"t{n - 1}:aaaaaaaaaa" for n in range(2000)}, {f"t{n}": f"t{n + 1}:a" for n in range(2000)},
        {"a": {"@id": "https://ex.org/a", "@context": {"b": "https://ex.org/b"}}},
    ],
)  # fmt: skip
def test_a_request_with_an_invalid_context_is_bad(source: Json) -> None:
    with pytest.raises(BadRequestData) as refusal:
        names(source)
    assert refusal.value.pointer.startswith("/@context")
    with pytest.raises(BadRequestData):
        check_context(source)


def test_a_remote_context_that_cannot_be_had_is_not_available() -> None:
    with pytest.raises(LdContextNotAvailable):
        names("https://x.org/missing.jsonld")


@pytest.mark.parametrize("name", ["self", "none", "list", "number", "invalid"])
def test_a_remote_context_that_is_none_is_a_bad_request(name: str) -> None:
    with pytest.raises(BadRequestData) as refusal:
        names(f"https://x.org/{name}.jsonld")
    assert f"https://x.org/{name}.jsonld" in refusal.value.detail


def test_limits_hold() -> None:
    with pytest.raises(BadRequestData, match="terms"):
        names({f"t{n}": f"https://ex.org/{n}" for n in range(20_001)})
    with pytest.raises(NgsiError, match="others"):
        compile_context([f"https://x.org/{n}" for n in range(100)], lambda _: {"@context": {}})
    with pytest.raises(NgsiError, match="steps"):
        compile_context("https://x.org/0", lambda url: {"@context": f"https://x.org/{int(url[14:]) + 1}"})


def test_check_context_fetches_nothing() -> None:
    check_context(["https://unreachable.org/x", {"a": "https://ex.org/a"}])
