"""Adapters of devices: `misono adapter run | list | lint | test | preview | quarantine | replay`.

misono adapter run [NAME …] --hub URL              adapters of --adapters DIR in a process of their own, until SIGTERM
misono adapter list                                what adapters there are, and their devices
misono adapter lint | test | preview …             what is wrong with mappings, what a frame becomes
misono adapter quarantine list | show | replay | discard    what nothing could become of, and why
misono adapter replay NAME FRAMES --hub URL        recorded frames through an adapter, --speed N times as fast
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from adapters.configuring import read_adapters
from adapters.link import BadSettings
from adapters.mapping_files import packaged_contexts
from adapters.provisioning.reading import read_provisions
from adapters.store import UnusableFile
from broker.commands._mappings import add_mapping_words
from broker.commands._quarantine import add_quarantine_words
from broker.commands._running import add_running_words
from broker.errors import NgsiError

_NOT_BEGUN = 2


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    add_running_words(doing)
    below = doing.add_parser("list", help="what adapters there are, and their devices")
    below.add_argument("--adapters", metavar="DIR", type=Path, default=Path("adapters"), help="their folder")
    below.set_defaults(do=_list)
    add_mapping_words(doing)
    add_quarantine_words(doing)


def run(arguments: Namespace) -> int:
    """Do it; 2 where nothing could begin."""
    do: Callable[[Namespace], int] = arguments.do
    try:
        return do(arguments)
    except (BadSettings, UnusableFile, NgsiError, OSError) as refusal:
        print(f"misono adapter: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _list(arguments: Namespace) -> int:
    files, resolve = read_adapters(arguments.adapters), packaged_contexts()
    for file in files:
        print(f"{file.name}  {file.link['kind']}, {file.codec['kind']}, mapping {file.mapping or 'of each device'}")
        provisions = read_provisions(file.document, resolve(file.context))
        for one in provisions.devices:
            device = one.device
            print(f"  {device.id}  {device.address or '-'}  {device.mapping or file.mapping}")
        for group in provisions.groups:
            print(f"  group {group.name}  key {group.hint or '-'}{'  takes new devices' if group.new else ''}")
    if not files:
        print(f"{arguments.adapters} has no file that says adapter: NAME", file=sys.stderr)
    return 0
