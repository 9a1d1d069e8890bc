"""Data models as packages that vendors build against, and the gate that holds what comes in to them."""
