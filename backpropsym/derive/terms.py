"""The terms of a derivation: one a path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.formula.algebra import add
from backpropsym.formula.tree import ONE, Add, Call, Expr, Limits, Mul
from backpropsym.graph.graph import Graph

if TYPE_CHECKING:
    import sympy as sp


@dataclass(frozen=True)
class Term:
    """One path: the product of the local derivatives along it, between arrays summed over its bound indices.

    Attributes
    ----------
    path : names from wrt to of.
    derivatives : the local derivative of each link as a tree, in path order.
    sums : bound indices with their limits, both ends included; none between numbers.
    conditions : (low, expression, high): the term counts only where they hold; none between numbers.
    """

    path: Path
    derivatives: tuple[Expr, ...]
    graph: Graph
    sums: tuple[Limits, ...] = ()
    conditions: tuple[tuple[Expr, Expr, Expr], ...] = ()

    @property
    def factors(self) -> tuple[sp.Expr, ...]:
        """The local derivatives in SymPy, in path order; their product is the term."""
        symbolic = self.graph.functions.symbolic
        return tuple(symbolic.expression(self.graph.functions.written(each)) for each in self.derivatives)

    @property
    def texts(self) -> tuple[str, ...]:
        """The local derivatives as text that SymPy's `parse_expr` reads."""
        return tuple(sympy_text(self.graph.functions, each) for each in self.derivatives)

    @property
    def product(self) -> str:
        """The summand as text, factors in path order, factors of one left out."""
        return sympy_text(self.graph.functions, self.summand)

    @property
    def summand(self) -> Expr:
        """The product of the local derivatives in path order, without sums and conditions, factors of one left out."""
        return _product(self.derivatives)

    @property
    def tree(self) -> Expr:
        """The term as one formula."""
        switches = [Call("inside", (expr, low, add([high, ONE]), ONE)) for low, expr, high in self.conditions]
        product = _product([*self.derivatives, *switches])
        return Call("Sum", (product, *self.sums)) if self.sums else product


@dataclass(frozen=True)
class NumericTerm:
    """A term at given numbers.

    Attributes
    ----------
    term : the path and its formulas.
    numbers : the number of each factor, in path order.
    value : their product, in units of `of` per unit of `wrt`.
    share : |value| over the sum of |value| of all paths; nan where that sum is zero.
    """

    term: Term
    numbers: tuple[float, ...]
    value: float
    share: float


def summed(terms: list[Expr]) -> Expr:
    """A sum in which equal terms stay apart: each is a path of its own."""
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def _product(factors: Iterable[Expr]) -> Expr:
    flat = [part for each in factors for part in (each.factors if isinstance(each, Mul) else (each,))]
    kept = tuple(factor for factor in flat if factor != ONE)
    return Mul(kept) if len(kept) > 1 else kept[0] if kept else ONE
