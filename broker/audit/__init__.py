"""What was done, kept so that a later change of it shows: a chain of hashes (pure)."""
