"""Ops over axes: one entry each."""
