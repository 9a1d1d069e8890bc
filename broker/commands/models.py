"""Data models as packages: `misono models list | lint | build | test | diff | install | policy`.

misono models list                          the packages, their versions and types; --json for programs
misono models lint [NAME …]                 what a package must keep; ends with 1 where it does not
misono models build [NAME …] --to DIR       schemas, context, shapes, pages, examples; --check compares with manifests,
                                            --write writes them
misono models test [NAME …]                 every example is taken, every broken one refused where it is broken
misono models diff OLD NEW                  what changed between two folders of one package; ends with 1 where the
                                            version does not say so
misono models install FOLDER --models DIR   check a package and put it where `misono serve --models DIR` finds it
misono models policy [TYPE MODE]            off, warn, reject or default for a type, at a running broker; else the list
"""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from broker.commands._policy import add_policy
from broker.model.values import Json
from datamodels import difference
from datamodels.building import build
from datamodels.contexts import TermClash
from datamodels.library import Library, built_in, read_homes, read_library
from datamodels.lint import lint
from datamodels.manifest import NAME, differing, manifest_of, sources_of
from datamodels.reading import BadSource, homes_of, read_package
from datamodels.source import Package, Text
from datamodels.trying import try_package

_WRONG, _NOT_BEGUN = 1, 2


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    parser.add_argument("--packages", metavar="DIR", type=Path, default=built_in(), help="where packages are")
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    for name, run, text in (
        ("list", _list, "the packages, their versions and types"),
        ("lint", _lint, "what a package must keep"),
        ("build", _build, "make what is generated"),
        ("test", _test, "try examples against schemas"),
    ):
        below = doing.add_parser(name, help=text)
        below.add_argument("names", metavar="NAME", nargs="*", help="packages; all where none is named")
        below.set_defaults(do=run)
        if name == "list":
            below.add_argument("--json", action="store_true", help="as JSON, for programs")
        if name == "build":
            below.add_argument("--to", metavar="DIR", type=Path, help="write the generated files there")
            below.add_argument("--check", action="store_true", help="compare with the manifests")
            below.add_argument("--write", action="store_true", help="write the manifests")
    below = doing.add_parser("diff", help="what changed between two folders of one package")
    below.add_argument("old", type=Path)
    below.add_argument("new", type=Path)
    below.set_defaults(do=_diff)
    below = doing.add_parser("install", help="put a package where a broker finds it")
    below.add_argument("folder", type=Path)
    below.add_argument("--models", metavar="DIR", type=Path, required=True)
    below.set_defaults(do=_install)
    add_policy(doing.add_parser("policy", help="what a running broker does about entities that break their model"))


def run(arguments: Namespace) -> int:
    """Do it."""
    do: Callable[[Namespace], int] = arguments.do
    try:
        return do(arguments)
    except (BadSource, TermClash, OSError) as refusal:
        print(f"misono models: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _list(arguments: Namespace) -> int:
    if arguments.json:
        told = [_told(package) for package in _wanted(arguments, _library(arguments))]
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    for package in _wanted(arguments, _library(arguments)):
        print(f"{package.name} {package.version}  {package.title.ja} / {package.title.en}")
        for model in package.models.values():
            print(f"  {model.name} {model.version}  {model.label.ja} / {model.label.en}  ({len(model.attributes)})")
    return 0


def _told(package: Package) -> dict[str, Json]:
    """What `list --json` says of a package."""
    models: list[Json] = [
        {"name": one.name, "iri": one.iri, "version": one.version, "label": _both(one.label)}
        for one in package.models.values()
    ]
    return {
        "name": package.name,
        "version": package.version,
        "title": _both(package.title),
        "licence": package.licence,
        "namespace": package.namespace,
        "context": package.context,
        "depends": dict(package.depends),
        "models": models,
    }


def _both(text: Text) -> dict[str, Json]:
    return {"ja": text.ja, "en": text.en}


def _lint(arguments: Namespace) -> int:
    library = _library(arguments)
    findings = [finding for package in _wanted(arguments, library) for finding in lint(package, library)]
    for finding in findings:
        print(finding)
    print(f"{len(library.packages)} packages, {len(findings)} findings")
    return _WRONG if findings else 0


def _build(arguments: Namespace) -> int:
    library, stale = _library(arguments), 0
    for package in _wanted(arguments, library):
        home = arguments.packages / package.name
        generated, sources = build(package, library), sources_of(home)
        if arguments.to is not None:
            _write(arguments.to / package.name, generated)
        if arguments.write:
            (home / NAME).write_bytes(manifest_of(package.version, sources, generated))
        if arguments.check:
            stale += _compare(home, sources, generated)
        print(f"{package.name} {package.version}: {len(generated)} files")
    return _WRONG if stale else 0


def _compare(home: Path, sources: dict[str, bytes], generated: object) -> int:
    manifest = (home / NAME).read_bytes() if (home / NAME).is_file() else b"{}"
    paths = differing(manifest, sources, generated)  # type: ignore[arg-type]
    for path in paths:
        print(f"  {home.name}/{path} is not as {NAME} says: `misono models build --write`")
    return len(paths)


def _test(arguments: Namespace) -> int:
    library, wrong = _library(arguments), 0
    for package in _wanted(arguments, library):
        tried = try_package(package, library)
        for fault in tried.faults:
            print(f"{package.name}: {fault}")
        print(f"{package.name}: {tried.taken} examples taken, {tried.refused} refused, {len(tried.faults)} faults")
        wrong += len(tried.faults)
    return _WRONG if wrong else 0


def _diff(arguments: Namespace) -> int:
    old, new = (read_package(folder.resolve(), built_in()) for folder in (arguments.old, arguments.new))
    found = difference.differences(old, new)
    for one in found:
        print(f"{one.weight:<6}{one.where}: {one.what}")
    need, rise = difference.needed(found), difference.risen(old.version, new.version)
    if difference.is_enough(rise, need):
        print(f"{old.version} -> {new.version}: {len(found)} changes")
        return 0
    print(f"{old.version} -> {new.version}: not enough, these are changes for a {need} version")
    return _WRONG


def _install(arguments: Namespace) -> int:
    """Check a package beside all that it will stand beside, and put it there."""
    folder: Path = arguments.folder.resolve()
    homes = {**homes_of(built_in(), arguments.models), folder.name: folder}
    library = read_homes(homes)
    package, there = library.packages[folder.name], arguments.models / folder.name
    refusals = [str(finding) for finding in lint(package, library)]
    refusals += [f"{package.name}: {fault}" for fault in try_package(package, library).faults]
    if there.exists():
        refusals += _no_rise(read_package(there, built_in()), package)
    if refusals:
        print("\n".join(refusals), file=sys.stderr)
        return _WRONG
    _replace(folder, there)
    print(f"{package.name} {package.version} is in {there}")
    return 0


def _no_rise(old: Package, new: Package) -> Iterator[str]:
    need = difference.needed(difference.differences(old, new))
    if not difference.is_enough(difference.risen(old.version, new.version), need):
        yield f"{old.version} is there; {new.version} is no {need} version after it"


def _replace(source: Path, target: Path) -> None:
    """Put the folder there as a whole: a broker that reads finds the old one or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(source, fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _library(arguments: Namespace) -> Library:
    folders = [built_in(), arguments.packages]
    return read_library(*dict.fromkeys(folders))


def _wanted(arguments: Namespace, library: Library) -> Iterator[Package]:
    names = arguments.names or [
        home.name for home in sorted(arguments.packages.iterdir()) if home.name in library.packages
    ]
    for name in names:
        if name not in library.packages:
            raise BadSource(f"no package {name}; there are {', '.join(sorted(library.packages))}")
        yield library.packages[name]


def _write(home: Path, generated: object) -> None:
    for path, content in generated.items():  # type: ignore[attr-defined]
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
