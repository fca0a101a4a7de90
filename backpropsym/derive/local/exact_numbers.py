"""Node values and local derivatives of a network of scalars in fifty digits, for sums whose terms cancel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from backpropsym.arrays import Numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import BackpropsymError
from backpropsym.evaluate.arithmetic import ExactArithmetic, evaluate
from backpropsym.evaluate.branches import at_switch
from backpropsym.graph.graph import Graph

if TYPE_CHECKING:
    import mpmath

DIGITS = 50
MOST_LINKS = 20_000
"""More links, counted once for each direction that is carried along them, are left to double precision."""

_ZERO = 1e-40
"""What is smaller than its parts by this factor is a difference of equal numbers."""


class ExactNumbers:
    """Numbers of `DIGITS` digits at one object, from doubles that are taken as exact.

    Parameters
    ----------
    graph : whose formulas compute the nodes.
    local : the local derivatives on its links.
    leaves : a number for each node that is given.
    """

    def __init__(self, graph: Graph, local: LocalDerivatives, leaves: Numbers) -> None:
        import mpmath  # here, for loading it takes longer than a picture

        context = mpmath.MPContext()
        context.dps = DIGITS
        self._arithmetic = ExactArithmetic(context)
        self._graph, self._local = graph, local
        self._values = {name: context.mpf(float(value)) for name, value in leaves.items()}

    def links(self, of: Iterable[str], links: Iterable[Edge]) -> dict[Edge, mpmath.mpf] | None:
        """The local derivative on each link, after a forward pass to `of`; None where something has no number."""
        needed, table = self._graph.ancestors(*of), self._graph.functions
        try:
            for name in self._graph.order:
                formula = self._graph[name].formula
                if formula is not None and name in needed and name not in self._values:
                    self._values[name] = evaluate(formula, self._values, table, self._arithmetic)
            return {link: evaluate(self._local[link], self._values, table, self._arithmetic) for link in links}
        except (ArithmeticError, TypeError, ValueError, KeyError, BackpropsymError):
            return None


def rounded(value: mpmath.mpf | float, size: mpmath.mpf | float) -> float:
    """A sum in double precision; zero where it is nothing beside the sum of the sizes of its terms."""
    return 0.0 if abs(value) <= _ZERO * size else float(value)


def may_be_exact(graph: Graph, values: Numbers) -> bool:
    """Whether more digits change nothing but digits: finite numbers of one object, none of them at a kink."""
    if any(np.ndim(value) or not np.isfinite(value) for value in values.values()):
        return False
    formulas = (node.formula for name, node in graph.nodes.items() if name in values)
    return not any(at_switch(each, values, graph.functions) for each in formulas if each is not None)
