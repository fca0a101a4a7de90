"""Formulas and graphs in numbers, of any number system."""
