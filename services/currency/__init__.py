"""The life of local points: each that comes in lasts so many days, the oldest are spent first, what is left expires."""
