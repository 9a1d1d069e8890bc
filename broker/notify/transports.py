"""The transports, each made when a subscription first needs it: their libraries are half of an idle broker's memory."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from broker.notify.message import Transport
from broker.ports import Clock

_MODULES: Final = {"http": "broker.notify.webhook", "mqtt": "broker.notify.mqtt"}


class Makers:
    """Makes transports. Raises BadKey at once where the key to sign with cannot be read."""

    def __init__(self, clock: Clock, *, allow_private: bool, ca: Path | None, key: Path | None, key_id: str) -> None:
        self._allow_private = allow_private
        self._ca = ca
        self._sign = None
        if key is not None:
            from broker.notify.signatures import Signer  # noqa: PLC0415 - only who signs pays for it

            self._sign = Signer(key, key_id, clock)

    def load(self, scheme: str) -> None:
        """Load the libraries that `make` will need."""
        if scheme in _MODULES:
            import_module(_MODULES[scheme])

    def make(self, scheme: str) -> Transport | None:
        """The transport of a scheme and its form over TLS, `http` or `mqtt`; None where there is none."""
        if scheme == "http":
            from broker.notify.webhook import Webhooks  # noqa: PLC0415 - as above

            return Webhooks(allow_private=self._allow_private, sign=self._sign, ca=self._ca)
        if scheme == "mqtt":
            from broker.notify.mqtt import Mqtt  # noqa: PLC0415 - as above

            return Mqtt(allow_private=self._allow_private, ca=self._ca)
        return None
