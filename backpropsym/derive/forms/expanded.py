"""The expanded form: every node replaced by its formula until only leaves are left."""

from __future__ import annotations

from collections.abc import Iterable

from backpropsym.errors import LimitError
from backpropsym.formula.tree import Expr, Name, children, names, rebuild, walk
from backpropsym.graph.graph import Graph

MAX_PARTS = 20_000
MAX_LEVELS = 100


class Expander:
    """Formulas in inputs, targets, parameters and constants only, each node expanded once.

    Raises
    ------
    LimitError : the expanded form would have too many parts or levels.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._parts: dict[str, int] = {}
        self._levels: dict[str, int] = {}
        self._trees: dict[str, Expr] = {}

    def check(self, exprs: Iterable[Expr]) -> None:
        """Refuse before building what would be too large.

        Raises
        ------
        LimitError : the expanded form would have too many parts or levels.
        """
        parts = levels = 0
        for expr in exprs:
            self._measure(names(expr))
            parts += self._size(expr)
            levels = max(levels, self._depth(expr))
        if parts > MAX_PARTS or levels > MAX_LEVELS:
            raise LimitError(
                f"the expanded form has more than {MAX_PARTS:,} parts or {MAX_LEVELS} levels",
                fix="ask for --form factored or --form backward",
            )

    def expand(self, expr: Expr) -> Expr:
        """`expr` with its nodes replaced by their formulas; call `check` first."""
        if isinstance(expr, Name):
            formula = self.graph[expr.name].formula
            if formula is None:
                return expr
            if expr.name not in self._trees:
                self._trees[expr.name] = self.expand(formula)
            return self._trees[expr.name]
        parts = children(expr)
        return rebuild(expr, tuple(map(self.expand, parts))) if parts else expr

    def _measure(self, wanted: Iterable[str]) -> None:
        """Size and depth of the expansion of each node that `wanted` depends on, parents first."""
        missing = [name for name in wanted if name not in self._parts]
        if not missing:
            return
        needed = self.graph.ancestors(*missing)
        for name in self.graph.order:
            if name in needed and name not in self._parts:
                formula = self.graph[name].formula
                self._parts[name] = self._size(formula) if formula is not None else 1
                self._levels[name] = self._depth(formula) if formula is not None else 1

    def _size(self, expr: Expr) -> int:
        return sum(self._parts[part.name] if isinstance(part, Name) else 1 for part in walk(expr))

    def _depth(self, expr: Expr) -> int:
        if isinstance(expr, Name):
            return self._levels[expr.name]
        return 1 + max(map(self._depth, children(expr)), default=0)
