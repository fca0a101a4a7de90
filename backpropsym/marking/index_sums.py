"""Sums over indices in a claim, written out."""

from __future__ import annotations

from backpropsym.errors import FormulaError
from backpropsym.formula.algebra import constant
from backpropsym.formula.tree import Expr, Limits, children, node_names
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import EntryReader

MAX_SUMMANDS = 100_000


def written_out(tree: Expr, graph: Graph) -> Expr:
    """A claim over entries, its sums written out.

    Raises
    ------
    FormulaError : an index that nothing sums over, a range or position of no whole numbers, or too many terms.
    """
    loose = [name for name in node_names(tree) if name not in graph.nodes]
    if loose:
        fix = f"write the sum over it, or give it a position in --wrt, as in W[{loose[0]},j]"
        raise FormulaError(f"the index {loose[0]} is neither summed over nor one of the derivative's own", fix=fix)
    if (count := _summands(tree)) > MAX_SUMMANDS:
        raise FormulaError(f"the sums of the claim have {count:,} terms", fix=f"at most {MAX_SUMMANDS:,} are added")
    try:
        return EntryReader(graph).concrete(tree)
    except TypeError:
        fix = "positions are whole numbers and indices, with + and -"
        raise FormulaError("a position that is no whole number", fix=fix) from None


def _summands(tree: Expr) -> int:
    """How many terms the sums of a claim have when they are written out; those inside sums count for each."""
    total, stack = 0, [(tree, 1)]
    while stack:
        part, times = stack.pop()
        ranges = [each for each in children(part) if isinstance(each, Limits)]
        for limits in ranges:
            low, high = constant(limits.low), constant(limits.high)
            if low is None or high is None or low.denominator * high.denominator != 1:
                fix = "write whole numbers, as in (k, 0, 9)"
                raise FormulaError(f"the range of {limits.index} is not one of whole numbers", fix=fix)
            times *= max(int(high - low) + 1, 0)
        total += times if ranges else 0
        stack.extend((child, times) for child in children(part) if not isinstance(child, Limits))
    return total
