"""A network on a page or two: one module a format."""
