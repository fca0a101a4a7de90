"""A picture as SVG, TikZ, DOT and others."""
