"""The connection to MongoDB: how it is opened, and what its failures are to a caller.

Everything is written with the concern `majority`, journaled; an answer that does not come within ANSWER_S fails the
request with ServiceUnavailable, and the driver finds a new primary, or the same server again, by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.database import Database
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.read_concern import ReadConcern

from broker.errors import ServiceUnavailable
from broker.ports import INLINE, OverBudget

DATABASE: Final = "misono"  # where the URL names none
SELECTION_S: Final = 5.0
"""So long a request waits for a server that takes writes: an election takes two seconds or three."""
ANSWER_S: Final = 10.0
"""So long it waits in all for one operation: for a server, an answer, and the driver's own second try."""

CONNECTING: Final = 100
"""As many as there may be connections. Threads that wait for others to connect, as the driver has them do beyond two,
take a pool that was paused meanwhile for a server that is away, and pause it again: it may go on for minutes."""

Bson = dict[str, Any]
"""What MongoDB keeps."""


class UnusableStore(Exception):
    """MongoDB cannot be used as it is: not reached at the start, or from a newer release; the message says what."""


def connect(url: str) -> tuple[MongoClient[Bson], Database[Bson]]:
    """The client and the database that a URL names. Raises UnusableStore for a URL that is none.

    What the URL says of time-outs wins; of the write concern nothing is taken from it.
    """
    try:
        client: MongoClient[Bson] = MongoClient(
            url,
            appname="misono",
            connect=False,
            tz_aware=True,
            maxConnecting=CONNECTING,
            **_timeouts(url),
        )
        database = client.get_default_database(DATABASE)
    except (ConfigurationError, ValueError) as error:
        # The driver's words may hold a part of a password that it took for something else.
        raise UnusableStore(
            f"this is no URL of MongoDB ({type(error).__name__}); user and password are to be %-encoded"
        ) from error
    return client, database.with_options(
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern(w="majority", j=True),
        read_concern=ReadConcern("majority") if client.options.replica_set_name else ReadConcern(),
    )


def _timeouts(url: str) -> dict[str, Any]:
    """Ours, in ms, but for those that the URL has: an option given beside the URL would win over it."""
    given = {option.partition("=")[0].lower() for option in url.partition("?")[2].split("&")}
    seconds = {"serverSelectionTimeoutMS": SELECTION_S, "connectTimeoutMS": SELECTION_S}
    if "sockettimeoutms" not in given:
        seconds["timeoutMS"] = ANSWER_S
    return {name: int(value * 1000) for name, value in seconds.items() if name.lower() not in given}


@contextmanager
def asking() -> Iterator[None]:
    """Around every use of the driver by a request: its failures become ServiceUnavailable, which names no host.

    Raises OverBudget on the event loop (INLINE): a network is never waited for there.
    """
    if INLINE.get():
        raise OverBudget
    try:
        yield
    except PyMongoError as error:
        raise unavailable(error) from error


def unavailable(error: PyMongoError) -> ServiceUnavailable:
    """The refusal for a failure of the driver."""
    return ServiceUnavailable(f"The store did not answer ({type(error).__name__}); what was asked may be done or not.")
