r"""Formulas of arrays in the notation of papers: entrywise products by a sign of their own, sums by vectors of ones.

A product of two arrays entry by entry is no product of numbers, so it is written `a ⊙ b` and not `a · b`; a sum over
rows or columns is `1ᵀ A`, `A 1` or `1ᵀ v`. Which is which follows from shapes, which a writer of formulas does not
know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from backpropsym.derive.forms.adjoint_programme import ENTRYWISE
from backpropsym.derive.forms.matrix_shapes import WrittenShapes, axes_in
from backpropsym.document.writers.tree_writer import KEPT, ONES
from backpropsym.errors import ShapeError
from backpropsym.formula.tree import Add, Call, Expr, Limits, Mul, Neg, Text, children, rebuild
from backpropsym.graph.graph import Graph

_SIDES = {(0, True): "left", (0, False): "transposed", (1, True): "right", (1, False): "right"}
"""Where the ones stand for a sum over rows (0) or columns (1) of a matrix that keeps its axis, or drops it."""


class MatrixNotation:
    """Rewrites formulas over the nodes of a graph, and over their adjoints.

    Parameters
    ----------
    adjoints : the node of each adjoint, by the adjoint's symbol.
    """

    def __init__(self, graph: Graph, adjoints: Mapping[str, str] | None = None) -> None:
        shapes = {name: node.shape for name, node in graph.nodes.items()}
        self._shapes = WrittenShapes(shapes | {symbol: shapes[node] for symbol, node in (adjoints or {}).items()})

    def written(self, expr: Expr) -> Expr:
        """`expr` with the signs of papers; unchanged where its shapes do not fit together or it has entries."""
        if any(isinstance(part, Limits) for part in children(expr)):
            return expr
        try:
            return self._written(expr)
        except ShapeError:
            return expr

    def _written(self, expr: Expr) -> Expr:
        parts = children(expr)
        if not parts:
            return expr
        written = rebuild(expr, tuple(map(self._written, parts)))
        match expr, written:
            case Mul(factors), Mul(inner):
                return self._product(factors, inner)
            case Call(function, arguments), Call() if function == ENTRYWISE and any(map(self._is_number, arguments)):
                return Mul(written.arguments)
            case Add(terms), Add(inner):
                return Add(tuple(self._stretched(term, new, expr) for term, new in zip(terms, inner, strict=True)))
            case Call(function, (operand,)), Call() if function in ("sum", "mean", "var"):
                return self._reduced(expr, written, self._shapes.of(operand))
        return written

    def _product(self, factors: tuple[Expr, ...], written: tuple[Expr, ...]) -> Expr:
        """Numbers first, then the arrays entry by entry."""
        arrays = [new for old, new in zip(factors, written, strict=True) if not self._is_number(old)]
        if len(arrays) < 2:
            return Mul(written)
        numbers = [new for new in written if not any(new is array for array in arrays)]
        product = Call(ENTRYWISE, tuple(arrays))
        return Mul((*numbers, product)) if numbers else product

    def _is_number(self, expr: Expr) -> bool:
        return self._shapes.of(expr) in ((), (1,))

    def _reduced(self, call: Call, written: Call, shape: tuple[object, ...]) -> Expr:
        """A sum by ones; of a mean or a variance over the only axis that there is, its name alone."""
        options = dict(call.options)
        axes = axes_in(options["axis"]) if "axis" in options else tuple(range(len(shape)))
        if call.function != "sum":
            return replace(written, options=()) if len(shape) == 1 else written
        if len(shape) == 1:
            side = "left"
        elif len(shape) == 2 and len(axes) == 1:
            side = _SIDES[axes[0], KEPT in options]
        elif len(shape) == 2 and len(axes) == 2 and KEPT not in options:
            side = "both"
        else:
            return written
        return replace(written, options=(*written.options, (ONES, Text(side))))

    def _stretched(self, term: Expr, written: Expr, whole: Expr) -> Expr:
        """A column or a row of sums beside whole matrices, which it is added to as often as they are wide or high."""
        match written:
            case Neg(operand) if isinstance(term, Neg):
                return Neg(self._stretched(term.operand, operand, whole))
            case Call("sum", _, options) if (side := dict(options).get(ONES)) and self._is_narrower(term, whole):
                assert isinstance(side, Text)
                return replace(written, options=(*options[:-1], (ONES, Text(f"{side.value} stretched"))))
            case _:
                return written

    def _is_narrower(self, term: Expr, whole: Expr) -> bool:
        own, shape = self._shapes.of(term), self._shapes.of(whole)
        return len(own) == 2 and own != shape
