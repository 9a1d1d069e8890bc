"""The doors: one operation table, served by the warm front and by Flask (clause 6)."""
