"""The page of a model, for people: what it is, its attributes, their values, in Japanese and in English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from datamodels.schemas import WordsOf
from datamodels.source import Attribute, Form, Model, Package
from datamodels.units import units

_PRESENCE: Final = {"required": "必須 required", "recommended": "推奨 recommended", "optional": "任意 optional"}
_PERSONAL: Final = {"none": "", "personal": "個人情報 personal data", "special-care": "要配慮個人情報 special care"}


def page_of(package: Package, model: Model, words: WordsOf) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(package, model, words)) + "\n"


def _lines(package: Package, model: Model, words: WordsOf) -> Iterator[str]:
    yield f"# {model.label.ja} / {model.label.en}"
    yield f"\n`{model.name}` {model.version} · <{model.iri}> · {package.name} {package.version}"
    yield f"\n{model.description.ja}\n\n{model.description.en}"
    if model.based_on:
        yield f"\n準拠 Based on: {', '.join(model.based_on)}"
    if model.same_as:
        yield f"\n対応 Corresponds to: {', '.join(f'{to} <{iri}>' for to, iri in model.same_as.items())}"
    yield "\n| 属性 Attribute | 名称 Label | 種別 Kind | 値 Value | | 説明 Description |\n|---|---|---|---|---|---|"
    for attribute in sorted(model.attributes.values(), key=_rank):
        yield _row(attribute)
    for name in dict.fromkeys(one.vocabulary for one in model.attributes.values() if one.vocabulary):
        yield from _vocabulary(name, words)


def _rank(attribute: Attribute) -> tuple[int, str]:
    return [*_PRESENCE].index(attribute.presence), attribute.name


def _row(one: Attribute) -> str:
    marks = " · ".join(mark for mark in (_PRESENCE[one.presence], _PERSONAL[one.personal]) if mark)
    sign = "" if one.sign is None else f" {one.sign.ja} / {one.sign.en}."
    about = f"{one.description.ja} / {one.description.en}.{sign}"
    cells = [f"`{one.name}`", f"{one.label.ja} / {one.label.en}", ", ".join(one.kinds), _value(one), marks, about]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(one: Attribute) -> str:
    parts = [_form(one.form) if one.form.type != "any" else ""]
    parts += [f"{code} ({units()[code].symbol})" for code in (one.unit,) if code in units()]
    parts += [f"または or {', '.join(one.units)}"] if one.units else []
    parts += [f"[{one.vocabulary}](#{one.vocabulary.rpartition(':')[2].lower()})"] if one.vocabulary else []
    parts += [" ".join(one.geometries), " ".join(f"→ {target}" for target in one.targets)]
    return ", ".join(part for part in parts if part)


def _form(form: Form) -> str:
    name = f"{form.type}[]" if form.many else form.type
    name = f"{form.type}, {name}" if form.alone else name
    low = f"≥ {form.least:g}" if form.least is not None else f"> {form.above:g}" if form.above is not None else ""
    high = f"≤ {form.most:g}" if form.most is not None else f"< {form.below:g}" if form.below is not None else ""
    fixed = ", ".join(f"`{value}`" for value in form.fixed)
    besides = ", ".join(f"または or `{value}`" for value in form.besides)
    members = f"{{{', '.join(form.members)}}}" if form.members else ""
    return " ".join(part for part in (name, low, high, besides, fixed, members) if part)


def _vocabulary(name: str, words: WordsOf) -> Iterator[str]:
    vocabulary = words(name)
    yield f"\n## {vocabulary.name}\n\n{vocabulary.label.ja} / {vocabulary.label.en}"
    yield "" if vocabulary.closed else "\nほかの値も可 Other values as well"
    yield "\n| 値 Value | 日本語 | English |\n|---|---|---|"
    for word in vocabulary.words:
        yield f"| `{word.name}` | {word.label.ja} | {word.label.en} |"
