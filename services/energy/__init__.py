"""The energy community: what is metered, agreed, delivered, settled, and how it lives through a blackout."""
