"""Linked data: what the hub holds, for those who read RDF and catalogues."""
