"""Entities, their values and their changes; pure (clauses 4.5, 5.5.8)."""
