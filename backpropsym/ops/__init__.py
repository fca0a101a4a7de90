"""Functions, ops over axes and losses, and the lowering of formulas to the four kinds of op."""
