"""The page that verifies a receipt: HTML without scripts, in Japanese and English; what a receipt says is escaped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a browser does with the page: no script, nothing from elsewhere, in no frame."""
_STYLE: Final = (
    "body{font-family:system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;line-height:1.6}"
    ".valid{border-left:.5rem solid #2f7d5b;padding-left:1rem}.not{border-left:.5rem solid #a03030;padding-left:1rem}"
    "dt{font-weight:bold}dd{margin:0 0 .5rem 0;overflow-wrap:anywhere}textarea{width:100%;height:8rem}"
)


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """By language, then by name."""
    source = files("services.consents").joinpath("texts.toml").read_text(encoding="utf-8")
    return {
        language: {str(name): str(text) for name, text in part.items()}
        for language, part in tomllib.loads(source).items()
    }


def verify_page(verdict: str, told: Mapping[str, Any], language: str, token: str = "") -> str:
    """The page: `verdict` is the name of a text (`valid`, `ended`, `forged`, `unknown`, `empty`)."""
    words = texts()[language]
    found = "".join(
        f"<dt>{escape(words[name])}</dt><dd>{_value(value)}</dd>" for name, value in _rows(told, language, words)
    )
    other = "en" if language == "ja" else "ja"
    again = f"&amp;jws={quote(token)}" if token else ""
    kind = "valid" if verdict == "valid" else "not"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(words['title'])}</title><style>{_STYLE}</style></head><body><h1>{escape(words['title'])}</h1>"
        f"<p>{escape(words['intro'])}"
        f' <a href="?language={other}{again}" lang="{other}">{escape(words["other"])}</a></p>'
        f'<p class="{kind}" role="status"><strong>{escape(words[verdict])}</strong></p>'
        f"<dl>{found}</dl>"
        f'<form method="get"><input type="hidden" name="language" value="{language}"><label>{escape(words["paste"])}'
        f'<textarea name="jws"></textarea></label><button>{escape(words["verify"])}</button></form></body></html>'
    )


def _rows(told: Mapping[str, Any], language: str, words: Mapping[str, str]) -> list[tuple[str, Any]]:
    if not told:
        return []
    special = {True: f" / {words['special']}", False: ""}
    items = [
        f"{one['label'][language]} @{one['item'].partition('@')[2]}{special[one['specialCare']]}"
        for one in told["dataItems"]
    ]
    rows = [
        ("state", told["stateLabel"][language]),
        ("recipient", _in(told["recipientName"], language) or told["recipient"]),
        ("purpose", told["purposeLabel"][language]), ("items", items), ("benefit", _in(told.get("benefit"), language)),
        ("from", told.get("validFrom")), ("until", told.get("validUntil")), ("issued", told.get("issuedAt")),
        ("record", told["consent"]),
    ]  # fmt: skip
    return [(name, value) for name, value in rows if value]


def _in(value: Any, language: str) -> Any:  # noqa: ANN401  a text, or texts by language
    return value.get(language) if isinstance(value, dict) else value


def _value(value: str | Sequence[str]) -> str:
    return escape(value) if isinstance(value, str) else "<br>".join(escape(one) for one in value)
