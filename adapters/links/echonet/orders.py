"""Commands to objects: set (SetC, or SetI where a device's options say so), and read back what it became.

An order's name is the quantity of the property (`operationMode`) or its code (`DA`), its part the object (`027D-1`);
where many entities are one device, the name may say the class or object too: `027D/operationMode`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Final

from adapters.codecs.echonet.message import CONTROLLER, Message, Service
from adapters.codecs.echonet.tables import Property, named, properties
from adapters.codecs.echonet.values import BadValue, read_property, write_value
from adapters.links.echonet.node import Node, Thing, objects_of
from adapters.order import Delivered, Order
from broker.model.values import Json

READ_BACK_S: Final = 3.0
"""How long a device may take to become what it was told."""
READ_BACK_EVERY_S: Final = 0.5
_CODE_DIGITS: Final = 2


class _Refused(Exception):
    """An order that is not sent, or that the device does not take; the message says why."""


async def carry_out(node: Node, order: Order) -> Delivered:
    """What became of an order. Raises NotReached."""
    try:
        return Delivered("OK", await _set(node, order))
    except _Refused as refused:
        return Delivered("ERROR", str(refused))


async def _set(node: Node, order: Order) -> Json:
    """What the property is afterwards. Raises _Refused, NotReached."""
    if not node.things:
        await node.learn(objects_of(order.device))
    thing, wanted = _target(node, order)
    try:
        edt = write_value(wanted, order.value, order.unit)
    except BadValue as bad:
        raise _Refused(f"{order.name}: {bad}") from bad
    if order.device.options.get("set") == Service.SET_I.name:
        await node.set_unanswered(Message(0, CONTROLLER, thing.name, Service.SET_I, ((wanted.code, edt),)))
    elif not await node.set(thing.name, wanted.code, edt):
        raise _Refused(f"{thing.name} refused {order.name} = {order.value}")
    if wanted.code not in thing.readable:
        return order.value
    return await _read_back(node, thing, wanted, edt)


def _target(node: Node, order: Order) -> tuple[Thing, Property]:
    """The object and the property that is to be set. Raises _Refused."""
    found = _targets(node, order)
    if not found:
        raise _Refused(f"{order.part or order.device.id} has no property {order.name!r}")
    if len(found) > 1:
        raise _Refused(f"{len(found)} objects have {order.name}: say which one, as the part")
    thing, wanted = found[0]
    if wanted.code not in thing.settable:
        raise _Refused(f"{thing.name} does not let {order.name} be set")
    return thing, wanted


def _targets(node: Node, order: Order) -> list[tuple[Thing, Property]]:
    """The objects that have a property of this name; where it can be set of some, those."""
    of, _, name = order.name.rpartition("/")
    things = [node.things[one] for one in sorted(node.things) if order.part in ("", one) and one.startswith(of)]
    found = [(thing, one) for thing in things if (one := _property(thing.kind, name)) is not None]
    return [(thing, one) for thing, one in found if one.code in thing.settable] or found


def _property(kind: str, name: str) -> Property | None:
    if len(name) == _CODE_DIGITS:
        try:
            return properties(kind).get(int(name, 16))
        except ValueError:
            return None
    return named(kind).get(name)


async def _read_back(node: Node, thing: Thing, wanted: Property, edt: bytes) -> Json:
    loop = asyncio.get_running_loop()
    until = loop.time() + READ_BACK_S
    while True:
        answer = await node.get(thing.name, (wanted.code,))
        told = dict(answer.message.properties).get(wanted.code, b"")
        if told == edt:
            return _said(thing, wanted, told)
        if loop.time() > until:
            raise _Refused(f"{thing.name} says {_said(thing, wanted, told)!r} afterwards")
        await asyncio.sleep(READ_BACK_EVERY_S)


def _said(thing: Thing, wanted: Property, edt: bytes) -> Json:
    # No clock is in what can be set, so the zone is of no matter here.
    read = read_property(thing.kind, wanted.code, edt, thing.remembered, UTC)
    return read[0].value if read else None
