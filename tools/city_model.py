"""What a large city needs on MongoDB, worked out from counted figures: bytes, index sizes, commands, machines.

    python -m tools.city_model [--entities N] [--tenants N] [--subscriptions N] [--changes-s N] [--reads-s N] …

Counts first, with the tests that print the figures (a minute); nothing in it is a time that a test server took. What
was assumed, and not counted, stands in `Assumed`. Prints the tables of decision 28 in Markdown.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from tools.figures import runs

TESTS = "tests/engines/mongodb"
GB = 1e9
DAY_S = 86_400
LOG_MIB = 64
"""What a tenant's change log may be large."""


@dataclass(frozen=True, slots=True)
class Case:
    """A city."""

    entities: float = 10e6
    tenants: float = 10_000
    subscriptions: float = 100_000
    changes_s: float = 1_000
    """Changes of one attribute, on average over the day; a peak is three times that."""
    notified_share: float = 0.2
    """Of the changes, those that a subscription must be told of."""
    reads_s: float = 4_000
    pages_s: float = 500
    history_days: float = 30
    log_days: float = 7
    waiting_s: float = 60
    """How long a notification is on its way, receivers that are away among them."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What cannot be counted here; to be measured on the machines that are bought."""

    fill: float = 0.67  # of a page of a B-tree after random inserts
    packed: float = 0.5  # a document on disk, of its size: snappy, over JSON and long names
    peak: float = 3.0
    hot_share: float = 0.2  # of the documents of entities, those that are touched in an hour
    member_memory: float = 128 * GB
    cache_share: float = 0.5  # of a member's memory, MongoDB's own cache
    member_disk: float = 3_000 * GB
    disk_used: float = 0.6
    member_commands_s: float = (
        10_000  # commands on indexed documents, majority and journal, a member on NVMe with 16 cores
    )
    oplog_times: float = 1.3  # an entry of the oplog, of the bytes that were sent
    oplog_days: float = 3
    write_us: float = 1_500  # CPU of a broker, as tests/outside/mongodb/test_broker_cpu.py finds it on a busy machine
    read_us: float = 500
    page_us: float = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One collection: documents, bytes, bytes of all of its indexes."""

    name: str
    documents: float
    bytes: float
    index_bytes: float


def index_bytes(counted: Mapping[str, float], thing: str, assumed: Assumed) -> dict[str, float]:
    """Bytes that a thing has in each index, in pages as full as assumed."""
    head, tail = f"index_{thing}__", "_kept"
    found = {name: bytes_ for name, bytes_ in counted.items() if name.startswith(head) and name.endswith(tail)}
    return {name[len(head) : -len(tail)]: bytes_ / assumed.fill for name, bytes_ in found.items()}


def collections(case: Case, counted: Mapping[str, float], assumed: Assumed) -> list[Kept]:
    """What is kept, once as much goes as comes."""
    changes = case.changes_s * DAY_S
    logged_most = case.tenants * LOG_MIB * 2**20 / counted["changed_log_bytes"]

    def of(name: str, *parts: tuple[float, str]) -> Kept:
        each = [(number, thing, sum(index_bytes(counted, thing, assumed).values())) for number, thing in parts]
        documents = sum(number * counted[f"{thing}_documents"] for number, thing, _ in each)
        held = sum(number * counted[f"{thing}_bytes"] for number, thing, _ in each)
        return Kept(name, documents, held, sum(number * index for number, _, index in each))

    return [
        of("entities", (case.entities, "entity")),
        of("history", (case.entities, "created_history"), (changes * case.history_days, "changed_history")),
        of("log", (min(changes * case.log_days, logged_most), "changed_log")),
        of("subscriptions", (case.subscriptions, "subscription")),
        of("notifications on their way", (case.changes_s * case.notified_share * case.waiting_s, "notification")),
    ]


def commands_s(case: Case, counted: Mapping[str, float]) -> dict[str, tuple[float, float, float, float]]:
    """Of each kind of operation: how many a second, and commands, bytes to and from the server for each."""
    rates = {
        "patch": case.changes_s,
        "closing": case.changes_s * case.notified_share,
        "get": case.reads_s,
        "page_q": case.pages_s,
    }
    return {
        name: (rate, counted[f"{name}_commands"], counted[f"{name}_bytes_sent"], counted[f"{name}_bytes_read"])
        for name, rate in rates.items()
    }


def shards(case: Case, counted: Mapping[str, float], assumed: Assumed) -> dict[str, int]:
    """How many replica sets are needed, by what each resource asks for."""
    kept = collections(case, counted, assumed)
    by_name = {one.name: one for one in kept}
    hot = by_name["entities"].index_bytes + assumed.hot_share * by_name["entities"].bytes
    recent = sum(by_name[name].index_bytes for name in ("history", "log")) / case.history_days
    disk = sum(one.bytes * assumed.packed + one.index_bytes for one in kept) + oplog(case, counted, assumed)
    busy = assumed.peak * sum(rate * commands for rate, commands, *_ in commands_s(case, counted).values())
    return {
        "memory": math.ceil((hot + recent) / (assumed.member_memory * assumed.cache_share)),
        "disk": math.ceil(disk / (assumed.member_disk * assumed.disk_used)),
        "commands": math.ceil(busy / assumed.member_commands_s),
    }


def oplog(case: Case, counted: Mapping[str, float], assumed: Assumed) -> float:
    """Bytes of the oplog, for as many days as it shall reach back."""
    sent = case.changes_s * counted["patch_bytes_sent"]
    sent += case.changes_s * case.notified_share * counted["closing_bytes_sent"]
    return sent * assumed.oplog_times * assumed.packed * DAY_S * assumed.oplog_days


def brokers(case: Case, assumed: Assumed) -> int:
    """Cores of brokers at the peak, and half as many again for one machine that is away."""
    writes = case.changes_s * (1 + case.notified_share) * assumed.write_us
    reads = case.reads_s * assumed.read_us + case.pages_s * assumed.page_us
    return math.ceil(assumed.peak * (writes + reads) / 1e6 * 1.5)


def lines(case: Case, counted: Mapping[str, float], assumed: Assumed) -> Iterator[str]:
    """The tables."""
    yield f"{case.entities:,.0f} entities, {case.tenants:,.0f} tenants, {case.subscriptions:,.0f} subscriptions, "
    yield f"{case.changes_s:,.0f} changes a second, history of {case.history_days:g} days, log of {case.log_days:g}.\n"
    yield "| Collection | Documents | Bytes each | Data, GB | Indexes, GB |"
    yield "|---|--:|--:|--:|--:|"
    for one in collections(case, counted, assumed):
        each = one.bytes / one.documents
        data, indexes = one.bytes / GB, one.index_bytes / GB
        yield f"| {one.name} | {one.documents:,.0f} | {each:,.0f} | {data:,.1f} | {indexes:,.1f} |"
    yield f"| oplog, {assumed.oplog_days:g} days, on disk | | | {oplog(case, counted, assumed) / GB:,.0f} | |"
    yield "\n| Index of `entities` | Entries an entity | Bytes an entity | GB |"
    yield "|---|--:|--:|--:|"
    for name, each in index_bytes(counted, "entity", assumed).items():
        entries = counted[f"index_entity__{name}_entries"]
        yield f"| `{name}` | {entries:g} | {each:,.0f} | {each * case.entities / GB:,.1f} |"
    yield "\n| Operation | A second | Commands | Commands/s | Sent, bytes | Read, bytes |"
    yield "|---|--:|--:|--:|--:|--:|"
    for name, (rate, commands, sent, read) in commands_s(case, counted).items():
        yield f"| {name} | {rate:,.0f} | {commands:g} | {rate * commands:,.0f} | {sent:,.0f} | {read:,.0f} |"
    needed = shards(case, counted, assumed)
    told = ", ".join(f"{number} by {resource}" for resource, number in needed.items())
    most = max(needed.values())
    yield f"\nReplica sets: {told}; so {most} of three members with {assumed.member_memory / GB:,.0f} GB of memory and "
    yield f"{assumed.member_disk / GB:,.0f} GB of NVMe. Brokers: {brokers(case, assumed)} cores."


def count() -> dict[str, float]:
    """The counted figures. Raises NotMeasured."""
    found = runs.from_tests("city_model", f"{TESTS}/test_stored_bytes.py", f"{TESTS}/test_command_counts.py")()
    if found["failed"].value:
        raise runs.NotMeasured("a count failed: var/figures/city_model.log")
    return {name: sample.value for name, sample in found.items()}


def main() -> int:
    """Count, work out, print."""
    parser = ArgumentParser(prog="python -m tools.city_model", description=__doc__)
    for one in fields(Case):
        parser.add_argument("--" + one.name.replace("_", "-"), type=float, default=one.default)
    case = Case(**vars(parser.parse_args()))
    print("\n".join(lines(case, count(), Assumed())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
