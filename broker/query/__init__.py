"""The selection languages: text to one closed AST, and what it means; pure (clause 4.9)."""
