"""The model to wire forms; pure (clauses 4.5.4, 4.5.16)."""
