"""Short names for what anonymous nodes compute: mean(x), logsumexp(o), softmax(o)[k] in place of their sums."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from backpropsym.derive.forms.matrix_notation import reduced, softmax_of, transparent, written_out
from backpropsym.formula.algebra import div, mul
from backpropsym.formula.tree import Add, Call, Expr, Index, Limits, Mul, Name, Neg, Number, names, number
from backpropsym.graph.graph import Graph
from backpropsym.ops.kinds import Reduction, View, bound
from backpropsym.ops.reducer import FOLDS, REDUCERS

_PLACES = {"argmax", "argmin"}


class NamedReductions:
    """Reads entries of anonymous nodes as functions that people know by name.

    Parameters
    ----------
    defined : the node whose own formula is written, which cannot be said by its name.
    """

    def __init__(self, graph: Graph, defined: str = "") -> None:
        self.graph = graph
        self.defined = defined

    def of(self, expr: Expr) -> Expr | None:
        """A short way to write `expr`, or None where there is none."""
        weight = self._softmax(expr)
        if weight is not None:
            return weight
        match expr:
            case Name(name):
                return self._reduced(name, ())
            case Index(Name(name), subscripts):
                return self._reduced(name, subscripts)
            case Call("safe_sqrt", (whole,)):
                return self._norm(whole)
            case Call(function, (Index(Name(name), subscripts), *limits)) if (
                function in (REDUCERS.keys() - FOLDS) | _PLACES
            ):
                axes = self._ranged(name, subscripts, limits)
                windows = isinstance(op := self.graph[name].op, View) and op.method == "windows"
                return None if axes is None or windows else self._called(function, name, axes, subscripts)
        return None

    def divided(self, expr: Expr) -> Expr:
        """2*safe_sqrt'(s)*x as x/safe_sqrt(s): the slope of a norm, whose value at 0 is a convention told beside it."""
        if not isinstance(expr, Mul) or not isinstance(expr.factors[0], Number):
            return expr
        for slot, factor in enumerate(expr.factors):
            if isinstance(factor, Call) and self.graph.functions.parent(factor.function) == ("safe_sqrt", "x"):
                half = number(expr.factors[0].value / 2)
                rest = mul([half, *expr.factors[1:slot], *expr.factors[slot + 1 :]])
                return div(rest, Call("safe_sqrt", factor.arguments))
        return expr

    def stored(self, expr: Expr) -> Expr | None:
        """exp(x[k] - logsumexp(x)) where a named node holds just that: an entry of that node."""
        found = self._softmax(expr)
        return found if isinstance(found, Index) and isinstance(found.base, Name) else None

    def _softmax(self, expr: Expr) -> Expr | None:
        """exp(x[k] - logsumexp(x)) as softmax(x)[k], or as an entry of the named node that holds it."""
        match expr:
            case Call("exp", (Add((Index(Name(name), subscripts), Neg(whole))),)):
                base = whole.base if isinstance(whole, Index) else whole
                op = self._anonymous(base)
                if op is None or op.function != "logsumexp" or op.operand != name or not isinstance(base, Name):
                    return None
                rest = _without(subscripts, op.axes)
                own = whole.subscripts if isinstance(whole, Index) else ()
                if (_without(own, op.axes) if op.keep else tuple(own)) != rest:
                    return None
                holder = self._holders.get((name, base.name))
                if holder is not None:
                    return Index(Name(holder), subscripts)
                return Index(self._function("softmax", name, op.axes), subscripts)
        return None

    @cached_property
    def _holders(self) -> dict[tuple[str, str], str]:
        """The named node that is exp(x - whole), by x and whole."""
        found: dict[tuple[str, str], str] = {}
        for node in self.graph.nodes.values():
            if (
                node.named
                and node.name != self.defined
                and node.formula is not None
                and softmax_of(node.formula, self.graph)
            ):
                operand, whole = names(node.formula)
                found[operand, whole] = node.name
        return found

    def _anonymous(self, base: Expr) -> Reduction | None:
        """The reduction that an anonymous node is."""
        if not isinstance(base, Name) or base.name not in self.graph.nodes or self.graph[base.name].named:
            return None
        op = self.graph[base.name].op
        return op if isinstance(op, Reduction) else None

    def _reduced(self, name: str, subscripts: Sequence[Expr]) -> Expr | None:
        """An entry of an anonymous reduction."""
        op = self._anonymous(Name(name))
        if op is None or op.function == "sum":
            return None
        rank = len(self.graph[op.operand].shape)
        kept = iter(_without(subscripts, op.axes) if op.keep else subscripts)
        whole = tuple(number(0) if axis in op.axes else next(kept) for axis in range(rank))
        return self._called(op.function, op.operand, op.axes, whole)

    def _norm(self, whole: Expr) -> Expr | None:
        """The root of an anonymous sum of squares, or of an entry of one."""
        base = whole.base if isinstance(whole, Index) else whole
        op = self._anonymous(base)
        if op is None or op.function != "sum" or self.graph[op.operand].named:
            return None
        squares = self.graph[op.operand]
        match squares.formula:
            case Call("square", (inner,)):
                called = reduced("norm", transparent(inner, self.graph), op.axes, len(squares.shape))
                return Index(called, whole.subscripts) if isinstance(whole, Index) else called
        return None

    def _called(self, function: str, operand: str, axes: Sequence[int], subscripts: Sequence[Expr]) -> Expr:
        """`function` of a whole node over axes, at the other subscripts."""
        called = self._function(function, operand, axes)
        rest = _without(subscripts, axes)
        return Index(called, rest) if rest else called

    def _function(self, function: str, operand: str, axes: Sequence[int]) -> Call:
        """`function` over axes of a node, an anonymous one written out."""
        node = self.graph[operand]
        shown = Name(operand) if node.named else written_out(self.graph, node)
        return reduced(function, shown, axes, len(node.shape))

    def _ranged(self, name: str, subscripts: Sequence[Expr], limits: Sequence[Expr]) -> tuple[int, ...] | None:
        """The axes over which `limits` run in full; None where they do not."""
        axes = []
        for each in limits:
            if not isinstance(each, Limits) or Name(each.index) not in subscripts:
                return None
            axis = list(subscripts).index(Name(each.index))
            if each != bound(each.index, self.graph[name].shape[axis]):
                return None
            axes.append(axis)
        return tuple(sorted(axes))


def _without(subscripts: Sequence[Expr], axes: Sequence[int]) -> tuple[Expr, ...]:
    return tuple(each for axis, each in enumerate(subscripts) if axis not in axes)
