"""httpx for servers of the tests' own, which have no certificates: reading those of all authorities takes it 50 ms.

That is what `httpx.get` and `httpx.Client()` do each time, and most of what a short test costs.
"""

from __future__ import annotations

import ssl
from functools import partial
from typing import Final

import httpx

NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: over TLS nothing is reached with it."""

Client: Final = partial(httpx.Client, verify=NOBODY)
request: Final = partial(httpx.request, verify=NOBODY)
get: Final = partial(httpx.get, verify=NOBODY)
post: Final = partial(httpx.post, verify=NOBODY)
delete: Final = partial(httpx.delete, verify=NOBODY)
patch: Final = partial(httpx.patch, verify=NOBODY)
stream: Final = partial(httpx.stream, verify=NOBODY)
