"""Who may see and do what: policies that give a restriction of query and projection."""
