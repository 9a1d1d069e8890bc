"""A folder of adapters and mappings before it runs: every fault and every note, without a device or a hub.

check_folder(Path("adapters"), library, resolve)  ->  Checked(adapters=2, mappings=3, samples=5, faults=[…], notes=[…])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.commands.judging import Range
from adapters.commands.modelled import range_of
from adapters.commands.rules import read_rules
from adapters.configuring import AdapterFile, read_adapter
from adapters.device import Device
from adapters.frame import BadFrame
from adapters.link import BadSettings, Codec, Ground
from adapters.mapping.lint import lint
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import Resolve, is_mapping, read_mapping
from adapters.mapping.trying import BadSample, shown_of, try_sample
from adapters.mapping_files import read_file
from adapters.provisioning.provision import Provisions
from adapters.provisioning.reading import read_provisions
from adapters.table import LINKS, make_codec, make_link
from broker.errors import NgsiError
from broker.model.values import Instant, Json
from datamodels.holding import Held, compile_model
from datamodels.library import Library

_REQUIRED = "required"


@dataclass(slots=True)
class Checked:
    """How much was looked at, and what was found, a line each."""

    adapters: list[AdapterFile] = field(default_factory=list)
    mappings: dict[str, DeviceMapping] = field(default_factory=dict)
    samples: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_folder(folder: Path, library: Library, resolve: Resolve) -> Checked:
    """Everything about the YAML files of a folder, but what links read beside them: secrets come with no package."""
    return check_files(sorted(folder.glob("*.yaml")), library, resolve, links=False)


def check_files(paths: list[Path], library: Library, resolve: Resolve, *, links: bool = True) -> Checked:
    """Everything about these files, which know one another; with `links`, whether each link could begin here."""
    checked, provisions = Checked(), []
    for path in paths:
        try:
            body = read_file(path)
            if is_mapping(body):
                _keep(checked, read_mapping(body, resolve, path.name))
            else:
                file, provision = _adapter(checked, path, resolve)
                provisions.append((file, provision))
                if links:
                    _make_link(file, provision)
        except BadSettings as refusal:
            checked.faults.append(str(refusal))
    used = _used(checked, provisions)
    models = _Models(library)
    for mapping in checked.mappings.values():
        for finding in lint(mapping, library):
            (checked.faults if finding.wrong else checked.notes).append(str(finding))
        checked.faults += _commands(mapping, library)
        _try(checked, mapping, used.get(mapping.name, {}), models)
    return checked


def _commands(mapping: DeviceMapping, library: Library) -> Iterator[str]:
    """What is wrong with what it says of commands: what moves energy is never sent without limits on both sides."""
    try:
        rules = read_rules(mapping)
    except BadSettings as refusal:
        yield str(refusal)
        return
    for rule in rules:
        found = library.model(rule.command.entity_type)
        attributes = () if found is None else found[1].attributes.values()
        range_ = next((range_of(one) for one in attributes if one.iri == rule.command.attribute), Range())
        sides = (("lower", "min", rule.least, range_.least), ("upper", "max", rule.most, range_.most))
        for side, member, given, modelled in sides:
            if rule.is_energy and not given and modelled is None:
                where = f"{mapping.file}: commands: {rule.command.term}"
                yield f"{where}: no {side} limit, and without one it is never sent: {member} would do"


def _make_link(file: AdapterFile, provision: Provisions) -> None:
    """Have the link look at its settings. Raises BadSettings."""
    home = file.path.parent
    ground = Ground(file.name, file.link, _Provisioned(provision), _Still(), home, home, file.codec)
    try:
        make_link(str(file.link["kind"]), ground)
    except BadSettings as refusal:
        raise BadSettings(f"{file.path.name}: {refusal}") from refusal


class _Still:
    """A clock for links that are only looked at."""

    def now(self) -> Instant:
        """No time passes."""
        return 0


class _Provisioned:
    """The devices of one file."""

    def __init__(self, provision: Provisions) -> None:
        self._devices = {one.device.id: one.device for one in provision.devices}

    def find(self, adapter: str, device_id: str, key: str = "") -> Device:
        """As Registry says; keys are not looked at: nobody speaks."""
        del adapter, key
        if device_id not in self._devices:
            raise BadFrame("unknown_device", f"no device {device_id}")
        return self._devices[device_id]

    def of_adapter(self, adapter: str) -> tuple[Device, ...]:
        """All of them."""
        del adapter
        return tuple(self._devices.values())

    def of_entity(self, tenant: str, entity_id: str) -> Device | None:
        """None: there are no entities yet."""
        del tenant, entity_id
        return None


def _used(checked: Checked, provisions: list[tuple[AdapterFile, Provisions]]) -> dict[str, Mapping[str, Json]]:
    """The mappings that adapters use, and with which codec; a fault for one that is not there."""
    used: dict[str, Mapping[str, Json]] = {}
    for file, provision in provisions:
        for name in sorted(_mappings(file, provision)):
            used.setdefault(name, file.codec)
            if name not in checked.mappings:
                checked.faults.append(f"{file.path.name}: mapping: no file says mapping: {name}")
    return used


def codec_of(settings: Mapping[str, Json]) -> Codec:
    """The codec that its settings name by their `kind`. Raises BadSettings."""
    return make_codec(str(settings.get("kind", "")), settings)


def _keep(checked: Checked, mapping: DeviceMapping) -> None:
    if mapping.name in checked.mappings:
        other = checked.mappings[mapping.name].file
        raise BadSettings(f"{mapping.file}: mapping: {other} has the name {mapping.name} already")
    checked.mappings[mapping.name] = mapping


def _mappings(file: AdapterFile, provision: Provisions) -> set[str]:
    """The names of those that an adapter, its groups and its devices use."""
    devices = {one.device.mapping for one in provision.devices}
    return ({file.mapping} | devices | {one.mapping for one in provision.groups}) - {""}


def _adapter(checked: Checked, path: Path, resolve: Resolve) -> tuple[AdapterFile, Provisions]:
    file = read_adapter(path)
    if file is None:
        raise BadSettings(f"{path.name}: neither `adapter: NAME` nor `mapping: NAME` says what it is")
    if any(other.name == file.name for other in checked.adapters):
        raise BadSettings(f"{path.name}: adapter: another file has the name {file.name}")
    checked.adapters.append(file)
    if file.link["kind"] not in LINKS:
        raise BadSettings(f"{path.name}: link: {file.link['kind']} is none of {', '.join(sorted(LINKS))}")
    try:
        codec_of(file.codec)
        return file, read_provisions(file.document, resolve(file.context))
    except (BadSettings, NgsiError) as refusal:
        raise BadSettings(f"{path.name}: {refusal}") from refusal


def _try(checked: Checked, mapping: DeviceMapping, codec: Mapping[str, Json], models: _Models) -> None:
    if not mapping.samples:
        checked.notes.append(f"{mapping.file}: note: no samples: nothing says that it does what it should")
    for sample in mapping.samples:
        where = f"{mapping.file}: {sample.about}"
        checked.samples += 1
        try:
            checked.faults += [f"{where}: {fault}" for fault in try_sample(mapping, sample, codec, codec_of)]
            for fragment in shown_of(mapping, sample, codec, codec_of).fragments:
                checked.faults += [f"{where}: {fault}" for fault in models.faults(dict(fragment))]
        except (BadSample, BadSettings) as refusal:
            checked.faults.append(f"{where}: {refusal}")


class _Models:
    """What a gate that rejects would say of fragments, but for attributes that `fixed` or the entity itself have."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._compiled: dict[str, Held] = {}

    def faults(self, fragment: dict[str, Json]) -> list[str]:
        """A line for each."""
        type_ = str(fragment["type"])
        found = self._library.model(type_)
        if found is None:
            return []
        if type_ not in self._compiled:
            self._compiled[type_] = compile_model(*found, self._library)
        return [
            f"{one.pointer}: {one.wanted}"
            for one in self._compiled[type_].violations(fragment)
            if one.rule != _REQUIRED or one.pointer.count("/") > 1
        ]
