"""YAML as JSON is: no dates, no yes and no, no anchors, no key twice. What is written `on` is the text "on"."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final

import yaml

from broker.model.values import Json

BYTES_MAX: Final = 4 << 20


class BadYaml(ValueError):
    """A text that is no YAML, or more than JSON can say; the message tells line and column."""


class _Loader(yaml.CSafeLoader):
    """Scalars as in YAML 1.2's core schema; each refusal with its place."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML looks here

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """Refuse a key that is there twice, or that is no text."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise _at("a key that is no text: put it in quotes", key.start_mark)
            if key.value in seen:
                raise _at(f"{key.value!r} twice in one mapping", key.start_mark)
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def _at(what: str, mark: Any) -> BadYaml:  # noqa: ANN401  PyYAML's marks have no type
    return BadYaml(f"line {mark.line + 1}, column {mark.column + 1}: {what}")


for _tag, _form, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_form})$"), _first)


def parse_yaml(text: str) -> Json:
    """The value. Raises BadYaml."""
    if len(text) > BYTES_MAX:
        raise BadYaml(f"more than {BYTES_MAX} characters")
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):  # a small text could grow without end by them
                raise _at("an alias (*name): write it out", event.start_mark)
        value: Json = yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader of ours
    except yaml.MarkedYAMLError as error:
        raise _at(f"{error.problem or error.context}", error.problem_mark or error.context_mark) from error
    except yaml.YAMLError as error:
        raise BadYaml(str(error)) from error
    return value
