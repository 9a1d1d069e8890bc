"""Every promised number, measured: `python -m tools.figures AREA`."""
