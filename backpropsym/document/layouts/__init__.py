"""How pages are laid out, where several formats do it alike, or one at length."""
