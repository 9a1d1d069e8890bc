"""Cities as packages: `misono package check | context | key | build | install`.

misono package check FOLDER                what is wrong with a city's folder; ends with 1 where something is
misono package context FOLDER              write its context.jsonld, composed of its packages'; terms it has are kept
misono package key FILE                    make a key to sign with, and print its public half
misono package build FOLDER --key FILE --to DIR
                                           one signed archive, NAME-VERSION.misono: the same bytes each time
misono package install ARCHIVE --cities DIR (--data DIR | --url URL)
                                           check it, put its files into DIR/NAME and its entities and rules into the
                                           hub; --trust KEY takes a signer from now on, --only-files leaves the hub be
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import orjson

from broker.commands._city import Installing, NotInstalled, checked, faults_of
from broker.commands._house import NotOpened, add_place_options
from broker.errors import NgsiError
from datamodels.city.archive import BadArchive, pack
from datamodels.city.composing import composed
from datamodels.city.signing import BadSignature, new_key, read_key
from datamodels.city.source import CONTEXT, files_of
from datamodels.contexts import TermClash
from datamodels.reading import BadSource

_WRONG, _NOT_BEGUN = 1, 2
_SECRET_MODE = 0o600


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    for name, run, text in (
        ("check", _check, "what is wrong with a city's folder"),
        ("context", _context, "write context.jsonld out of the packages'"),
        ("build", _build, "pack and sign"),
    ):
        below = doing.add_parser(name, help=text)
        below.add_argument("folder", metavar="FOLDER", type=Path)
        below.add_argument("--models", metavar="DIR", type=Path, help="model packages beside those that come along")
        below.set_defaults(do=run)
        if name == "build":
            below.add_argument("--key", metavar="FILE", type=Path, required=True, help="of `misono package key`")
            below.add_argument("--to", metavar="DIR", type=Path, default=Path(), help="where the archive goes")
    below = doing.add_parser("key", help="make a key to sign with")
    below.add_argument("file", metavar="FILE", type=Path)
    below.set_defaults(do=_key)
    below = doing.add_parser("install", help="check an archive and put it into a hub")
    below.add_argument("archive", metavar="ARCHIVE", type=Path)
    below.add_argument("--cities", metavar="DIR", type=Path, required=True, help="where installed cities are")
    below.add_argument("--trust", metavar="KEY", default="", help="the public key of a signer to take from now on")
    below.add_argument("--models", metavar="DIR", type=Path, help="model packages beside those that come along")
    below.add_argument("--url", metavar="URL", default="", help="a running broker instead of --data")
    below.add_argument("--only-files", action="store_true", help="put its files there, nothing into a hub")
    add_place_options(below)
    below.set_defaults(do=_install)


def run(arguments: Namespace) -> int:
    """Do it."""
    do: Callable[[Namespace], int] = arguments.do
    try:
        return do(arguments)
    except (BadArchive, BadSignature, BadSource, NgsiError, NotInstalled, NotOpened, OSError, TermClash) as refusal:
        print(f"misono package: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _check(arguments: Namespace) -> int:
    one = checked(arguments.folder, arguments.models)
    faults = faults_of(one)
    for fault in faults:
        print(fault)
    print(f"{one.city.name} {one.city.version}: {len(one.entities)} entities, {len(faults)} faults")
    return _WRONG if faults else 0


def _context(arguments: Namespace) -> int:
    one = checked(arguments.folder, arguments.models)
    target = arguments.folder / CONTEXT
    kept = one.terms if target.is_file() else {}
    terms = composed(one.packages, kept)
    target.write_bytes(orjson.dumps({"@context": terms}, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"{target}: {len(terms)} terms, {len(terms) - len(kept)} of them new")
    return 0


def _key(arguments: Namespace) -> int:
    key = new_key()
    arguments.file.touch(_SECRET_MODE, exist_ok=False)
    arguments.file.write_bytes(key.pem())
    print(f"{arguments.file} is the private key: whoever has it signs as you. Others trust you by\n{key.public}")
    return 0


def _build(arguments: Namespace) -> int:
    one, key = checked(arguments.folder, arguments.models), read_key(arguments.key.read_bytes())
    faults = faults_of(one)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return _WRONG
    city = one.city
    content = pack(city.name, city.version, one.versions, files_of(city.home), key)
    target = arguments.to / f"{city.name}-{city.version}.misono"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    print(f"{target}: {len(content):,} bytes, {len(one.entities)} entities, signed by {key.public}")
    return 0


def _install(arguments: Namespace) -> int:
    installing = Installing(arguments.cities, arguments.models)
    with installing.staged(arguments.archive, arguments.trust) as staged:
        one = staged.one
        if not arguments.only_files:
            refused = installing.load(staged, arguments)
            if refused:
                print("\n".join(refused), file=sys.stderr)
                return _WRONG
        place = installing.keep(one)
    print(f"{one.city.name} {one.city.version} is in {place}; `misono serve --contexts {place / 'contexts.tsv'}`")
    return 0
