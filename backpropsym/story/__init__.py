"""A derivation step by step."""
