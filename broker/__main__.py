"""`misono`: one command a file of broker/commands."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from importlib import import_module
from pkgutil import iter_modules

from broker import commands


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if words is None else words
    parser = ArgumentParser(prog="misono", description="An NGSI-LD context broker (ETSI GS CIM 009 V1.9.1).")
    chosen = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    modules = [module.name for module in iter_modules(commands.__path__) if not module.name.startswith("_")]
    names = {module.rstrip("_"): module for module in modules}  # `import` is no name for a module
    # Only the command that runs is imported: a broker at rest shall not carry what an import needs.
    wanted = words[0] if words and words[0] in names else None
    for name in names if wanted is None else [wanted]:
        command = import_module(f"broker.commands.{names[name]}")
        text = (command.__doc__ or "").strip().splitlines()[0]
        below = chosen.add_parser(name, help=text, description=command.__doc__)
        command.add_arguments(below)
        below.set_defaults(run=command.run)
    arguments = parser.parse_args(words)
    code: int = arguments.run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
