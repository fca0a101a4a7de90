"""The colours of paths, the same in text, LaTeX and pictures."""

from __future__ import annotations

PALETTE: tuple[str, ...] = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255")
"""Colours of Okabe and Ito, told apart by every kind of colour vision; for their yellow, which vanishes on white, the
wine of Tol."""
