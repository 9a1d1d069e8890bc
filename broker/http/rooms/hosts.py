"""Whether a request was sent to this machine's own name. Pure.

The page of a stranger may have its own name point to this machine (DNS rebinding): the browser then takes the hub for
the page's own site, and only the header Host still tells the name. An address has no name that could be pointed anew.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from ipaddress import ip_address


def is_ours(host: str, names: AbstractSet[str]) -> bool:
    """Whether a header Host has one of these names, that of this machine, or an address: `[::1]:1026`.

    A request without one is no browser's.
    """
    name = _name(host).rstrip(".").lower()
    return name in names or name in ("", "localhost") or name.endswith(".localhost") or _is_address(name)


def _name(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
