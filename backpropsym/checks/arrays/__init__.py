"""The check of networks of arrays."""
