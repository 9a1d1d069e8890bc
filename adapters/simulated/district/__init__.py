"""A district that is not there: weather, roofs, loads, batteries, cars, a bus and an interchange line, by integers.

Deterministic by its seed: the same seed and the same orders give the same joule everywhere. Powers are whole watts,
energies whole joules inside and whole Wh in registers; what flows into an asset is positive, as everywhere in Misono.
"""
