"""Neighbours who help with children: who helps, who asks, a match of both, and a fee through the ledger."""
