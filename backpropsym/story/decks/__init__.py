"""A story as slides: one module a format."""
