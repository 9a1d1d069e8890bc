"""HTTP for devices and for who runs them: `/iot` (FIWARE's IoT Agent API, measures), `/admin/devices` and the like.

One ASGI callable, made from a table of routes; it is mounted in the hub's front, and served alone by
`misono adapter run --port`.
"""
