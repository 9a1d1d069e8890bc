"""Municipal open data of Japan as entities: tables are read, each cell is repaired where that is sure, all is reported.

file ─ tables ─> rows of texts ─ headings ─> columns of a mapping ─ rows ─> entities, repairs, refusals ─ loading ─> hub
"""
