"""The words of `misono adapter` about mappings: lint, test, preview.

misono adapter lint [DIR|FILE …]      adapters and mappings beside the models; ends with 1 where something is wrong
misono adapter test [DIR|FILE …]      the samples inside of mappings' files
misono adapter preview MAPPING …      what a frame becomes: readings, entities, and what is left out
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from adapters.checking import Checked, check_files, codec_of
from adapters.configuring import read_adapter
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import Resolve, is_mapping, read_mapping
from adapters.mapping.trying import Shown, preview, show
from adapters.mapping_files import packaged_contexts, read_file
from adapters.recorded import BadRecord, frame_of, readings_of, told
from broker.contexts.copies import BadMap, read_copies
from broker.errors import NgsiError
from broker.model.values import Json
from broker.wiring import SystemClock
from datamodels.library import Library, read_beside_built_in
from datamodels.reading import BadSource
from datamodels.yaml_text import BadYaml, parse_yaml

_WRONG, _NOT_BEGUN = 1, 2
_MISTAKES = (BadSettings, BadRecord, BadSource, BadMap, BadYaml, NgsiError, OSError)


def add_mapping_words(doing: Any) -> None:  # noqa: ANN401  argparse has no public type for it
    """Add the words to the subparsers of `misono adapter`; each sets `do`, a function of the arguments."""
    for name, run, text in (
        ("lint", _lint, "adapters and mappings beside the models"),
        ("test", _test, "the samples inside of mappings' files"),
    ):
        below: ArgumentParser = doing.add_parser(name, help=text)
        below.add_argument("places", metavar="DIR|FILE", nargs="*", type=Path, help="adapters/ where none is named")
        _add_models(below)
        below.set_defaults(do=partial(_refusing, run))
    below = doing.add_parser("preview", help="what a frame becomes")
    below.add_argument("mapping", metavar="MAPPING.yaml", type=Path)
    given = below.add_mutually_exclusive_group(required=True)
    given.add_argument("--payload", metavar="TEXT", help="the payload as text; `-` reads standard input")
    given.add_argument("--hex", metavar="DIGITS", help="the payload as hexadecimal digits")
    given.add_argument("--frame", metavar="FILE.json", type=Path, help="a recorded frame, as tests/frames has them")
    given.add_argument(
        "--readings", metavar="JSON", help='{"readings": [{"quantity": …, "value": …}]}, without a codec'
    )
    below.add_argument("--codec", metavar="KIND|YAML", default="", help="ultralight, or {kind: ttn, payloads: […]}")
    below.add_argument("--adapter", metavar="FILE.yaml", type=Path, help="an adapter, for its codec")
    below.add_argument("--device", metavar="ID", default="", help="the device that it comes from")
    below.add_argument("--option", metavar="NAME=VALUE", action="append", default=[], help="an option of the device")
    below.add_argument("--channel", metavar="TEXT", default="", help="topic, path, object, action")
    below.add_argument("--json", action="store_true", help="as JSON, for programs")
    _add_models(below)
    below.set_defaults(do=partial(_refusing, _preview))


def _add_models(parser: ArgumentParser) -> None:
    parser.add_argument("--models", metavar="DIR", type=Path, help="model packages beside those that come along")
    parser.add_argument("--contexts", metavar="MAP.tsv", help="local copies of @contexts: lines of URL, tab, file")


def _refusing(run: Callable[[Namespace], int], arguments: Namespace) -> int:
    try:
        return run(arguments)
    except _MISTAKES as refusal:
        print(f"misono adapter: {refusal}", file=sys.stderr)
        return _NOT_BEGUN


def _lint(arguments: Namespace) -> int:
    checked = _checked(arguments)
    for line in (*checked.faults, *checked.notes):
        print(line)
    print(
        f"{len(checked.adapters)} adapters, {len(checked.mappings)} mappings, {checked.samples} samples: "
        f"{len(checked.faults)} faults, {len(checked.notes)} notes"
    )
    return _WRONG if checked.faults else 0


def _test(arguments: Namespace) -> int:
    checked = _checked(arguments)
    for fault in checked.faults:
        print(fault)
    for mapping in checked.mappings.values():
        print(f"{mapping.name} {mapping.version}: {len(mapping.samples)} samples")
    print(f"{checked.samples} samples, {len(checked.faults)} faults")
    return _WRONG if checked.faults or not checked.samples else 0


def _checked(arguments: Namespace) -> Checked:
    paths: list[Path] = []
    for place in arguments.places or [Path("adapters")]:
        if not place.exists():
            raise BadSettings(f"{place}: a folder of adapters, or one of its files")
        paths += sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not paths:
        raise BadSettings(f"{', '.join(map(str, arguments.places))}: no file ends with .yaml")
    return check_files(paths, _library(arguments), _resolve(arguments))


def _preview(arguments: Namespace) -> int:
    body = read_file(arguments.mapping)
    if not is_mapping(body):
        raise BadSettings(f"{arguments.mapping}: `mapping: NAME` says that a file is one")
    mapping = read_mapping(body, _resolve(arguments), arguments.mapping.name)
    device = Device(arguments.device, "preview", options=_options(arguments.option))
    shown = _shown(arguments, mapping, device)
    if arguments.json:
        print(json.dumps(_told(shown), ensure_ascii=False, indent=1))
    else:
        _print(shown)
    return _WRONG if shown.refused else 0


def _shown(arguments: Namespace, mapping: DeviceMapping, device: Device) -> Shown:
    now = SystemClock().now()
    if arguments.readings is not None:
        readings = readings_of(_json(arguments.readings))
        return show(mapping, [readings], _called(device, readings.device), now)
    codec = codec_of(_codec(arguments, mapping))
    frame = _frame(arguments, now)
    named = frame.device
    if not named:
        first = preview(mapping, codec, frame, device).readings
        named = first[0].device if first else ""
    return preview(mapping, codec, frame, _called(device, named))


def _called(device: Device, name: str) -> Device:
    return Device(device.id or name or "device", device.adapter, options=device.options)


def _codec(arguments: Namespace, mapping: DeviceMapping) -> dict[str, Json]:
    if arguments.adapter is not None:
        file = read_adapter(arguments.adapter)
        if file is None:
            raise BadSettings(f"{arguments.adapter}: `adapter: NAME` says that a file is one")
        return dict(file.codec)
    if arguments.codec:
        given = parse_yaml(arguments.codec)
        return given if isinstance(given, dict) else {"kind": arguments.codec}
    if not mapping.codec:
        raise BadSettings("--codec KIND, or --adapter FILE.yaml: the mapping names none")
    return dict(mapping.codec)


def _frame(arguments: Namespace, now: int) -> Frame:
    if arguments.frame is not None:
        body = _json(arguments.frame.read_text(encoding="utf-8"))
        kept = {name: one for name, one in body.items() if name not in ("about", "codec", "readings", "refused")}
        return frame_of(kept)
    if arguments.hex is not None:
        payload = frame_of({"hex": arguments.hex}).payload
    elif arguments.payload == "-":
        payload = sys.stdin.buffer.read()
    else:
        payload = arguments.payload.encode()
    return Frame(payload, now, arguments.device, arguments.channel)


def _json(text: str) -> dict[str, Json]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BadRecord(f"no JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRecord("a JSON object")
    return body


def _options(given: list[str]) -> dict[str, Json]:
    pairs = [one.partition("=") for one in given]
    return {name: value for name, _, value in pairs}


def _told(shown: Shown) -> dict[str, Json]:
    left: list[Json] = [{"quantity": one.quantity, "why": one.why, "message": one.message} for one in shown.left_out]
    return {
        "readings": told(shown.readings),
        "entities": list(shown.normalized),
        "left_out": left,
        "unmapped": list(shown.unmapped),
        "refused": shown.refused,
        "message": shown.message,
    }


def _print(shown: Shown) -> None:
    for one in shown.readings:
        print(" ".join(filter(None, (f"readings of {one.device or '(no name)'}", one.part))))
        for reading in one.readings:
            unsure = "" if reading.quality == "good" else f"  ({reading.quality})"
            print(f"  {reading.quantity} = {json.dumps(reading.value, ensure_ascii=False)} {reading.unit}{unsure}")
    for entity in shown.normalized:
        print(json.dumps(entity, ensure_ascii=False, indent=2))
    for left in shown.left_out:
        print(f"left out ({left.why}): {left.message}")
    if shown.unmapped:
        print(f"no rule takes: {', '.join(shown.unmapped)}")
    if shown.refused:
        print(f"quarantined ({shown.refused}): {shown.message}")


def _library(arguments: Namespace) -> Library:
    return read_beside_built_in(*([arguments.models] if arguments.models else []))


def _resolve(arguments: Namespace) -> Resolve:
    more = read_copies(Path(arguments.contexts)) if arguments.contexts else {}
    return packaged_contexts(*([arguments.models] if arguments.models else []), more=more)
