"""A step of the backward pass between arrays, entry by entry, where matrix notation has no sign for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.forms.adjoint_programme import MatrixEquation
from backpropsym.document.derivation.entries import entry, index_sum
from backpropsym.document.derivation.matrix_notation import MatrixNotation
from backpropsym.document.formulas import EntryQuotient, Formula, IndexSum, Math, Quotient
from backpropsym.document.model import Row
from backpropsym.errors import LimitError
from backpropsym.formula.tree import Call, Expr, Index, Name, walk
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.kinds import Contraction

_TOTAL = "backward_total"
_COMPUTED = ("einsum", "scatter", "windows")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def needs_entries(tree: Expr) -> bool:
    """Whether a formula holds an einsum or the like, which is a way to compute and not to print."""
    return any(isinstance(part, Call) and part.function in _COMPUTED for part in walk(tree))


class AdjointSum:
    """An adjoint as the sum over the entries of the only node that uses its own.

    Attributes
    ----------
    left : an entry of the adjoint.
    term : what the sum is of.
    indices : the free indices of both.
    """

    def __init__(self, graph: Graph, equation: MatrixEquation, user: MatrixEquation) -> None:
        shape = graph[user.node].shape
        letters = _LETTERS[: len(shape)]
        operands = (user.node, user.symbol)
        nodes = {
            **graph.nodes,
            user.symbol: Node(user.symbol, Role.CONSTANT, shape),
            _TOTAL: Node(_TOTAL, Role.VALUE, (), Contraction(f"{letters},{letters}->", operands), operands),
        }
        found = TensorDerivation(replace(graph, nodes=nodes, output=_TOTAL), _TOTAL, equation.node)
        self.indices = found.indices
        self.left: Expr = Index(Name(equation.symbol), tuple(map(Name, self.indices)))
        self.term = found.term((equation.node, user.node, _TOTAL), readable=True)

    @property
    def right(self) -> IndexSum:
        """The sum that it is."""
        return index_sum(self.term)


def adjoint_sum(graph: Graph, equation: MatrixEquation, programme: tuple[MatrixEquation, ...]) -> AdjointSum | None:
    """`equation` entry by entry where that is how it is printed; None where it is not, or has several users."""
    named = graph.named
    if not needs_entries(equation.right) or len(named.consumers.get(equation.node, ())) != 1:
        return None
    users = [each for each in programme if each.node in named.consumers[equation.node]]
    if len(users) != 1:
        return None
    if {_TOTAL, users[0].symbol} & graph.nodes.keys():
        return None
    try:
        return AdjointSum(graph, equation, users[0])
    except LimitError:
        return None


class AdjointRows:
    """The steps of a backward pass as they are printed.

    Parameters
    ----------
    of : what is derived.
    derived : the nodes by which it is derived; all others have adjoints.
    """

    def __init__(self, graph: Graph, of: str, programme: tuple[MatrixEquation, ...], derived: Collection[str]) -> None:
        self.graph = graph
        self.of = of
        self.programme = programme
        self.derived = derived
        self.matrices = MatrixNotation(graph, {each.symbol: each.node for each in programme})

    def row(self, equation: MatrixEquation) -> Row:
        """One step, entry by entry where matrix notation has no sign for it."""
        entries = adjoint_sum(self.graph, equation, self.programme)
        last = equation.node in self.derived
        if entries is None:
            left: Math = Quotient(self.of, equation.node) if last else Formula(Name(equation.symbol))
            return Row(left, Formula(self.matrices.written(equation.right)))
        by = entry(equation.node, entries.indices)
        return Row(EntryQuotient(Name(self.of), by) if last else Formula(entries.left), entries.right)
