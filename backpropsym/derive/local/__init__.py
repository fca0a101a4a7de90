"""The local derivative on each link, as a formula and in numbers."""
