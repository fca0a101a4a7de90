"""The forms in which a derivative is written."""
