"""The port ContextLoader over a dictionary of documents: what is not in it is not available."""

from __future__ import annotations

from broker.contexts.loading import not_available
from broker.model.values import Json
from broker.ports import Clock, ContextLoader, LoadedContext


class FakeLoader(ContextLoader):
    """`documents[url]` is the value of @context; `asked` lists the URLs in the order they were fetched."""

    def __init__(self, clock: Clock, lifetime_s: float = 3600) -> None:
        self._clock = clock
        self.lifetime_s = lifetime_s
        self.documents: dict[str, Json] = {}
        self.asked: list[str] = []

    def load(self, url: str) -> LoadedContext:
        """The document, for `lifetime_s` from now."""
        self.asked.append(url)
        if url not in self.documents:
            raise not_available(url, "nobody answers")
        expires_at = self._clock.now() + round(self.lifetime_s * 1_000_000)
        return LoadedContext({"@context": self.documents[url]}, expires_at)
