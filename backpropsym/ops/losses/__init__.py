"""Losses, of one number and over axes: one entry each."""
