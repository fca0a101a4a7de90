"""How names are written, in every medium."""
