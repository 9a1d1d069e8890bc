"""Whom data are about: the names under which an entity, or one instance of an attribute, says so.

    {"id": …, "type": …, DATA_SUBJECT: {"type": "Property", "value": "urn:misono:subject:8f2c"}, …}

What is known of an entity's head holds for all its history: its DATA_SUBJECT never changes once it is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.model.values import Json

DATA_SUBJECT: Final = "https://misono.example/def/dataSubject"
"""Pseudonyms of the persons that something is about; an instance's own takes the place of its entity's."""
DATA_CLASS: Final = "https://misono.example/def/dataClass"
"""How sensitive an instance is, where it says so itself."""
JUDGED_BY: Final = frozenset({DATA_SUBJECT, DATA_CLASS})
"""Sub-attributes that a policy judges an instance by."""


def head_of(document: Mapping[str, Json]) -> dict[str, Json]:
    """What a policy must know of an entity to judge a part of it: who, what, and whom it is about."""
    return {name: document[name] for name in ("id", "type", DATA_SUBJECT) if name in document}
