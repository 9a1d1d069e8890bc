"""Planning: what each matching source is asked, pure (clause 4.3.6)."""
