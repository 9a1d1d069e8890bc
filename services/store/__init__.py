"""The store of one's own: what is held about a resident, told, corrected, taken along, shared for a while, erased."""
