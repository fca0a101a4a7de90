"""Derivations and other results as text, LaTeX, Markdown and data."""
