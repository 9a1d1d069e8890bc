"""Doors beside the operations: tables of paths of their own, for devices, operators and services."""
