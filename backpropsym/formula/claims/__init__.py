"""What people write by hand, with primes, LaTeX and Unicode, to the same tree."""
