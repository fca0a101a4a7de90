"""Straight-line Python and NumPy for networks of scalars."""
