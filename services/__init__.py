"""The city on top of the broker: residents and their consents, the information bank, prices, the ledger.

Each service is a room: a table of routes, tables of its own in `services.sqlite`, and the port Hub to the broker.
"""
