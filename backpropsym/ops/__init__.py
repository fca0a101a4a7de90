"""The closed set of kinds, what functions and ops over axes are, and the lowering of formulas to kinds."""
