"""Commands to objects: set (SetC, or SetI where a device's options say so), and read back what it became.

An order's name is the quantity of the property (`operationMode`) or its code (`DA`), its part the object (`027D-1`).
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Final

from adapters.codecs.echonet.message import CONTROLLER, Message, Service
from adapters.codecs.echonet.tables import Property, named, properties
from adapters.codecs.echonet.values import BadValue, read_property, write_value
from adapters.links.echonet.node import Node, Thing
from adapters.order import Delivered, Order
from broker.model.values import Json

READ_BACK_S: Final = 5.0
"""How long a device may take to become what it was told."""
READ_BACK_EVERY_S: Final = 0.5
_CODE_DIGITS: Final = 2


async def carry_out(node: Node, order: Order) -> Delivered:
    """What became of an order. Raises NotReached."""
    if not node.things:
        await node.learn()
    thing, wanted = _target(node, order)
    if thing is None or wanted is None:
        return Delivered("ERROR", f"{order.part or order.device.id} has no property {order.name!r}")
    if wanted.code not in thing.settable:
        return Delivered("ERROR", f"{thing.name} does not let {order.name} be set")
    try:
        edt = write_value(wanted, order.value, order.unit)
    except BadValue as bad:
        return Delivered("ERROR", f"{order.name}: {bad}")
    if order.device.options.get("set") == Service.SET_I.name:
        question = Message(0, CONTROLLER, thing.name, Service.SET_I, ((wanted.code, edt),))
        await node.set_unanswered(question)
    elif not await node.set(thing.name, wanted.code, edt):
        return Delivered("ERROR", f"{thing.name} refused {order.name} = {order.value}")
    if wanted.code not in thing.readable:
        return Delivered("OK", order.value)
    return await _read_back(node, thing, wanted, edt)


def _target(node: Node, order: Order) -> tuple[Thing | None, Property | None]:
    """The object and its property: without a part, the one object that has a property of this name."""
    things = [thing for name, thing in sorted(node.things.items()) if order.part in ("", name)]
    found = [(thing, one) for thing in things if (one := _property(thing.kind, order.name)) is not None]
    settable = [(thing, one) for thing, one in found if one.code in thing.settable] or found
    return settable[0] if len(settable) == 1 else (None, None)


def _property(kind: str, name: str) -> Property | None:
    if len(name) == _CODE_DIGITS:
        try:
            return properties(kind).get(int(name, 16))
        except ValueError:
            return None
    return named(kind).get(name)


async def _read_back(node: Node, thing: Thing, wanted: Property, edt: bytes) -> Delivered:
    loop = asyncio.get_running_loop()
    until = loop.time() + READ_BACK_S
    while True:
        answer = await node.get(thing.name, (wanted.code,))
        told = dict(answer.message.properties).get(wanted.code, b"")
        if told == edt:
            return Delivered("OK", _said(thing, wanted, told))
        if loop.time() > until:
            return Delivered("ERROR", f"{thing.name} says {_said(thing, wanted, told)!r} afterwards")
        await asyncio.sleep(READ_BACK_EVERY_S)


def _said(thing: Thing, wanted: Property, edt: bytes) -> Json:
    # No clock is in what can be set, so the zone is of no matter here.
    read = read_property(thing.kind, wanted.code, edt, thing.remembered, UTC)
    return read[0].value if read else None
