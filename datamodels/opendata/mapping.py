"""Which column of a data set becomes which attribute: mappings, from YAML files or from a model's own labels. Pure.

    dataset: public-facilities
    title: {ja: 公共施設一覧, en: Public facilities}
    model: gif:PublicFacility       # package:type, whose names and forms hold; or `type:` and `namespace:` without one
    include: head                   # the columns that all municipal data sets begin with
    id: [全国地方公共団体コード, ID]   # what tells one row from another
    columns:
      名称: {to: name, lang: ja, required: true}
      ＵＲＬ: {to: url, as: uri, also: [ホームページ]}
    sums: {総人口: [男性, 女性]}     # totals that are looked at

`as` is one of the words of READERS (cells.py); `part` one of an address or a place.
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from broker.model.values import Json
from datamodels.source import Attribute, Model, Package, Text

ADDRESS_PARTS: Final = frozenset(
    {"full", "prefecture", "city", "town", "block", "building", "code", "townId", "postal", "kana"}
)
PLACE_PARTS: Final = frozenset({"latitude", "longitude", "x", "y", "zone", "datum"})
READERS: Final = frozenset(
    {"text", "kana", "number", "integer", "flag", "date", "time", "opens", "closes", "instant", "weekdays",
     "municipality", "corporate", "postal", "phone", "digits", "uri", "closed", "identifier", "skip"}
)  # fmt: skip
_MEMBERS: Final = frozenset(
    {"to", "as", "part", "lang", "required", "also", "unit", "partly", "empty", "length", "split"}
)
_TOP: Final = frozenset(
    {"dataset", "title", "model", "type", "namespace", "include", "id", "columns", "sums", "names", "context"}
)


class BadMapping(ValueError):
    """A mapping that cannot be used; the text says where and what would do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, where its cells go and how they are read.

    `to` is the attribute's term, `part` what of an address or place it is, `lang` the language of a name. `also` are
    other headings of it, `empty` what an empty cell means, `partly` what △ means, `split` divides a list, `length`
    fills a code with zeros.
    """

    heading: str
    to: str = ""
    reads: str = "text"
    part: str = ""
    lang: str = ""
    required: bool = False
    also: tuple[str, ...] = ()
    unit: str = ""
    partly: bool | None = None
    empty: Json = None
    length: int = 0
    split: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A data set's columns. `names` are the IRIs of its attributes that no package gives one."""

    dataset: str
    title: Text
    type: str
    columns: tuple[Column, ...]
    id: tuple[str, ...] = ()
    package: str = ""
    namespace: str = "https://misono.example/def/"
    names: ReadOnly[str, str] = field(default_factory=dict)
    sums: ReadOnly[str, tuple[str, ...]] = field(default_factory=dict)


def read_mapping(body: Json, included: ReadOnly[str, Json], file: str = "") -> Mapping:
    """The mapping of a parsed file; `included` are the files that it may include, by name. Raises BadMapping."""
    top = _object(body, file)
    _only(top, _TOP, file)
    columns: dict[str, Column] = {}
    for name in _texts(top.get("include", []), f"{file}/include"):
        if name not in included:
            raise BadMapping(f"{file}/include: no file {name}; there are {', '.join(sorted(included))}")
        columns |= _columns(_object(included[name], name).get("columns", {}), name)
    columns |= _columns(top.get("columns", {}), file)
    package, _, kind = str(top.get("model", "")).rpartition(":")
    title = _object(top.get("title", {}), f"{file}/title")
    return Mapping(
        _text(top, "dataset", file),
        Text(_text(title, "ja", file), _text(title, "en", file)),
        kind or _text(top, "type", file),
        tuple(columns.values()),
        tuple(_texts(top.get("id", []), f"{file}/id")),
        package,
        str(top.get("namespace", "https://misono.example/def/")),
        {name: str(iri) for name, iri in _object(top.get("names", {}), file).items()},
        {total: tuple(_texts(parts, file)) for total, parts in _object(top.get("sums", {}), file).items()},
    )


def _columns(body: Json, file: str) -> dict[str, Column]:
    return {heading: _column(heading, given, file) for heading, given in _object(body, f"{file}/columns").items()}


def _column(heading: str, body: Json, file: str) -> Column:
    where = f"{file}/columns/{heading}"
    given: dict[str, Any] = _object(body, where)
    _only(given, _MEMBERS, where)
    column = Column(
        heading,
        str(given.get("to", "")),
        str(given.get("as", "text")),
        str(given.get("part", "")),
        str(given.get("lang", "")),
        given.get("required") is True,
        tuple(_texts(given.get("also", []), where)),
        str(given.get("unit", "")),
        given.get("partly"),
        given.get("empty"),
        int(given.get("length", 0)),
        str(given.get("split", "")),
    )
    if column.reads not in READERS:
        raise BadMapping(f"{where}/as: {column.reads} is none of {', '.join(sorted(READERS))}")
    if column.part and column.part not in ADDRESS_PARTS | PLACE_PARTS:
        raise BadMapping(f"{where}/part: none of {', '.join(sorted(ADDRESS_PARTS | PLACE_PARTS))}")
    if not column.to and column.reads not in ("skip", "identifier", "closed"):
        raise BadMapping(f"{where}/to: the attribute that the column becomes, or `as: skip`")
    return column


_FORMS: Final = {
    "number": "number", "integer": "integer", "boolean": "flag", "date": "date", "time": "time", "date-time": "instant",
    "uri": "uri",
}  # fmt: skip


def mapping_of(package: Package, model: Model, head: Mapping) -> Mapping:
    """The mapping that a model's own labels make: the Japanese label of an attribute is the heading of its column.

    The columns of `head` (name, address, place, phone, …) are those of every municipal data set.
    """
    known = {column.heading for column in head.columns}
    taken = {column.to for column in head.columns}
    own = [
        _labelled(attribute)
        for attribute in model.attributes.values()
        if attribute.label.ja not in known and attribute.name not in taken and not _is_structure(attribute)
    ]
    wanted = [replace(one) for one in head.columns if not one.to or one.to in model.attributes]
    return Mapping(
        f"{package.name}:{model.name}", model.label, model.name, (*wanted, *own), head.id, package.name,
        package.namespace, sums={},
    )  # fmt: skip


def _labelled(attribute: Attribute) -> Column:
    return Column(
        attribute.label.ja,
        attribute.name,
        _FORMS.get(attribute.form.type, "text"),
        lang="ja" if attribute.kinds[0] == "LanguageProperty" else "",
        required=attribute.presence == "required",
        unit=attribute.unit,
        split=";" if attribute.form.many else "",
    )


def _is_structure(attribute: Attribute) -> bool:
    return attribute.form.type == "object" or attribute.kinds[0] in ("GeoProperty", "Relationship", "JsonProperty")


def _object(body: Any, where: str) -> dict[str, Any]:  # noqa: ANN401 - what a YAML file holds
    if not isinstance(body, dict):
        raise BadMapping(f"{where}: members")
    return cast("dict[str, Any]", body)


def _only(given: dict[str, Any], known: frozenset[str], where: str) -> None:
    unknown = given.keys() - known
    if unknown:
        raise BadMapping(f"{where}: {', '.join(sorted(unknown))} is none of {', '.join(sorted(known))}")


def _text(given: dict[str, Any], name: str, where: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or not text:
        raise BadMapping(f"{where}/{name}: a text")
    return text


def _texts(given: Any, where: str) -> list[str]:  # noqa: ANN401
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        raise BadMapping(f"{where}: a text, or a list of them")
    return texts
