"""What a node computes, in matrix notation and over named nodes: `W @ x + b`, `softmax(S)`, `einsum(...)`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from backpropsym.derive.local.entries import index_letters, placed
from backpropsym.formula.affine import affine
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import (
    Add,
    Call,
    Expr,
    Index,
    MatMul,
    Name,
    Neg,
    Number,
    Slice,
    Text,
    Tuple,
    children,
    number,
    rebuild,
)
from backpropsym.graph.graph import Graph, Node, Shape
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View, bound, define_entry
from backpropsym.ops.sizes import Dimension, size_tree

TRANSPOSE, OUTER = "transpose", "outer"
MAX_PARTS = 20_000


class Sizes:
    """How many parts formulas have once anonymous nodes are written out: exact, whatever the number."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._nodes: dict[str, int] = {}
        self._shared: dict[int, tuple[Expr, int]] = {}

    def of(self, expr: Expr) -> int:
        """The number of parts of `transparent(expr)`, where softmax is not written shorter."""
        if isinstance(expr, Name):
            return self._node(expr.name)
        if id(expr) not in self._shared:
            self._shared[id(expr)] = expr, 1 + sum(map(self.of, children(expr)))
        return self._shared[id(expr)][1]

    def _node(self, name: str) -> int:
        if name not in self.graph.nodes or self.graph[name].named:
            return 1
        if name not in self._nodes:
            self._nodes[name] = self.of(formula_of(self.graph, self.graph[name]))
        return self._nodes[name]


def transparent(expr: Expr, graph: Graph) -> Expr:
    """`expr` with anonymous nodes written out in matrix notation, exp(x - logsumexp(x)) as softmax(x)."""
    normalised = softmax_of(expr, graph)
    if normalised is not None:
        operand, axes = normalised
        return reduced("softmax", transparent(Name(operand), graph), axes, len(graph[operand].shape))
    if isinstance(expr, Name) and expr.name in graph.nodes and not graph[expr.name].named:
        return transparent(formula_of(graph, graph[expr.name]), graph)
    parts = tuple(transparent(part, graph) for part in children(expr))
    if isinstance(expr, Call) and expr.function == TRANSPOSE:
        return transposed(parts[0])
    return rebuild(expr, parts) if parts else expr


def written_out(graph: Graph, node: Node) -> Expr:
    """What a node is, over named nodes: as a person wrote it, else in matrix notation."""
    return graph.written.get(node.name) or transparent(formula_of(graph, node), graph)


def formula_of(graph: Graph, node: Node) -> Expr:
    """What a node is, in matrix notation."""
    match node.op:
        case Elementwise(formula):
            return formula
        case Contraction(subscripts, operands):
            inputs, output = subscripts.split("->")
            groups = inputs.split(",")
            if len(operands) == 2:
                found = matrix_product(Name(operands[0]), groups[0], Name(operands[1]), groups[1], output)
                if found is not None:
                    return found
            return Call("einsum", (Text(subscripts), *map(Name, operands)))
        case Reduction(function, operand, axes, keep):
            return reduced(function, Name(operand), axes, len(graph[operand].shape), keep)
        case View(operand, method="transpose", options=order):
            return permuted(Name(operand), tuple(map(int, order)))
        case View(operand, method="gather", options=(axis,)):
            chosen = (Name(parent) for parent in node.parents if parent != operand)
            return Call("gather", (Name(operand), *chosen, number(int(axis))))
        case View(operand, method="reshape") if len(node.shape) == 1:
            return Call("flatten", (Name(operand),))
        case View(operand, method="reshape"):
            return Call("reshape", (Name(operand), *map(size_tree, node.shape)))
        case View(operand):
            read = _subscripts(node.op, node.shape, graph[operand].shape)
            return _view(graph, node, node.op) if read is None else Index(Name(operand), read)
        case Join(operands, axis):
            return Call("concat", tuple(map(Name, operands)), (("axis", number(axis)),) if axis else ())
    return Name(node.name)


def only_adds_ones(view: View, shape: Shape, own: Shape) -> bool:
    """Whether a view keeps the entries in their order, between further axes of size 1."""
    return list(view.options) == sorted(view.options) and [size for size in shape if size != 1] == [
        size for size in own if size != 1
    ]


def _view(graph: Graph, node: Node, view: View) -> Expr:
    """A view with everything that tells which entries it reads: the windows, else a formula of an entry."""
    if view.method == "expand" and only_adds_ones(view, node.shape, graph[view.operand].shape):
        return Call("reshape", (Name(view.operand), *map(size_tree, node.shape)))
    if view.method == "windows" and not (view.absent and view.guards):
        return _windows(node, view)
    own = define_entry(view, node.shape, {parent: graph[parent].shape for parent in node.parents})
    letters = dict(zip(own.indices, map(Name, index_letters(graph)), strict=False))
    limits = (bound(letters[index].name, size) for index, size in zip(own.indices, node.shape, strict=True))
    return Call("array", (placed(own.body, letters), *limits)) if own.indices else own.body


def _windows(node: Node, view: View) -> Expr:
    """Windows with their sizes, and with strides, paddings and dilations where one of these is not the usual one."""
    space = len(view.options) // 3
    sizes = Tuple(tuple(map(size_tree, node.shape[-space:])))
    if view.options == (1,) * space + (0,) * space + (1,) * space:
        return Call("windows", (Name(view.operand), sizes))
    groups = (Tuple(tuple(map(size_tree, view.options[at : at + space]))) for at in range(0, 3 * space, space))
    return Call(
        "windows", (Name(view.operand), sizes), tuple(zip(("stride", "padding", "dilation"), groups, strict=True))
    )


def _subscripts(view: View, shape: Shape, own: Shape) -> tuple[Expr, ...] | None:
    """The view as a person would write it, `[0]` or `[2:4]`; None where numbers and slices do not say it."""
    found: list[Expr] = []
    axes = iter(zip(view.indices, shape, strict=True))
    for source, whole in zip(view.source, own, strict=True):
        if isinstance(source, Number) or (isinstance(source, Name) and source.name not in view.indices):
            found.append(source)
            continue
        index, size = next(axes, ("", 0))
        read = Slice(None, None, 1) if (source, size) == (Name(index), whole) else _slice(affine(source), index, size)
        if read is None:
            return None
        found.append(read)
    while found and found[-1] == Slice(None, None, 1):
        found.pop()
    return tuple(found) if found and not view.guards and next(axes, None) is None else None


def _slice(read: dict[str, Fraction] | None, index: str, size: Dimension) -> Slice | None:
    """Entries `start + step*index` as a slice; None where they are no such entries, or not counted in numbers."""
    if read is None or not isinstance(size, int) or not {index} <= set(read) <= {index, ""}:
        return None
    start, step = int(read.get("", 0)), int(read[index])
    stop = start + (size - 1) * step + (1 if step > 0 else -1)
    return Slice(start, stop if stop >= 0 else None, step)


def axes_tree(axes: Sequence[int]) -> Expr:
    """The value of an option `axis`: a number, or several in brackets."""
    return number(axes[0]) if len(axes) == 1 else Tuple(tuple(map(number, axes)))


def reduced(function: str, operand: Expr, axes: Sequence[int], rank: int, keep: bool = False) -> Call:
    """A function over axes of an operand of `rank` axes; axes are named where the function alone does not say them."""
    usual = tuple(axes) == (rank - 1,) if function == "softmax" else len(axes) == rank and not keep
    options = () if usual else (("axis", axes_tree(axes)),)
    return Call(function, (operand,), (*options, ("keepdims", number(1))) if keep else options)


def softmax_of(expr: Expr, graph: Graph) -> tuple[str, tuple[int, ...]] | None:
    """The node x and the axes of exp(x - logsumexp(x)); None for any other formula."""
    match expr:
        case Call("exp", (Add((Name(operand), Neg(Name(whole)))),)) if whole in graph.nodes:
            op = graph[whole].op
            if isinstance(op, Reduction) and op.function == "logsumexp" and op.operand == operand:
                return None if graph[whole].named else (operand, op.axes)
    return None


def transposed(expr: Expr) -> Expr:
    """The transpose; that of a transpose is what it was."""
    if isinstance(expr, Call) and expr.function == TRANSPOSE:
        return expr.arguments[0]
    if isinstance(expr, MatMul) and isinstance(expr.left, Call) and expr.left.function == TRANSPOSE:
        return MatMul(transposed(expr.right), expr.left.arguments[0])
    return Call(TRANSPOSE, (expr,))


def permuted(expr: Expr, order: Sequence[int]) -> Expr:
    """The axes in another order; transposed where that is the reverse one."""
    if list(order) == sorted(order, reverse=True):
        return transposed(expr)
    return Call("permute", (expr, *map(number, order)))


def matrix_product(left: Expr, output: str, other: Expr, letters: str, target: str) -> Expr | None:
    """left[output] * other[letters] summed to `target`, as a product of matrices and vectors; None if it is none."""
    match len(output), len(letters), len(target):
        case 0, _, _:
            return mul([left, other]) if letters == target else None
        case 1, 1, 0:
            return MatMul(transposed(left), other) if output == letters else None
        case 1, 1, 2:
            if target == output + letters:
                return Call(OUTER, (left, other))
            return Call(OUTER, (other, left)) if target == letters + output else None
        case 1, 2, 1:
            if letters == output + target:
                return MatMul(transposed(other), left)
            return MatMul(other, left) if letters == target + output else None
        case 2, 2, 2:
            return _between_matrices(left, output, other, letters, target)
        case 2, 1, 1:
            if output == target + letters:
                return MatMul(left, other)
            return MatMul(transposed(left), other) if output == letters + target else None
    return None


def _between_matrices(left: Expr, output: str, other: Expr, letters: str, target: str) -> Expr | None:
    for one, two, first, second in ((left, other, output, letters), (other, left, letters, output)):
        for a, a_letters in ((one, first), (transposed(one), first[::-1])):
            for b, b_letters in ((two, second), (transposed(two), second[::-1])):
                if a_letters[1] == b_letters[0] and target == a_letters[0] + b_letters[1]:
                    return MatMul(a, b)
    return None
