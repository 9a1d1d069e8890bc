"""Who is provisioned, and told to do something: `misono devices list | add | remove | key | group | command | …`.

misono devices list [--adapter NAME] [--json]           those of files (--adapters DIR) and those that people added
misono devices add ADAPTER ID [--address A] [--mapping M] [--group G] [--new-key | --key-file FILE] …
misono devices remove ADAPTER ID
misono devices group list | add | remove …              API keys by group; --takes-new makes devices of their messages
misono devices mapping list | add FILE | remove NAME    what readings become, beside the files of --adapters DIR
misono devices key ADAPTER NAME [--of-group]            a new key in the place of the old one, shown this once
misono devices export > FILE                            what people added, with digests of keys
misono devices import FILE                              the same again; what is there already stays as it is
misono devices command --entity URI ATTRIBUTE VALUE     tell a device to do something, through a running hub
misono devices commands | audit                         what became of commands; who gave them

A running hub or adapter with the same --data DIR knows of it within a second.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from adapters.configuring import read_adapters
from adapters.door.operators import shown_group, shown_provision
from adapters.link import BadSettings
from adapters.mapping.members import BadMapping
from adapters.mapping_files import packaged_contexts, read_mappings
from adapters.provisioning.book import AlreadyThere, Book, NotThere
from adapters.provisioning.changing import InFile, InUse, Place, Provisioning
from adapters.provisioning.keys import new_key
from adapters.provisioning.provision import Group, Provision
from adapters.provisioning.reading import read_provisions
from adapters.provisioning.registry import Devices
from adapters.store import AdapterStore, NotKept, UnusableFile
from broker.commands._orders import add_words
from broker.errors import NgsiError
from broker.model.values import Json
from broker.wiring import SystemClock
from datamodels.yaml_text import BadYaml, parse_yaml

_WRONG, _NOT_BEGUN = 1, 2
_KEY_BYTES_MAX: Final = 4096
_STDIN: Final = "-"


def add_arguments(parser: ArgumentParser) -> None:
    """One word for what is to be done."""
    doing = parser.add_subparsers(dest="doing", metavar="WHAT", required=True)
    below = _word(doing, "list", _list, "devices, by adapter and id")
    below.add_argument("--adapter", metavar="NAME", default="", help="of this adapter only")
    below.add_argument("--json", action="store_true", help="as JSON, a line each, for programs")
    below = _word(doing, "add", _add, "a new device")
    _add_whom(below, "device", "ID")
    _add_what(below)
    below.add_argument("--group", metavar="NAME", help="whose key it has, and whose settings hold where it has none")
    below.add_argument("--address", metavar="ADDRESS", help="where it is reached, as 192.0.2.7:502")
    below.add_argument("--entity-id", metavar="URI", help="the entity that it becomes")
    below = _word(doing, "remove", _remove, "a device that people added")
    _add_whom(below, "device", "ID")
    below = _word(doing, "key", _key, "a new key in the place of the old one, shown this once")
    _add_whom(below, "name", "NAME")
    below.add_argument("--of-group", action="store_true", help="NAME is a group, not a device")
    _add_groups(doing)
    add_words(doing)
    _add_mappings(doing)
    _word(doing, "export", _export, "what people added, as JSON")
    below = _word(doing, "import", _import, "what export wrote")
    below.add_argument("file", metavar="FILE", help="JSON or YAML; - is the standard input")


def run(arguments: Namespace) -> int:
    """Do it; 1 where it cannot be done, 2 where nothing could begin."""
    do: Callable[[Namespace], int] = arguments.do
    try:
        return do(arguments)
    except (BadSettings, BadMapping, AlreadyThere, NotThere, InFile, InUse) as refusal:
        print(f"misono devices: {refusal}", file=sys.stderr)
        return _WRONG
    except (BadYaml, UnusableFile, NotKept, NgsiError, OSError, UnicodeDecodeError) as refusal:
        print(f"misono devices: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _word(doing: Any, name: str, do: Callable[[Namespace], int], text: str) -> ArgumentParser:  # noqa: ANN401
    parser: ArgumentParser = doing.add_parser(name, help=text)
    data = Path(os.environ.get("MISONO_DATA", "var"))
    folder = os.environ.get("MISONO_ADAPTERS")
    parser.add_argument("--data", metavar="DIR", type=Path, default=data, help="where the adapters run; MISONO_DATA")
    parser.add_argument(
        "--adapters", metavar="DIR", type=Path, default=Path(folder) if folder else None,
        help="the folder of their files, so that names are checked; MISONO_ADAPTERS",
    )  # fmt: skip
    parser.add_argument("--tenant", metavar="NAME", default="", help="the default one where it is not given")
    parser.set_defaults(do=do)
    return parser


def _add_whom(parser: ArgumentParser, name: str, metavar: str) -> None:
    parser.add_argument("adapter", metavar="ADAPTER")
    parser.add_argument(name, metavar=metavar)


def _add_what(parser: ArgumentParser) -> None:
    parser.add_argument("--mapping", metavar="NAME", help="what its readings become; that of the adapter if not given")
    parser.add_argument("--entity-type", metavar="TYPE", help="a term or an IRI; that of the mapping if not given")
    parser.add_argument("--option", metavar="NAME=VALUE", action="append", default=[], help="the protocol's own")
    parser.add_argument("--rate", metavar="N", type=float, help="messages a second that are taken")
    parser.add_argument("--offline-after", metavar="S", type=float, help="seconds of silence before it is offline")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--new-key", action="store_true", help="make a key, and show it this once")
    keys.add_argument("--key-file", metavar="FILE", help="the key is its first line; - is the standard input")


def _add_groups(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    groups = doing.add_parser("group", help="API keys by group").add_subparsers(
        dest="what", metavar="WHAT", required=True
    )
    below = _word(groups, "list", _list_groups, "groups, by adapter and name")
    below.add_argument("--adapter", metavar="NAME", default="", help="of this adapter only")
    below.add_argument("--json", action="store_true", help="as JSON, a line each, for programs")
    below = _word(groups, "add", _add_group, "a new group")
    _add_whom(below, "group", "NAME")
    _add_what(below)
    below.add_argument("--takes-new", action="store_true", help="devices that nobody knows are made of its key")
    below.add_argument("--new-max", metavar="N", type=int, help="so many at most")
    below = _word(groups, "remove", _remove_group, "a group; its devices are closed from then on")
    _add_whom(below, "group", "NAME")


def _add_mappings(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    below = doing.add_parser("mapping", help="what readings become")
    words = below.add_subparsers(dest="what", metavar="WHAT", required=True)
    _word(words, "list", _list_mappings, "mappings that people added")
    _word(words, "add", _add_mapping, "new, or in the place of the one of that name").add_argument(
        "file", metavar="FILE", help="YAML or JSON as in --adapters DIR; - is the standard input"
    )
    _word(words, "remove", _remove_mapping, "one that no device and no group names").add_argument(
        "name", metavar="NAME"
    )


def _list(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        found = [
            one for one in provisioning.devices.provisions(arguments.adapter) if _asked(one.device.tenant, arguments)
        ]
    for one in found:
        print(json.dumps(shown_provision(one), ensure_ascii=False) if arguments.json else _line(one))
    return 0


def _line(one: Provision) -> str:
    device, told = one.device, shown_provision(one)
    parts = [f"{device.adapter}/{device.id}", device.address or "-", device.mapping or "-"]
    parts += [f"{name} {told[name]}" for name in ("tenant", "group", "entity_id", "masked_key") if name in told]
    return "  ".join([*parts, "closed" if told.get("closed") else one.source])


def _add(arguments: Namespace) -> int:
    key = _given_key(arguments)
    body: dict[str, Json] = {"id": arguments.device, **_body(arguments, key)}
    for name in ("group", "address", "entity_id"):
        if getattr(arguments, name) is not None:
            body[name] = getattr(arguments, name)
    with _opened(arguments) as provisioning:
        (made,) = provisioning.add_devices(arguments.adapter, arguments.tenant, [body])
    print(_line(made), file=sys.stderr)
    return _told_key(arguments, key)


def _remove(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        provisioning.remove_device(arguments.adapter, arguments.tenant, arguments.device)
    return 0


def _key(arguments: Namespace) -> int:
    kind: Literal["device", "group"] = "group" if arguments.of_group else "device"
    with _opened(arguments) as provisioning:
        print(provisioning.new_key(arguments.adapter, arguments.tenant, kind, arguments.name))
    return 0


def _list_groups(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        found = [one for one in provisioning.devices.groups(arguments.adapter) if _asked(one.tenant, arguments)]
    for one in found:
        print(json.dumps(shown_group(one), ensure_ascii=False) if arguments.json else _line_of_group(one))
    return 0


def _line_of_group(one: Group) -> str:
    told = shown_group(one)
    parts = [f"{one.adapter}/{one.name}", one.mapping or "-", str(told.get("masked_key", "no key"))]
    parts += [f"tenant {one.tenant}"] if one.tenant else []
    return "  ".join([*parts, *([f"takes {one.new_max} new devices"] if one.new else []), one.source])


def _add_group(arguments: Namespace) -> int:
    key = _given_key(arguments)
    body: dict[str, Json] = {"name": arguments.group, "new": arguments.takes_new, **_body(arguments, key)}
    if arguments.new_max is not None:
        body["new_max"] = arguments.new_max
    with _opened(arguments) as provisioning:
        made = provisioning.add_group(arguments.adapter, arguments.tenant, body)
    print(_line_of_group(made), file=sys.stderr)
    return _told_key(arguments, key)


def _remove_group(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        provisioning.remove_group(arguments.adapter, arguments.tenant, arguments.group)
    return 0


def _list_mappings(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        for row in provisioning.mappings():
            print(row.name)
    return 0


def _add_mapping(arguments: Namespace) -> int:
    document = _read(arguments.file)
    with _opened(arguments) as provisioning:
        print(provisioning.put_mapping(document).name)
    return 0


def _remove_mapping(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        provisioning.remove_mapping(arguments.name)
    return 0


def _read(file: str) -> Json:
    """A file, or the standard input. Raises BadYaml."""
    return parse_yaml(sys.stdin.read() if file == _STDIN else Path(file).read_text(encoding="utf-8"))


def _export(arguments: Namespace) -> int:
    with _opened(arguments) as provisioning:
        print(json.dumps(provisioning.exported(), ensure_ascii=False, indent=2))
    return 0


def _import(arguments: Namespace) -> int:
    document = _read(arguments.file)
    with _opened(arguments) as provisioning:
        mappings, groups, devices = provisioning.imported(document)
    print(f"{mappings} mappings, {groups} groups and {devices} devices told")
    return 0


def _body(arguments: Namespace, key: str) -> dict[str, Json]:
    """What a device and a group have in common. Raises BadSettings."""
    given = {
        "mapping": arguments.mapping,
        "entity_type": arguments.entity_type,
        "rate_per_s": arguments.rate,
        "offline_after_s": arguments.offline_after,
        "options": dict(_option(text) for text in arguments.option) or None,
        "key": key or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _option(text: str) -> tuple[str, Json]:
    """`unit=3` is ("unit", 3); what is no number, truth value or list is text."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise BadSettings(f"--option {text}: NAME=VALUE is wanted")
    return name, parse_yaml(value)


def _given_key(arguments: Namespace) -> str:
    if arguments.new_key:
        return new_key()
    if arguments.key_file is None:
        return ""
    if arguments.key_file == _STDIN:
        line = sys.stdin.readline(_KEY_BYTES_MAX)
    else:
        with Path(arguments.key_file).open(encoding="utf-8") as file:
            line = file.readline(_KEY_BYTES_MAX)
    key = line.strip()
    if not key:
        raise BadSettings(f"--key-file {arguments.key_file}: its first line is empty")
    return key


def _told_key(arguments: Namespace, key: str) -> int:
    if arguments.new_key:
        print(key)
    return 0


def _asked(tenant: str, arguments: Namespace) -> bool:
    return not arguments.tenant or tenant == arguments.tenant


@contextmanager
def _opened(arguments: Namespace) -> Iterator[Provisioning]:
    """The registry of the data directory, and of the files where they were named. Raises BadSettings, UnusableFile."""
    if not arguments.data.is_dir():
        raise UnusableFile(f"{arguments.data} is no directory: --data DIR where the adapters run")
    store = AdapterStore(arguments.data)
    try:
        yield _provisioning(store, arguments.adapters)
    finally:
        store.close()


def _provisioning(store: AdapterStore, folder: Path | None) -> Provisioning:
    book, resolve = Book(store, SystemClock()), packaged_contexts()
    devices = Devices(book)
    if folder is None:
        devices.refresh()
        return Provisioning(devices, book, resolve=resolve)
    files = read_adapters(folder)
    for file in files:
        devices.of_file(file.name, read_provisions(file.document, resolve(file.context)))
    devices.refresh()
    places = {one.name: Place(one.name, str(one.link["kind"]), str(one.codec["kind"]), one.tenant) for one in files}
    mappings = read_mappings(folder, resolve)

    def has_mapping(name: str) -> bool:
        return name in mappings or devices.document(name) is not None

    return Provisioning(devices, book, places, has_mapping=has_mapping, of_files=mappings, resolve=resolve)
