"""Everything that has a test; a folder a kind: unit, property, contract, http, engines, tidy."""
