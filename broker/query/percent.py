"""`q` in a body that is written as it would stand in a URI (clause 4.9, and ETSI's test 046_05_01)."""

from __future__ import annotations

from urllib.parse import unquote


def decoded(text: str) -> str:
    """`name=="Eiffel%20Tower"` gives `name=="Eiffel Tower"`; a text that holds no escapes of UTF-8 stays as it is.

    A percent sign that two hexadecimal digits follow is written `%25`; any other one stands for itself.
    """
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def encoded(text: str) -> str:
    """The text that `decoded` takes back to this one."""
    return text if decoded(text) == text else text.replace("%", "%25")
