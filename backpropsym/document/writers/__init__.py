"""Formulas to text: one tree writer a syntax, and what they share."""
