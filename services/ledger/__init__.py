"""The city's ledger: points and yen in double entry, for the bank, the energy community and the local currency."""
