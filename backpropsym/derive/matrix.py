"""The backward programme in matrix notation: delta_s = (V^T delta_u) o f'(s), dL/dW = delta_s x^T.

Every equation is a formula over whole nodes, with NumPy's broadcasting and words: matrix products, transposes, outer
and entrywise products, sums over an axis (which stays, with size 1, where broadcasting had stretched it), and
`einsum` where matrix notation has no sign. Nodes inside formulas are written out; but the adjoint of a mean or of a
variance gets an equation of its own, as in print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backpropsym.derive.levels import step_names
from backpropsym.derive.written import (
    MAX_PARTS,
    Sizes,
    axes_tree,
    matrix_product,
    permuted,
    reduced,
    softmax_of,
    transparent,
)
from backpropsym.derive.written import OUTER as OUTER
from backpropsym.derive.written import TRANSPOSE as TRANSPOSE
from backpropsym.errors import LimitError, NotScalarError
from backpropsym.formula.algebra import add, div, mul, neg
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Call,
    Div,
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
    names,
    number,
    rebuild,
    substitute,
)
from backpropsym.graph import Graph, Node, Shape
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View
from backpropsym.ops.sizes import size_product, size_tree

ENTRYWISE = "entrywise"
_STATISTICS = ("mean", "var")
_KEPT = ("keepdims", ONE)


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


def matrix_programme(
    graph: Graph, of: str, wrt: Sequence[str], at: tuple[int, ...] | None = None
) -> tuple[MatrixEquation, ...]:
    """The adjoints of the named nodes between a number `of` and `wrt`, from `of` back.

    Parameters
    ----------
    at : the position of the entry of `of` that is derived, where `of` has axes.

    Raises
    ------
    NotScalarError : `of` has axes; its Jacobian has no matrix notation of this kind.
    LimitError : an equation would have too many parts, as steps of a recurrent layer do that have no names.
    """
    if graph[of].shape and at is None:
        zeros = ",".join("0" for _ in graph[of].shape)
        message = f"matrix notation is the adjoint programme of one number, and {of} has axes"
        raise NotScalarError(message, fix=f"ask for --form index, or for one entry: --of '{of}[{zeros}]'")
    return tuple(_Programme(graph, of, wrt, at or ()).equations())


def nested(equations: Sequence[MatrixEquation]) -> Expr:
    """The last equation's right side with all earlier ones put in; matrix products as calls of `matmul`."""
    known: dict[str, Expr] = {}
    for each in equations:
        known[each.symbol] = callable_products(substitute(each.right, known))
    return known[equations[-1].symbol] if equations else ZERO


def callable_products(expr: Expr) -> Expr:
    """Matrix notation as calls of functions without options, quotes or slices, which SymPy's `parse_expr` reads.

    Options follow the arguments, `sum(x, 1)`, subscripts of einsum are NumPy's lists of numbers, and `x[0:2]` is
    `slices(x, (0, 2, 1))`, an empty pair of brackets for an axis that stays whole.
    """
    parts = tuple(map(callable_products, children(expr)))
    match expr:
        case MatMul():
            return Call("matmul", parts)
        case Call("einsum", (Text(subscripts), *_)):
            inputs, output = subscripts.split("->")
            letters = sorted({*inputs, *output} - {","})
            *lists, result = (
                Tuple(tuple(number(letters.index(each)) for each in group)) for group in (*inputs.split(","), output)
            )
            pairs = zip(parts[1:], lists, strict=True)
            return Call("einsum", (*(each for pair in pairs for each in pair), result))
        case Call(function, _, options) if options:
            return Call(function, parts)
        case Index(base, subscripts) if not isinstance(base, Name) or any(isinstance(at, Slice) for at in subscripts):
            return Call("slices", (parts[0], *map(_bounds, parts[1:])))
    return rebuild(expr, parts) if parts else expr


def _bounds(subscript: Expr) -> Expr:
    if not isinstance(subscript, Slice):
        return subscript
    bounds = (subscript.start, subscript.stop, subscript.step)
    return Tuple(tuple(number(each) for each in bounds if each is not None) if subscript.stop is not None else ())


class _Programme:
    def __init__(self, graph: Graph, of: str, wrt: Sequence[str], at: tuple[int, ...]) -> None:
        self.graph = graph
        self.of = of
        self.seed = Call("onehot", tuple(map(number, at))) if at else ONE
        found = frozenset[str]().union(*(graph.descendants(name) for name in wrt)) & graph.ancestors(of)
        self.order = [name for name in reversed(graph.order) if name in found]
        self.wanted = found
        self.parts: dict[str, list[Expr]] = {name: [] for name in self.order}
        self.labels = step_names(graph)
        self.holders = _holders(graph)
        self.sizes = Sizes(graph)
        self.arrays = {name for name, node in graph.nodes.items() if node.shape}

    def equations(self) -> Iterator[MatrixEquation]:
        """Equations of named nodes and of statistics; other adjoints of anonymous nodes are written into them."""
        for name in self.order:
            node = self.graph[name]
            right = self.seed if name == self.of else self._collected(self.parts[name])
            self._require_bounded(name, right)
            adjoint = right
            if (name != self.of or self.seed != ONE) and (node.named or _is_statistic(node, right)):
                symbol = f"delta_{self.labels.get(name, name)}"
                if node.shape:
                    self.arrays.add(symbol)
                yield MatrixEquation(name, symbol, transparent(right, self.graph))
                adjoint = Name(symbol)
            if node.op is not None:
                for parent, part in self._pull(node, adjoint):
                    self.parts[parent].append(part)

    def _require_bounded(self, name: str, right: Expr) -> None:
        """Refuse an adjoint that would be too long over named nodes, before anything goes through it."""
        count = self.sizes.of(right)
        if count > MAX_PARTS:
            message = f"d{self.of}/d{self.labels.get(name, name)} in matrix notation would have {count:,} parts"
            raise LimitError(message, fix="ask for it without --level layers, or give nodes on the way names")

    def _pull(self, node: Node, adjoint: Expr) -> Iterator[tuple[str, Expr]]:
        match node.op:
            case Elementwise(formula):
                for parent, partial in partials(formula, self.graph.functions).items():
                    if parent in self.wanted:
                        part = self._times(adjoint, self._stored(partial))
                        yield parent, self._summed(part, node, parent)
            case Contraction(subscripts, operands):
                for slot, name in enumerate(operands):
                    if name in self.wanted:
                        yield name, _contracted(subscripts, operands, slot, adjoint)
            case Reduction(operand=operand) if operand in self.wanted:
                yield operand, self._reduced(node.op, node, adjoint)
            case View(operand) if operand in self.wanted:
                yield operand, self._moved(node, node.op, adjoint)
            case Join(operands):
                for index, operand in enumerate(operands):
                    if operand in self.wanted:
                        yield operand, Call("part", (adjoint, number(index)))

    def _has_axes(self, expr: Expr) -> bool:
        return any(name in self.arrays for name in names(expr))

    def _times(self, left: Expr, right: Expr) -> Expr:
        """The entrywise product, signs and divisors outside; a plain product where one side is a number."""
        if ZERO in (left, right):
            return ZERO
        if ONE in (left, right):
            return right if left == ONE else left
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Neg):
                return neg(self._times(*((one.operand, other) if one is left else (other, one.operand))))
            if isinstance(one, Div) and not self._has_axes(one.denominator):
                above = (one.numerator, other) if one is left else (other, one.numerator)
                return div(self._times(*above), one.denominator)
        if self._has_axes(left) and self._has_axes(right):
            return Call(ENTRYWISE, (left, right))
        return mul([left, right])

    def _stored(self, expr: Expr) -> Expr:
        """`expr` with exp(x - logsumexp(x)) read from the node that holds it."""
        found = softmax_of(expr, self.graph)
        if found is not None and found in self.holders:
            return Name(self.holders[found])
        parts = children(expr)
        return rebuild(expr, tuple(map(self._stored, parts))) if parts else expr

    def _collected(self, parts: Sequence[Expr]) -> Expr:
        """The sum of the parts, a factor that all of them end with set behind brackets."""
        ordered = sorted(parts, key=lambda part: isinstance(part, Neg))
        bare = [part.operand if isinstance(part, Neg) else part for part in ordered]
        pairs = [part.arguments for part in bare if isinstance(part, Call) and part.function == ENTRYWISE]
        if len(parts) < 2 or len(pairs) < len(parts) or len({right for _, right in pairs}) > 1:
            return add(ordered)
        signed = (neg(left) if isinstance(part, Neg) else left for part, (left, _) in zip(ordered, pairs, strict=True))
        return self._times(add(signed), pairs[0][1])

    def _summed(self, part: Expr, node: Node, parent: str) -> Expr:
        """Summed over the axes that broadcasting gave the parent."""
        own, whole = self.graph[parent].shape, node.shape
        if own == whole:
            return part
        if not own or (own == (1,) and len(whole) == 1):
            return _sum(part)
        added = len(whole) - len(own)
        if added:
            part = _sum(part, ("axis", axes_tree(range(added))))
        stretched = [axis for axis, size in enumerate(own) if size != whole[added + axis]]
        return _sum(part, ("axis", axes_tree(stretched)), _KEPT) if stretched else part

    def _reduced(self, op: Reduction, node: Node, adjoint: Expr) -> Expr:
        """The result's adjoint spread over the axes, times each entry's weight."""
        operand, shape = Name(op.operand), self.graph[op.operand].shape
        if not op.keep and node.shape:
            adjoint = Call("expand_dims", (adjoint,), (("axis", axes_tree(op.axes)),))
        sizes = [shape[axis] for axis in op.axes]
        count = size_tree(size_product(sizes))
        match op.function:
            case "sum":
                return self._spread(adjoint, operand)
            case "mean":
                return div(self._spread(adjoint, operand), count)
            case "var":
                centre = reduced("mean", operand, op.axes, len(shape), keep=True)
                distance = add([operand, neg(centre)])
                return div(mul([number(2), self._times(adjoint, distance)]), count)
            case "logsumexp":
                held = self.holders.get((op.operand, op.axes))
                weights = Name(held) if held else reduced("softmax", operand, op.axes, len(shape))
                return self._times(adjoint, weights)
            case _:
                return self._times(adjoint, reduced(f"arg{op.function}", operand, op.axes, len(shape)))

    def _spread(self, adjoint: Expr, operand: Name) -> Expr:
        """One number or row for every entry of `operand`; a formula around it may leave that to broadcasting."""
        node = self.graph[operand.name]
        formula = node.formula if not node.named else None
        wanted = (
            []
            if formula is None
            else [
                partial for parent, partial in partials(formula, self.graph.functions).items() if parent in self.wanted
            ]
        )
        return (
            adjoint if wanted and all(map(self._has_axes, wanted)) else self._times(adjoint, Call("ones", (operand,)))
        )

    def _moved(self, node: Node, op: View, adjoint: Expr) -> Expr:
        operand = Name(op.operand)
        match op.method:
            case "reshape":
                return Call("reshape_like", (adjoint, operand))
            case "expand" if _only_adds_ones(op, node.shape, self.graph[op.operand].shape):
                return Call("reshape_like", (adjoint, operand))
            case "transpose":
                return permuted(adjoint, sorted(range(len(op.options)), key=op.options.__getitem__))
            case "gather" if len(op.source) == 1 and isinstance(op.source[0], Name):
                return mul([adjoint, Call("onehot", op.source)])
            case _:
                return Call("scatter", (adjoint, operand))


def _only_adds_ones(op: View, shape: Shape, own: Shape) -> bool:
    """Whether a view keeps the entries in their order, between further axes of size 1."""
    return list(op.options) == sorted(op.options) and [size for size in shape if size != 1] == [
        size for size in own if size != 1
    ]


def _holders(graph: Graph) -> dict[tuple[str, tuple[int, ...]], str]:
    """The node that is a softmax, by its operand and axes."""
    found: dict[tuple[str, tuple[int, ...]], str] = {}
    for node in graph.nodes.values():
        held = softmax_of(node.op.formula, graph) if isinstance(node.op, Elementwise) else None
        if held is not None:
            found[held] = node.name
    return found


def _is_statistic(node: Node, adjoint: Expr) -> bool:
    """Whether the adjoint of an anonymous node is worth an equation of its own."""
    atom = isinstance(adjoint, Name | Number)
    return isinstance(node.op, Reduction) and node.op.function in _STATISTICS and not atom


def _sum(part: Expr, *options: tuple[str, Expr]) -> Expr:
    """The sum of `part`, a sign or a divisor outside it."""
    if isinstance(part, Neg):
        return neg(_sum(part.operand, *options))
    if isinstance(part, Div) and isinstance(part.denominator, Number):
        return div(_sum(part.numerator, *options), part.denominator)
    return Call("sum", (part,), options)


def _contracted(subscripts: str, operands: Sequence[str], slot: int, adjoint: Expr) -> Expr:
    """The adjoint of one operand of a sum of products."""
    inputs, output = subscripts.split("->")
    groups = inputs.split(",")
    if len(operands) == 2:
        other, letters = Name(operands[1 - slot]), groups[1 - slot]
        found = matrix_product(adjoint, output, other, letters, groups[slot])
        if found is not None:
            return found
    others = [index for index in range(len(operands)) if index != slot]
    text = ",".join([output, *(groups[index] for index in others)]) + "->" + groups[slot]
    return Call("einsum", (Text(text), adjoint, *(Name(operands[index]) for index in others)))
