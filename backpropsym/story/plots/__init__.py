"""Functions and their derivatives as curves."""
