"""Who is provisioned: devices, groups with their API keys, and mappings, from files and by people.

adapter's file ─ read_provisions ─┐
misono devices …, /iot/… ─ Book ──┴─> Devices (the Registry: in memory, changed within a second in every process)
"""
