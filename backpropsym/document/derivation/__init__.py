"""One derivation in any form and any medium."""
