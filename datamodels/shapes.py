"""SHACL of a package: the same rules over the triples of its normalized entities, expanded with the core @context.

An attribute is a node before its value: `<entity> :ratedPower [ a ngsi-ld:Property ; ngsi-ld:hasValue 5000 ]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from datamodels.schemas import WordsOf
from datamodels.source import Attribute, Form, Kind, Model, Package, Text

_PREFIXES: Final = """\
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix ngsi-ld: <https://uri.etsi.org/ngsi-ld/> .
"""
_VALUES: Final[dict[Kind, str]] = {
    "Property": "hasValue",
    "GeoProperty": "hasValue",
    "Relationship": "hasObject",
    "LanguageProperty": "hasLanguageMap",
    "VocabProperty": "hasVocab",
    "ListProperty": "hasValueList",
    "ListRelationship": "hasObjectList",
    "JsonProperty": "hasJSON",
}
_IRI_KINDS: Final = frozenset({"Relationship", "VocabProperty"})


def shapes_of(package: Package, words: WordsOf) -> str:
    """The shapes of all models, as Turtle; the same text each time."""
    parts = [_PREFIXES]
    for model in package.models.values():
        parts += _shape(package, model, words)
    return "\n".join(parts)


def _shape(package: Package, model: Model, words: WordsOf) -> Iterator[str]:
    lines = [f"<{package.namespace}{model.name}/shape> a sh:NodeShape ;", f"  sh:targetClass <{model.iri}> ;"]
    lines += [f"  {line} ;" for line in _texts(model.label, model.description)]
    for attribute in model.attributes.values():
        lines += [f"  sh:property {_property(attribute, words)} ;"]
    lines[-1] = lines[-1].removesuffix(" ;") + " ."
    yield "\n".join(lines) + "\n"


def _property(one: Attribute, words: WordsOf) -> str:
    parts = [f"sh:path <{one.iri}>", *_texts(one.label, one.description)]
    if one.presence == "required":
        parts.append("sh:minCount 1")
    alternatives = [_instance(kind, one, words) for kind in one.kinds]
    if len(alternatives) == 1:
        parts.append(f"sh:node {alternatives[0]}")
    else:
        parts.append(f"sh:or ( {' '.join(alternatives)} )")
    return f"[ {' ; '.join(parts)} ]"


def _instance(kind: Kind, one: Attribute, words: WordsOf) -> str:
    """The node of an instance; what a list, a map or JSON holds is for the JSON Schema to say."""
    value = [f"sh:path ngsi-ld:{_VALUES[kind]}", "sh:minCount 1"]
    if kind in _IRI_KINDS:
        value.append("sh:nodeKind sh:IRI")
    vocabulary = words(one.vocabulary) if one.vocabulary else None
    if vocabulary is not None and vocabulary.closed and kind == "VocabProperty":
        value.append(f"sh:in ( {' '.join(f'<{word.iri}>' for word in vocabulary.words)} )")
    elif vocabulary is not None and vocabulary.closed and kind == "Property":
        value.append(f"sh:in ( {' '.join(json.dumps(word.name) for word in vocabulary.words)} )")
    elif kind == "Property":
        value += _literal(one.form)
    rules = [f"sh:property [ sh:path <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> ; sh:hasValue ngsi-ld:{kind} ]"]
    rules.append(f"sh:property [ {' ; '.join(value)} ]")
    if one.unit and kind == "Property":
        codes = " ".join(json.dumps(code) for code in (one.unit, *one.units))
        rules.append(f"sh:property [ sh:path ngsi-ld:unitCode ; sh:in ( {codes} ) ]")
    return f"[ {' ; '.join(rules)} ]"


def _literal(form: Form) -> Iterator[str]:
    match form.type:
        case "boolean":
            yield "sh:datatype xsd:boolean"
        case "integer":
            yield "sh:datatype xsd:integer"
        case "number":
            yield "sh:or ( [ sh:datatype xsd:integer ] [ sh:datatype xsd:double ] )"
        case "string" | "uri" | "duration":
            yield "sh:datatype xsd:string"
        case _:
            pass
    bounds = {
        "minInclusive": form.least,
        "maxInclusive": form.most,
        "minExclusive": form.above,
        "maxExclusive": form.below,
    }
    held = [f"sh:{name} {bound:g}" for name, bound in bounds.items() if bound is not None]
    if held and form.besides:
        held = [f"sh:or ( [ {' ; '.join(held)} ] [ sh:in ( {' '.join(map(json.dumps, form.besides))} ) ] )"]
    yield from held
    if form.fixed and not any(isinstance(value, float) for value in form.fixed):  # Turtle's 1.5 is a decimal, JSON's no
        yield f"sh:in ( {' '.join(json.dumps(value) for value in form.fixed)} )"
    if form.pattern and form.type == "string":
        yield f"sh:pattern {json.dumps(form.pattern, ensure_ascii=False)}"


def _texts(label: Text, description: Text) -> list[str]:
    def both(text: Text) -> str:
        return f"{json.dumps(text.ja, ensure_ascii=False)}@ja , {json.dumps(text.en)}@en"

    return [f"rdfs:label {both(label)}", f"rdfs:comment {both(description)}"]
