"""The words of `misono adapter quarantine`: what nothing could become of, and what is to be done about it.

misono adapter quarantine list [--reason WORD]     the oldest first; --json for programs
misono adapter quarantine show NUMBER              one, with its payload
misono adapter quarantine replay NUMBER … | --all  take them once more: the process that runs the adapter does it
misono adapter quarantine discard NUMBER … | --all
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.quarantine import Chosen, Quarantine
from adapters.store import NAME, AdapterStore, UnusableFile
from broker.model.values import to_text

_NOTHING, _WRONG = 0, 1
_LIMIT = 100


def add_quarantine_words(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    """Add the word to the subparsers of `misono adapter`."""
    words = doing.add_parser("quarantine", help="what nothing could become of, and why")
    below = words.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, run, text in (
        ("list", _list, "the oldest first"),
        ("show", _show, "one, with its payload"),
        ("replay", _replay, "have them taken once more, as things are now"),
        ("discard", _discard, "throw them away"),
    ):
        parser: ArgumentParser = below.add_parser(name, help=text)
        parser.add_argument("--data", metavar="DIR", type=Path, default=Path("var"), help="where the adapters run")
        parser.set_defaults(do=run)
        if name == "show":
            parser.add_argument("number", metavar="NUMBER", type=int)
            continue
        for column in ("adapter", "device", "reason"):
            parser.add_argument(f"--{column}", metavar="WORD", default="", help=f"of this {column} only")
        if name == "list":
            parser.add_argument("--after", metavar="NUMBER", type=int, default=0, help="those that came later")
            parser.add_argument("--limit", metavar="N", type=int, default=_LIMIT, help=f"at most (default {_LIMIT})")
            parser.add_argument("--json", action="store_true", help="as JSON, a line each, for programs")
        else:
            parser.add_argument("numbers", metavar="NUMBER", nargs="*", type=int)
            parser.add_argument("--all", action="store_true", help="all, or all that the other options choose")


def _list(arguments: Namespace) -> int:
    with _opened(arguments) as quarantine:
        for one in quarantine.each(_chosen(arguments, after=arguments.after), arguments.limit):
            refused = one.refused
            if arguments.json:
                print(json.dumps(one.shown(), ensure_ascii=False))
                continue
            again = "  (to be replayed)" if one.replay else ""
            print(
                f"{one.number}  {to_text(refused.at)}  {refused.kept.adapter}/{refused.kept.device or '-'}"
                f"  {refused.reason}: {refused.message}{again}"
            )
        if not arguments.json:
            total = sum(number for _, _, number in quarantine.counts())
            print(f"{total} in all", file=sys.stderr)
    return _NOTHING


def _show(arguments: Namespace) -> int:
    with _opened(arguments) as quarantine:
        found = quarantine.one(arguments.number)
    if found is None:
        print(f"misono adapter: there is no number {arguments.number}", file=sys.stderr)
        return _WRONG
    print(json.dumps(found.shown(), ensure_ascii=False, indent=2))
    return _NOTHING


def _replay(arguments: Namespace) -> int:
    with _opened(arguments) as quarantine:
        print(f"{quarantine.ask_replay(_meant(arguments))} to be taken once more by the process that runs the adapter")
    return _NOTHING


def _discard(arguments: Namespace) -> int:
    with _opened(arguments) as quarantine:
        print(f"{quarantine.discard(_meant(arguments))} discarded")
    return _NOTHING


def _meant(arguments: Namespace) -> Chosen:
    """Raises UnusableFile where it was not said which."""
    if not arguments.numbers and not arguments.all:
        raise UnusableFile("which? Numbers, as `misono adapter quarantine list` tells them, or --all")
    return _chosen(arguments)


def _chosen(arguments: Namespace, after: int = 0) -> Chosen:
    numbers = tuple(getattr(arguments, "numbers", ()))
    return Chosen(arguments.adapter, arguments.device, arguments.reason, numbers, after)


@contextmanager
def _opened(arguments: Namespace) -> Iterator[Quarantine]:
    if not (arguments.data / NAME).is_file():
        raise UnusableFile(f"{arguments.data} has no {NAME}: --data DIR where the adapters run")
    store = AdapterStore(arguments.data)
    try:
        yield Quarantine(store)
    finally:
        store.close()
