"""The central system of charging stations: OCPP 1.6J and 2.0.1 over WebSocket, on one port.

door        who may connect: registered, with its password, over TLS where that is asked for
connection  one station's messages in both directions, one call at a time each
central     what each call is answered, and what of it goes to the pipeline
charging    transactions and statuses, kept: numbers given once, energy from the beginning
orders      commands as the calls of either version
"""

from adapters.links.ocpp.link import make_link

__all__ = ["make_link"]
