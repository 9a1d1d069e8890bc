"""A compiled @context: term to IRI and back; pure (clauses 4.4, 5.5.7)."""
