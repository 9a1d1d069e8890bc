"""Why a price is what it is: every factor of every line, in Japanese and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from broker.model.values import Json
from services.ledger.amounts import told
from services.pricing.prices import Factor, Price, Priced
from services.pricing.rules import Rules

LANGUAGES: Final = ("ja", "en")


@cache
def words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """By section (`factor`, `word`, `text`), name and language."""
    source = files("services.pricing").joinpath("words.toml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = tomllib.loads(source)
    return found


def explained(rules: Rules, price: Price) -> dict[str, Json]:
    """The price of one person's data with its reasons."""
    notes = ["rounded"] if price.exact.denominator > 1 else []
    texts = words()["text"]
    cap = told(rules.cap_month)
    return {
        "priceRuleVersion": rules.version, "priceCurrency": rules.currency, "price": told(price.amount),
        "capped": price.capped,
        "lines": [_line(one) for one in price.lines],
        "notes": [
            {language: texts[name][language].format(cap=f"{cap} {rules.currency}") for language in LANGUAGES}
            for name in (*notes, "capped")
        ],
    }  # fmt: skip


def _line(priced: Priced) -> Json:
    line, exact = priced.line, priced.exact
    factors = words()["text"]["times"]["sign"].join(_fraction(one) for one in priced.factors)
    numbers = {
        "values": line.values, "base": told(priced.base), "factors": factors, "price": f"{float(exact / 1000):.6g}",
    }  # fmt: skip
    text = words()["text"]["line"]
    return {
        "item": f"{line.item}@{line.granularity}", "values": line.values, "basePrice": told(priced.base),
        "factors": [_factor(one) for one in priced.factors], "exact": f"{exact / 1000}",
        "text": {language: text[language].format(**numbers) for language in LANGUAGES},
    }  # fmt: skip


def _factor(factor: Factor) -> Json:
    label, word = words()["factor"][factor.name], words()["word"][factor.word]
    times = f":{words()['text']['times']['sign']}{_fraction(factor)}"
    return {
        "name": factor.name, "word": factor.word, "value": _fraction(factor), "label": dict(label),
        "text": {language: word[language] + times for language in LANGUAGES},
    }  # fmt: skip


def _fraction(factor: Factor) -> str:
    """`0.25`, or `1/3` where no short decimal is exact."""
    value = factor.value
    short = f"{float(value):.6g}"
    return short if value * 10**6 == int(value * 10**6) and "e" not in short else str(value)
