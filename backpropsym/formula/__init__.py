"""Text to a checked tree: the formula language."""
