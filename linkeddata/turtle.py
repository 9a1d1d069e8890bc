"""A document of our own JSON-LD as Turtle; rdflib is imported with the first one, which costs 0.3 s and 20 MB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from broker.model.values import Json

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node


def as_turtle(document: Mapping[str, Json]) -> bytes:
    """The same graph.

    The @context of the document is an object of prefixes, its members are prefixed names, and values are texts,
    numbers, `{"@value": …}`, nodes, or lists of these: what `linkeddata.vocabulary` makes.
    """
    from rdflib import Graph  # noqa: PLC0415  see above

    graph = Graph(bind_namespaces="none")
    prefixes = cast("dict[str, str]", document["@context"])
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace)
    _add_node(graph, prefixes, document)
    return graph.serialize(format="turtle", encoding="utf-8")


def _add_node(graph: Graph, prefixes: Mapping[str, str], node: Mapping[str, Json]) -> Node:
    from rdflib import RDF, BNode, URIRef  # noqa: PLC0415  as above

    subject = URIRef(cast("str", node["@id"])) if "@id" in node else BNode()
    for name, held in node.items():
        if name == "@type":
            graph.add((subject, RDF.type, URIRef(_expanded(prefixes, cast("str", held)))))
        elif not name.startswith("@"):
            for value in _each(held):
                graph.add((subject, URIRef(_expanded(prefixes, name)), _term(graph, prefixes, value)))
    return subject


def _term(graph: Graph, prefixes: Mapping[str, str], value: Json) -> Node:
    from rdflib import Literal, URIRef  # noqa: PLC0415  as above

    if not isinstance(value, dict):
        return Literal(value)
    if "@value" not in value:
        return _add_node(graph, prefixes, value)
    kind, tag = value.get("@type"), value.get("@language")
    datatype = None if kind is None else URIRef(_expanded(prefixes, cast("str", kind)))
    return Literal(value["@value"], lang=cast("str | None", tag), datatype=datatype)


def _each(held: Json) -> Iterator[Json]:
    yield from held if isinstance(held, list) else [held]


def _expanded(prefixes: Mapping[str, str], name: str) -> str:
    prefix, _, rest = name.partition(":")
    return prefixes[prefix] + rest
