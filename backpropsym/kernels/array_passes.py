"""What is done to a program of arrays before it is written, one purpose a pass."""

from __future__ import annotations

from backpropsym.kernels.array_batching import products_of_rows, sums_of_products
from backpropsym.kernels.array_ops import ArrayValues
from backpropsym.kernels.array_rebuilding import Rebuilding
from backpropsym.kernels.array_rows import arithmetic_on_rows, factors_of_rows, functions_of_rows, sums_with_rows
from backpropsym.kernels.program import Program

PASSES = (
    products_of_rows,
    sums_of_products,
    sums_with_rows,
    arithmetic_on_rows,
    factors_of_rows,
    functions_of_rows,
)


def improved(program: Program, values: ArrayValues) -> tuple[Program, ArrayValues]:
    """The program after every pass, and its values. A pass says how it builds which values, and may say nothing."""
    for each in PASSES:
        replacements = each(program, values)
        if replacements:
            program, values = Rebuilding(program, values, replacements).run()
    return program, values
