"""Devices that are not there: each speaks its real protocol on loopback, for demonstrations and for trying an adapter.

A module has `async def simulate(settings, day)`, which works until it is cancelled; `settings` is the member
`simulated` of the adapter's file.
"""
