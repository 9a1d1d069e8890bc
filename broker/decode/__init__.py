"""Wire forms to the model; pure (clauses 4.5, 5.5.4)."""
