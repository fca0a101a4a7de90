"""What is done to a program of arrays before it is written, one purpose a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.ir.verifier import verify, verify_moved
from backpropsym.kernels.passes.batching import products_of_rows, sums_of_products
from backpropsym.kernels.passes.rebuilding import Rebuilding, Replacement
from backpropsym.kernels.passes.row_fusion import arithmetic_on_rows, factors_of_rows, functions_of_rows, sums_with_rows
from backpropsym.ops.kinds import Shape

Pass = Callable[[Program, ArrayValues], Mapping[int, Replacement]]
PASSES: tuple[Pass, ...] = (
    products_of_rows,
    sums_of_products,
    sums_with_rows,
    arithmetic_on_rows,
    factors_of_rows,
    functions_of_rows,
)


def improved(
    program: Program, values: ArrayValues, results: Mapping[str, Shape], passes: Sequence[Pass] | None = None
) -> tuple[Program, ArrayValues]:
    """The program after every pass, and its values. A pass says how it builds which values, and may say nothing.

    Parameters
    ----------
    results : the shapes that the results broadcast to.
    passes : by default all.

    Raises
    ------
    CompilerError : a pass does not keep what a value is.
    """
    verify("lowering", program, values, results)
    for each in PASSES if passes is None else passes:
        replacements = each(program, values)
        if replacements:
            before, rebuilding = (program, values), Rebuilding(program, values, replacements)
            program, values = rebuilding.run()
            verify_moved(each.__name__, before, (program, values), rebuilding.moved)
            verify(each.__name__, program, values, results)
    return program, values
