"""@contexts from outside: loaded, cached, hosted (clauses 4.4, 5.13)."""
