"""The comparisons of a check: one entry each."""
