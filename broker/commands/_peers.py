"""Another hub as a command meets it over HTTP: who it is, what it offers, and registering there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from broker.model.values import Json
from linkeddata.reading import BadCatalogue, Offer, Offered, read_catalogue

ANSWER_BYTES_MAX = 16 * 1024 * 1024
TIMEOUT_S = 10.0
_API = "/ngsi-ld/v1"


class NoAnswer(Exception):
    """A hub cannot be worked with; the text says which and why."""


class Peer:
    """One hub, in one of its tenants. `proof` are headers that say who asks."""

    def __init__(self, url: str, tenant: str = "", proof: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/").removesuffix(_API)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise NoAnswer(f"{url} is no URL of a hub, such as https://hub.example.org")
        self._headers = {**({"NGSILD-Tenant": tenant} if tenant else {}), **(proof or {})}
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIMEOUT_S))

    def alias(self) -> str | None:
        """Its contextSourceAlias (clause 5.15.1); None where it does not tell."""
        status, body = self._get(f"{_API}/info/sourceIdentity", {})
        if status != 200 or not isinstance(body, dict):  # noqa: PLR2004  older brokers have no identity
            return None
        found = body.get("contextSourceAlias")
        return found if isinstance(found, str) and found.isprintable() else None

    def offered(self) -> Offered:
        """Its catalogue; where it has none its types, with what little these tell. Raises NoAnswer."""
        status, body = self._get("/catalogue", {"Accept": "application/ld+json"})
        if status == 200:  # noqa: PLR2004  success
            try:
                return read_catalogue(body)
            except BadCatalogue as error:
                raise NoAnswer(f"the catalogue of {self.url} cannot be read: {error}") from error
        status, body = self._get(f"{_API}/types", {})
        names = body.get("typeList") if isinstance(body, dict) else None
        if status != 200 or not isinstance(names, list):  # noqa: PLR2004  as above
            raise NoAnswer(f"{self.url} has neither a catalogue nor a list of types: it answers {status}")
        offers = tuple(Offer(one, one) for one in map(str, names) if one.isprintable())
        return Offered(self.url, None, None, offers)

    def register(self, body: Mapping[str, Json]) -> tuple[int, str]:
        """The status, and why where it was refused. Raises NoAnswer."""
        headers = {"Content-Type": "application/json"}
        status, found = self._send("POST", f"{_API}/csourceRegistrations", headers, json.dumps(body).encode())
        problem = found if isinstance(found, dict) else {}
        reason = " ".join(str(problem[name]) for name in ("title", "detail", "pointer") if problem.get(name))
        return status, "".join(one for one in reason if one.isprintable())

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        return self._send("GET", path, headers, None)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, Any]:
        try:
            response = self._http.request(
                method, self.url + path, headers={**self._headers, **headers}, body=body, redirect=False,
                preload_content=False,
            )  # fmt: skip
            try:
                text = response.read(ANSWER_BYTES_MAX + 1)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"{self.url} does not answer: {error}") from error
        if len(text) > ANSWER_BYTES_MAX:
            raise NoAnswer(f"{self.url}{path} answers with more than {ANSWER_BYTES_MAX} bytes")
        try:
            return response.status, json.loads(text) if text else None
        except (ValueError, RecursionError):
            return response.status, None
