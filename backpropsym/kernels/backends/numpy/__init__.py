"""Statements on arrays for networks of arrays."""
