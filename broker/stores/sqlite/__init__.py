"""SQLite: one file a tenant, one writer with group commit, indexed attribute values."""
