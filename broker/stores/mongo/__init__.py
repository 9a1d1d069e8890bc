"""The MongoDB engine: many processes over one replica set or sharded cluster."""
