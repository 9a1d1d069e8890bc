"""Commands put together with the adapters of a process, which were assembled before.

answering = Answering()
assembled = assemble(folder, Around(…, answered=answering))
commanding = make_commanding(assembled, around, Ways(guard), models)
answering.to = commanding
"""

from __future__ import annotations

from concurrent.futures import Future

from adapters.assembling import Around, Assembled
from adapters.commands.commanding import Commanding, Parts, Ways
from adapters.commands.modelled import Models
from adapters.commands.rules import read_rules
from adapters.commands.targets import Targets
from adapters.device import Device
from adapters.readings import Answered


class Answering:
    """Takes what devices say of commands, from the moment that somebody listens."""

    def __init__(self) -> None:
        self.to: Commanding | None = None

    def __call__(self, device: Device, answer: Answered) -> Future[object]:
        """As the pipeline wants it: done when it is durable."""
        if self.to is not None:
            return self.to.answered(device, answer)
        nothing: Future[object] = Future()
        nothing.set_result(None)
        return nothing


def make_commanding(assembled: Assembled, around: Around, ways: Ways, models: Models) -> Commanding:
    """Commands to the devices of these adapters, ready to start. Raises BadMapping for limits that cannot be read."""
    for mapping in assembled.mappings.values():
        read_rules(mapping)
    running = assembled.running
    usual = {name: one.file.mapping for name, one in running.adapters.items()}
    targets = Targets(assembled.devices, running.parts.mappings, usual)
    parts = Parts(around.hub, around.store, around.clock, targets, models, running.send, assembled.devices)
    return Commanding(parts, ways)
