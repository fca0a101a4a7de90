"""Whether hand-derived formulas are right, and if not, why."""
