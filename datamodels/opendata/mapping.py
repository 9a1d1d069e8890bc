"""Which column of a data set becomes which attribute: a model's own labels, and mapping files beside them. Pure.

The Japanese label of an attribute is the heading of its column. A file says what labels cannot:

    dataset: population
    model: gif:PopulationByAge         # package:type, whose names and forms hold; or `type:` and `namespace:`
    id: [全国地方公共団体コード, 地域コード]  # what tells one row from another
    columns:                           # over those of the model and of mappings/head.yaml
      男性: {also: [男]}
      指定年: {to: designatedIn, as: integer, required: true}
    sums: {総人口: [男性, 女性]}          # totals that are looked at

`as` is one of READERS (cells.py has them); `part` one of an address or a place; `also` other headings; `empty` what
an empty cell means, `partly` what △ means; `split` divides a list; `length` fills a code with zeros; `end` is the
attribute that the end of a time span goes to.
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, cast

from broker.model.values import Json
from datamodels.source import Attribute, Model, Package

ADDRESS_PARTS: Final = frozenset(
    {"full", "prefecture", "city", "town", "block", "building", "code", "townId", "postal", "kana"}
)
PLACE_PARTS: Final = frozenset({"latitude", "longitude", "x", "y", "zone", "datum"})
READERS: Final = frozenset(
    {"text", "kana", "number", "integer", "flag", "date", "time", "opens", "closes", "instant", "weekdays",
     "municipality", "corporate", "postal", "phone", "digits", "code", "uri", "closed", "identifier", "skip"}
)  # fmt: skip
_MEMBERS: Final = frozenset(
    {"to", "as", "part", "lang", "required", "also", "unit", "partly", "empty", "length", "split", "end"}
)
_TOP: Final = frozenset({"dataset", "model", "type", "namespace", "names", "id", "columns", "sums"})


_SPANS: Final = (("start", "end"), ("Opening", "Closing"))
NAMESPACE: Final = "https://misono.example/def/"
CORE: Final = frozenset({"location"})
"""Attributes that the core @context names."""
ID: Final = ("全国地方公共団体コード", "ID")
"""What tells the rows of a standard data set apart."""


class BadMapping(ValueError):
    """A mapping that cannot be used; the text says where and what would do."""


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: hashed once a cell
class Column:
    """One column: its heading, the attribute that it becomes, and how its cells are read; see above."""

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
    end: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A data set's columns. `terms` are the IRIs of its type and attributes."""

    dataset: str
    type: str
    columns: tuple[Column, ...]
    terms: ReadOnly[str, str]
    id: tuple[str, ...] = ()
    sums: ReadOnly[str, tuple[str, ...]] = field(default_factory=dict)


def read_head(body: Json, file: str = "head.yaml") -> dict[str, Column]:
    """The columns of the file that all mappings share, by heading. Raises BadMapping."""
    return _columns(_object(body, file).get("columns", {}), file)


def model_named(body: Json, file: str = "") -> str:
    """The `package:type` that a mapping file names; empty where it names none. Raises BadMapping."""
    return str(_object(body, file).get("model", ""))


def read_mapping(body: Json, base: Mapping, file: str = "") -> Mapping:
    """The mapping of a parsed file over that of its model, or of `no_model`. Raises BadMapping."""
    top = _object(body, file)
    _only(top, _TOP, file)
    columns = {column.heading: column for column in base.columns}
    for heading, given in _columns(top.get("columns", {}), file).items():
        columns[heading] = _over(given, columns.get(heading), f"{file}/columns/{heading}")
    terms = dict(base.terms)
    kind = base.type or _text(top, "type", file)
    namespace = str(top.get("namespace", NAMESPACE))
    named = {name: str(iri) for name, iri in _object(top.get("names", {}), file).items()}
    for name in (kind, *(name for column in columns.values() for name in (column.to, column.end))):
        if name and name not in CORE:
            terms[name] = named.get(name) or terms.get(name) or namespace + name
    return Mapping(
        _text(top, "dataset", file),
        kind,
        tuple(columns.values()),
        terms,
        tuple(_texts(top.get("id", [*base.id]), f"{file}/id")),
        {total: tuple(_texts(parts, file)) for total, parts in _object(top.get("sums", {}), file).items()},
    )


def no_model(head: ReadOnly[str, Column]) -> Mapping:
    """The base of a mapping file that names no model: the address and the place, which all data sets have."""
    columns = tuple(column for column in head.values() if column.to)
    return Mapping("", "", columns, {"address": "https://smartdatamodels.org/address"}, ID)


def _over(given: Column, base: Column | None, where: str) -> Column:
    """A column of a file over the model's of its heading: what the file says holds."""
    if base is None:
        if not given.to and given.reads not in ("skip", "identifier", "closed"):
            raise BadMapping(f"{where}/to: the attribute that the column becomes, or `as: skip`")
        return given
    plain = Column(given.heading)
    said = {
        one.name: value for one in fields(Column) if (value := getattr(given, one.name)) != getattr(plain, one.name)
    }
    return replace(base, **said | {"also": (*base.also, *given.also)})


def _columns(body: Json, file: str) -> dict[str, Column]:
    given = _object(body, f"{file}/columns")
    return {unwidened(heading): _column(unwidened(heading), one, file) for heading, one in given.items()}


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
        str(given.get("end", "")),
    )
    if column.reads not in READERS:
        raise BadMapping(f"{where}/as: {column.reads} is none of {', '.join(sorted(READERS))}")
    if column.part and column.part not in ADDRESS_PARTS | PLACE_PARTS:
        raise BadMapping(f"{where}/part: none of {', '.join(sorted(ADDRESS_PARTS | PLACE_PARTS))}")
    return column


_FORMS: Final = {
    "number": "number", "integer": "integer", "boolean": "flag", "date": "date", "time": "time", "date-time": "instant",
    "uri": "uri",
}  # fmt: skip


def mapping_of(package: Package, model: Model, head: ReadOnly[str, Column], terms: ReadOnly[str, str]) -> Mapping:
    """The mapping that a model's own labels make; `head` says how columns of these headings are read.

    `terms` are those of the package's @context.
    """
    own = [
        _labelled(attribute, head.get(unwidened(attribute.label.ja)), model)
        for attribute in model.attributes.values()
        if not _is_structure(attribute)
    ]
    parts = [column for column in head.values() if column.to in model.attributes]
    return Mapping(f"{package.name}:{model.name}", model.name, (*own, *parts), terms, ID)


def unwidened(label: str) -> str:
    """A label with the brackets that headings have: `建物名等（方書）` gives `建物名等(方書)`."""
    return label.replace("（", "(").replace("）", ")")


def _labelled(attribute: Attribute, rule: Column | None, model: Model) -> Column:
    rule = rule or Column("")
    reads, end = _form(attribute, model)
    return replace(
        rule,
        heading=unwidened(attribute.label.ja),
        to=attribute.name,
        reads=reads if rule.reads == "text" else rule.reads,
        end=end,
        lang="ja" if "LanguageProperty" in attribute.kinds else "",
        required=attribute.presence == "required",
        unit=attribute.unit,
        split=rule.split or (";" if attribute.form.many else ""),
    )


def _form(attribute: Attribute, model: Model) -> tuple[str, str]:
    """How an attribute's cells are read, and the attribute that the end of a span goes to."""
    form = attribute.form
    if form.type == "integer" and form.many and form.most == len("月火水木金土日"):
        return "weekdays", ""
    if form.type == "time":
        for begins, ends in _SPANS:
            end = attribute.name.replace(begins, ends)
            if end != attribute.name and end in model.attributes:
                return "opens", end
            if ends in attribute.name:
                return "closes", attribute.name
    return _FORMS.get(form.type, "text"), ""


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
