"""OCPP of either version: one port takes both, each frame says in `about` which one it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.codecs.ocpp_16 import Ocpp16
from adapters.codecs.ocpp_201 import Ocpp201
from adapters.frame import BadFrame, Frame
from adapters.link import Codec
from adapters.readings import Readings
from adapters.settings import Members

V16, V201 = "ocpp1.6", "ocpp2.0.1"
"""The names of the versions, as WebSocket subprotocols."""


class Ocpp:
    """The codec `ocpp`."""

    _of: Final[Mapping[str, Codec]] = {V16: Ocpp16(), V201: Ocpp201()}

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        codec = self._of.get(frame.about.get("protocol", V16))
        if codec is None:
            raise BadFrame("wrong_type", f"{frame.about['protocol'][:40]!r} is no version of OCPP that is spoken here")
        return codec.decode(frame)


def make_codec(settings: object) -> Ocpp:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return Ocpp()
