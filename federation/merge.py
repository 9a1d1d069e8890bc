"""Merging what several sources know of one entity, pure (clause 4.5.5)."""
