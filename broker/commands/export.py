"""Export all entities of a data directory: `misono export --data DIR [--out FILE]`.

Writes the live entities of one moment in the order of their creation, streamed: NDJSON, or one JSON-LD array;
gzipped where FILE ends in `.gz`. `misono import` reads it back to the same entities.
"""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from broker.commands._house import NotOpened, add_place_options, context_reader, open_store
from broker.encode import files
from broker.encode.entity import Representation
from broker.errors import NgsiError
from broker.operations.transfer import dump_entities

_NOT_BEGUN = 2


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    add_place_options(parser)
    parser.add_argument(
        "--format", choices=("ndjson", "jsonld"), default="ndjson", help="a line an entity, or an array"
    )
    parser.add_argument("--simplified", action="store_true", help="values alone, without their metadata")
    parser.add_argument("--out", metavar="FILE", default="-", help="`-`, the default, is standard output")


def run(arguments: Namespace) -> int:
    """Write them all; 2 where that could not begin."""
    with ExitStack() as closing:
        try:
            names = context_reader(arguments)(arguments.context)
            broker, call = closing.enter_context(open_store(arguments, existing=True))
            out = _opened(arguments.out, closing)
        except (NotOpened, NgsiError, OSError) as refusal:
            print(f"misono export: {refusal}", file=sys.stderr)
            return _NOT_BEGUN
        representation = Representation(format="simplified") if arguments.simplified else files.WHOLE
        texts = files.texts(dump_entities(broker, call), representation, names, arguments.context)
        for part in files.array(texts) if arguments.format == "jsonld" else files.lines(texts):
            out.write(part)
    return 0


def _opened(name: str, closing: ExitStack) -> BinaryIO:
    if name == "-":
        return sys.stdout.buffer
    if name.endswith(".gz"):
        return cast("BinaryIO", closing.enter_context(gzip.open(name, "wb")))
    return closing.enter_context(Path(name).open("wb"))
