"""One machine-code loop over the objects."""
