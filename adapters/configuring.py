"""The file of an adapter: `adapter: meters`, its link, its codec, its mapping, its devices.

read_adapters(Path("adapters"))  ->  (AdapterFile("meters", …), …)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.clocks import EARLY_S, LATE_S, USUAL, Leeway
from adapters.link import BadSettings
from adapters.settings import Members
from broker.model.values import Json
from datamodels.yaml_text import BadYaml, parse_yaml

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TOP: Final = ("link", "codec", "mapping", "tenant", "clock", "devices", "groups", "simulated", "context")
_FAR_S: Final = 100 * 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """One adapter as its file says it; `document` is the whole of it, for who reads devices and groups."""

    name: str
    path: Path
    link: Mapping[str, Json]
    codec: Mapping[str, Json]
    mapping: str = ""
    tenant: str = ""
    leeway: Leeway = USUAL
    simulated: Mapping[str, Json] = field(default_factory=dict)
    context: Json = None
    document: Mapping[str, Json] = field(default_factory=dict)


def read_adapters(folder: Path) -> tuple[AdapterFile, ...]:
    """All adapters among the YAML files of a folder, by name; other files are passed over.

    Raises BadSettings, which names file and member.
    """
    found: dict[str, AdapterFile] = {}
    for path in sorted(folder.glob("*.yaml")):
        one = read_adapter(path)
        if one is None:
            continue
        if one.name in found:
            raise BadSettings(f"{path.name}: adapter: {found[one.name].path.name} has the name {one.name} already")
        found[one.name] = one
    return tuple(sorted(found.values(), key=lambda one: one.name))


def read_adapter(path: Path) -> AdapterFile | None:
    """The adapter of a file; None where the file is something else, such as a mapping. Raises BadSettings."""
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except (BadYaml, UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{path.name}: {error}") from error
    if not isinstance(document, dict) or "adapter" not in document:
        return None
    try:
        return _adapter(document, path)
    except BadSettings as error:
        raise BadSettings(f"{path.name}: {error}") from error


def _adapter(document: dict[str, Json], path: Path) -> AdapterFile:
    name = document["adapter"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadSettings("adapter: a name of small letters, digits and hyphens would do")
    if unknown := sorted(set(document) - {"adapter", *_TOP}):
        raise BadSettings(f"{unknown[0]}: not known; there are adapter, {', '.join(_TOP)}")
    top = Members(document, "")
    return AdapterFile(
        name=name,
        path=path,
        link=_kind(document, "link"),
        codec=_kind(document, "codec"),
        mapping=top.text("mapping", ""),
        tenant=top.text("tenant", ""),
        leeway=_leeway(top.below("clock")),
        simulated=top.below("simulated"),
        context=document.get("context"),
        document=document,
    )


def _kind(document: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    given = document.get(name)
    if isinstance(given, str):
        given = {"kind": given}
    if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
        raise BadSettings(f"{name}: an object such as {{kind: mqtt, …}} would do")
    return given


def _leeway(clock: dict[str, Json]) -> Leeway:
    members = Members(clock, "clock")
    leeway = Leeway(members.number("early_s", EARLY_S, 0, _FAR_S), members.number("late_s", LATE_S, 0, _FAR_S))
    members.done()
    return leeway
