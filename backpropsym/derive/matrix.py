"""The backward programme in matrix notation: delta_s = (V^T delta_u) o f'(s), dL/dW = delta_s x^T.

Every equation is a formula over whole nodes. Matrix products, transposes, outer products and entrywise products
are written as such; what matrix notation has no sign for is written as a sum over indices by `einsum`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backpropsym.errors import NotScalarError
from backpropsym.formula.algebra import add, div, mul, neg
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Call,
    Expr,
    MatMul,
    Name,
    Neg,
    Number,
    Text,
    children,
    names,
    number,
    rebuild,
)
from backpropsym.graph import Graph, Node
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View

TRANSPOSE, OUTER, ENTRYWISE = "transpose", "outer", "entrywise"


@dataclass(frozen=True, slots=True)
class MatrixEquation:
    """The adjoint of one node: d of / d node, in the node's shape.

    Attributes
    ----------
    node : the node.
    symbol : its adjoint's symbol, such as delta_s, which later equations use.
    right : the right side.
    """

    node: str
    symbol: str
    right: Expr


def matrix_programme(graph: Graph, of: str, wrt: Sequence[str]) -> tuple[MatrixEquation, ...]:
    """The adjoints of the named nodes between a scalar `of` and `wrt`, from `of` back.

    Raises
    ------
    NotScalarError : `of` has axes; its Jacobian has no matrix notation of this kind.
    """
    if graph[of].shape:
        zeros = ",".join("0" for _ in graph[of].shape)
        message = f"matrix notation is the adjoint programme of one number, and {of} has axes"
        raise NotScalarError(message, fix=f"ask for --form index, or for one entry: --of '{of}[{zeros}]'")
    return tuple(_Programme(graph, of, wrt).equations())


class _Programme:
    def __init__(self, graph: Graph, of: str, wrt: Sequence[str]) -> None:
        self.graph = graph
        self.of = of
        found = frozenset[str]().union(*(graph.descendants(name) for name in wrt)) & graph.ancestors(of)
        self.order = [name for name in reversed(graph.order) if name in found]
        self.wanted = found
        self.parts: dict[str, list[Expr]] = {name: [] for name in self.order}

    def equations(self) -> Iterator[MatrixEquation]:
        """Equations of named nodes; the adjoints of anonymous ones are written into them."""
        for name in self.order:
            node = self.graph[name]
            right = ONE if name == self.of else add(sorted(self.parts[name], key=lambda part: isinstance(part, Neg)))
            adjoint = right
            if node.named and name != self.of:
                symbol = f"delta_{name}"
                yield MatrixEquation(name, symbol, transparent(right, self.graph))
                adjoint = Name(symbol)
            if node.op is not None:
                for parent, part in self._pull(node, adjoint):
                    self.parts[parent].append(part)

    def _pull(self, node: Node, adjoint: Expr) -> Iterator[tuple[str, Expr]]:
        match node.op:
            case Elementwise(formula):
                for parent, partial in partials(formula, self.graph.functions).items():
                    if parent in self.wanted:
                        part = entrywise(adjoint, partial, bool(node.shape))
                        yield parent, self._summed(part, node, parent)
            case Contraction(subscripts, operands):
                for slot, name in enumerate(operands):
                    if name in self.wanted:
                        yield name, _contracted(subscripts, operands, slot, adjoint, self.graph)
            case Reduction(operand=operand) if operand in self.wanted:
                yield operand, self._reduced(node.op, node, adjoint)
            case View(operand) if operand in self.wanted:
                yield operand, self._moved(node.op, adjoint)
            case Join(operands):
                for index, operand in enumerate(operands):
                    if operand in self.wanted:
                        yield operand, Call("part", (adjoint, number(index)))

    def _summed(self, part: Expr, node: Node, parent: str) -> Expr:
        """Summed over the axes that broadcasting gave the parent."""
        own = self.graph[parent].shape
        if own == node.shape:
            return part
        if not own:
            return Call("sum", (part,))
        return (
            Call("sum", (part,), (("axis", number(0)),))
            if len(own) < len(node.shape)
            else Call("sum_to", (part, Name(parent)))
        )

    def _reduced(self, op: Reduction, node: Node, adjoint: Expr) -> Expr:
        operand = Name(op.operand)
        if op.function in ("sum", "mean") and not self.graph[op.operand].named and not node.shape:
            return adjoint if op.function == "sum" else div(adjoint, self._size(op.operand))
        whole = len(op.axes) == len(self.graph[op.operand].shape)
        match op.function:
            case "sum":
                weight: Expr = Call("ones", (operand,))
            case "mean":
                weight = div(Call("ones", (operand,)), Call("size", (operand,)))
            case "logsumexp":
                weight = Call("softmax", (operand,))
            case _:
                weight = Call(f"arg{op.function}", (operand,))
        if adjoint == ONE and weight == Call("ones", (operand,)):
            return weight
        return entrywise(adjoint, weight, not whole)

    def _size(self, name: str) -> Expr:
        """The number of entries of a node."""
        return mul([number(size) if isinstance(size, int) else Name(size) for size in self.graph[name].shape])

    def _moved(self, op: View, adjoint: Expr) -> Expr:
        operand = Name(op.operand)
        match op.method:
            case "reshape":
                return Call("reshape_like", (adjoint, operand))
            case "transpose":
                return Call(TRANSPOSE, (adjoint,))
            case "gather":
                chosen = next(each for each in op.source if names(each))
                return mul([adjoint, Call("onehot", (chosen,))])
            case _:
                return Call("scatter", (adjoint, operand))


def transparent(expr: Expr, graph: Graph) -> Expr:
    """`expr` with anonymous nodes written out in matrix notation."""
    if isinstance(expr, Name) and expr.name in graph.nodes and not graph[expr.name].named:
        return transparent(formula_of(graph, graph[expr.name]), graph)
    parts = children(expr)
    return rebuild(expr, tuple(transparent(part, graph) for part in parts)) if parts else expr


def written_out(graph: Graph, node: Node) -> Expr:
    """What a node is, over named nodes, in matrix notation."""
    return transparent(formula_of(graph, node), graph)


def entrywise(left: Expr, right: Expr, axes: bool) -> Expr:
    """The entrywise product; a plain product where one side is a number or both are scalars."""
    if ZERO in (left, right):
        return ZERO
    if left == ONE or right == ONE:
        return right if left == ONE else left
    if right == number(-1):
        return neg(left)
    if not axes or isinstance(left, Number) or isinstance(right, Number):
        return mul([left, right])
    return Call(ENTRYWISE, (left, right))


def _contracted(subscripts: str, operands: Sequence[str], slot: int, adjoint: Expr, graph: Graph) -> Expr:
    """The adjoint of one operand of a sum of products."""
    inputs, output = subscripts.split("->")
    groups = inputs.split(",")
    if len(operands) == 2:
        other, letters = Name(operands[1 - slot]), groups[1 - slot]
        found = _matrix_product(adjoint, output, other, letters, groups[slot])
        if found is not None:
            return found
    others = [index for index in range(len(operands)) if index != slot]
    text = ",".join([output, *(groups[index] for index in others)]) + "->" + groups[slot]
    return Call("einsum", (Text(text), adjoint, *(Name(operands[index]) for index in others)))


def _matrix_product(adjoint: Expr, output: str, other: Expr, letters: str, target: str) -> Expr | None:
    """adjoint[output] * other[letters] summed to `target`, as a product of matrices and vectors."""
    transposed = Call(TRANSPOSE, (other,))
    match len(output), len(letters), len(target):
        case 0, _, _:
            return mul([adjoint, other]) if letters == target else None
        case 1, 1, 2:
            if target == output + letters:
                return Call(OUTER, (adjoint, other))
            return Call(OUTER, (other, adjoint)) if target == letters + output else None
        case 1, 2, 1:
            if letters == output + target:
                return MatMul(transposed, adjoint)
            return MatMul(other, adjoint) if letters == target + output else None
        case 2, 2, 2:
            return _between_matrices(adjoint, output, other, letters, target)
        case 2, 1, 1:
            if output == target + letters:
                return MatMul(adjoint, other)
            return MatMul(Call(TRANSPOSE, (adjoint,)), other) if output == letters + target else None
    return None


def _between_matrices(adjoint: Expr, output: str, other: Expr, letters: str, target: str) -> Expr | None:
    for left, right, first, second in ((adjoint, other, output, letters), (other, adjoint, letters, output)):
        for a, a_letters in ((left, first), (Call(TRANSPOSE, (left,)), first[::-1])):
            for b, b_letters in ((right, second), (Call(TRANSPOSE, (right,)), second[::-1])):
                if a_letters[1] == b_letters[0] and target == a_letters[0] + b_letters[1]:
                    return MatMul(a, b)
    return None


def formula_of(graph: Graph, node: Node) -> Expr:
    """What a node is, in matrix notation."""
    match node.op:
        case Elementwise(formula):
            return formula
        case Contraction(subscripts, operands):
            inputs, output = subscripts.split("->")
            groups = inputs.split(",")
            if len(operands) == 2:
                found = _matrix_product(Name(operands[0]), groups[0], Name(operands[1]), groups[1], output)
                if found is not None:
                    return found
            return Call("einsum", (Text(subscripts), *map(Name, operands)))
        case Reduction(function, operand):
            return Call(function, (Name(operand),))
        case View(operand, method="gather"):
            return Call("entry", (Name(operand), *(each for each in node.op.source if names(each))))
        case View(operand):
            return Call(node.op.method, (Name(operand),))
        case Join(operands):
            return Call("concat", tuple(map(Name, operands)))
    return Name(node.name)
