"""Functions of numbers: one entry each."""
