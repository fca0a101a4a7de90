"""The backward programme in matrix notation: delta_s = (V^T delta_u) o f'(s), dL/dW = delta_s x^T.

Every equation is a formula over whole nodes, with NumPy's broadcasting and words: matrix products, transposes, outer
and entrywise products, sums over an axis (which stays, with size 1, where broadcasting had stretched it), and
`einsum` where matrix notation has no sign. Nodes inside formulas are written out; but the adjoint of a mean or of a
variance gets an equation of its own, as in print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backpropsym.derive.forms.matrix_notation import (
    MAX_PARTS,
    Sizes,
    axes_tree,
    matrix_product,
    only_adds_ones,
    permuted,
    reduced,
    softmax_of,
    transparent,
)
from backpropsym.derive.forms.matrix_notation import OUTER as OUTER
from backpropsym.derive.forms.matrix_notation import TRANSPOSE as TRANSPOSE
from backpropsym.derive.forms.matrix_shapes import WrittenShapes
from backpropsym.derive.local.entries import index_letters, placed
from backpropsym.errors import LimitError, NotScalarError, ShapeError
from backpropsym.formula.affine import linear
from backpropsym.formula.algebra import add, div, mul, neg
from backpropsym.formula.tree import (
    ONE,
    ZERO,
    Call,
    Div,
    Expr,
    Index,
    Name,
    Neg,
    Number,
    Slice,
    Text,
    Tuple,
    children,
    number,
    rebuild,
    substitute,
)
from backpropsym.graph.graph import Graph, Node, Shape
from backpropsym.graph.levels import step_names
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, View, bound
from backpropsym.ops.reducer import REDUCERS, factored, filled
from backpropsym.ops.sizes import Dimension, size_product, size_sum, size_tree

ENTRYWISE = "entrywise"
_KEPT = ("keepdims", ONE)


@dataclass(frozen=True, slots=True)
class MatrixEquation:
    """The adjoint of one node: d of / d node, in the node's shape.

    Attributes
    ----------
    node : the node.
    symbol : its adjoint's symbol, such as delta_s, which later equations use.
    right : the right side.
    label : what the node is called in formulas.
    """

    node: str
    symbol: str
    right: Expr
    label: str = ""


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
    """The last equation's right side with all earlier ones put in."""
    known: dict[str, Expr] = {}
    for each in equations:
        known[each.symbol] = substitute(each.right, known)
    return known[equations[-1].symbol] if equations else ONE


class _Programme:
    """Adjoints as formulas, each with the shape that it has as it is written.

    A number may stand for an array of equal entries until the shape matters: in an equation, under a sum, in a
    product of matrices and where entries move.
    """

    def __init__(self, graph: Graph, of: str, wrt: Sequence[str], at: tuple[int, ...]) -> None:
        self.graph = graph
        self.of = of
        self.seed = _seed(graph, of, at)
        found = frozenset[str]().union(*(graph.descendants(name) for name in wrt)) & graph.ancestors(of)
        self.order = [name for name in reversed(graph.order) if name in found]
        self.wanted = found
        self.parts: dict[str, list[Expr]] = {name: [] for name in self.order}
        self.labels = step_names(graph)
        self.holders = _holders(graph, graph.ancestors(of))
        self.sizes = Sizes(graph)
        self.shapes = WrittenShapes({name: node.shape for name, node in graph.nodes.items()})
        self.letters = index_letters(graph)

    def equations(self) -> Iterator[MatrixEquation]:
        """Equations of named nodes and of statistics; other adjoints of anonymous nodes are written into them."""
        for name in self.order:
            node = self.graph[name]
            right = self.seed if name == self.of else self._collected(self.parts[name])
            self._require_bounded(name, right)
            adjoint = right
            if (name != self.of or self.seed != ONE) and (node.named or _is_statistic(node, right)):
                right = self._full(right, name)
                label = self.labels.get(name, name)
                symbol = self._free_symbol(f"delta_{label}")
                self.shapes.known[symbol] = node.shape
                yield MatrixEquation(name, symbol, transparent(right, self.graph), label)
                adjoint = Name(symbol)
            if node.op is not None:
                for parent, part in self._pull(node, adjoint):
                    self.parts[parent].append(part)

    def _free_symbol(self, symbol: str) -> str:
        """A symbol that no node and no other adjoint has."""
        while symbol in self.shapes.known or symbol in self.graph.symbols:
            symbol += "_"
        return symbol

    def _require_bounded(self, name: str, right: Expr) -> None:
        """Refuse an adjoint that would be too long over named nodes, before anything goes through it."""
        count = self.sizes.of(right)
        if count > MAX_PARTS:
            message = f"d{self.of}/d{self.labels.get(name, name)} in matrix notation would have {count:,} parts"
            raise LimitError(message, fix="ask for it without --level layers, or give nodes on the way names")

    def _full(self, expr: Expr, name: str) -> Expr:
        """`expr` in the shape of a node, equal entries written out."""
        shape = self.graph[name].shape
        try:
            if self.shapes.of(expr) == shape:
                return expr
        except ShapeError:  # only of a network's own words: what is pulled through these has their shape
            return expr
        like = Name(self._like(name))
        return Call("zeros", (like,)) if expr == ZERO else self._times(expr, Call("ones", (like,)))

    def _like(self, name: str) -> str:
        """A named node of the shape of `name`: itself, or one that it is near to; itself where there is none."""
        near = (name, *self.graph[name].parents, *self.graph.consumers[name])
        named = (each for each in near if self.graph[each].named)
        return next((each for each in named if self.graph[each].shape == self.graph[name].shape), name)

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
                        yield name, _contracted(subscripts, operands, slot, self._full(adjoint, node.name))
            case Reduction(operand=operand) if operand in self.wanted:
                yield operand, self._reduced(node.op, node, adjoint)
            case View(operand) if operand in self.wanted:
                yield operand, self._moved(node, node.op, adjoint)
            case Join(operands, axis):
                yield from self._shared(node, operands, axis, adjoint)

    def _has_axes(self, expr: Expr) -> bool:
        try:
            return bool(self.shapes.of(expr))
        except ShapeError:
            return True

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
        part = self._full(part, node.name)
        if not own:
            return _sum(part)
        added = len(whole) - len(own)
        if added:
            part = _sum(part, ("axis", axes_tree(range(added))))
        stretched = [axis for axis, size in enumerate(own) if size != whole[added + axis]]
        return _sum(part, ("axis", axes_tree(stretched)), _KEPT) if stretched else part

    def _reduced(self, op: Reduction, node: Node, adjoint: Expr) -> Expr:
        """The result's adjoint spread over the axes, times each entry's weight."""
        operand, shape = Name(op.operand), self.graph[op.operand].shape
        if self._has_axes(adjoint) and not op.keep:
            adjoint = Call("expand_dims", (self._full(adjoint, node.name),), (("axis", axes_tree(op.axes)),))
        sizes = [shape[axis] for axis in op.axes]
        count = size_tree(size_product(sizes))
        reducer = REDUCERS[op.function]
        if reducer.weights:
            held = self.holders.get((op.operand, op.axes)) if reducer.weights == "softmax" else None
            word = reduced(reducer.weights, operand, op.axes, len(shape))
            return self._times(adjoint, Name(held) if held else word)

        def whole(function: str, body: Expr) -> Expr:
            return reduced(function, body, op.axes, len(shape), keep=True)

        scale, weight = factored(reducer.derivative)
        values = {"x": operand, "y": whole(op.function, operand), "n": count}
        part = mul([scale, self._times(adjoint, filled(weight, values, self.graph.functions, whole))])
        return div(part, count) if reducer.averaged else part

    def _moved(self, node: Node, op: View, adjoint: Expr) -> Expr:
        operand, shape = Name(op.operand), self.graph[op.operand].shape
        widened = op.method == "expand" and only_adds_ones(op, node.shape, shape)
        kept = widened or op.method in ("reshape", "transpose")
        if kept and not self._has_axes(adjoint):
            return adjoint
        adjoint = self._full(adjoint, node.name)
        if op.method == "transpose":
            return permuted(adjoint, sorted(range(len(op.options)), key=op.options.__getitem__))
        if kept:
            return Call("reshape_like", (adjoint, operand))
        if len(op.source) == 1 and not node.shape and not op.guards:
            return mul([adjoint, Call("onehot", (op.source[0], size_tree(shape[0])))])
        return self._scattered(node, op, adjoint)

    def _scattered(self, node: Node, op: View, adjoint: Expr) -> Expr:
        """Each entry of the adjoint added to where the view reads it, where it reads one."""
        names = dict(zip(op.indices, map(Name, self.letters), strict=False))
        limits = [bound(names[index].name, size) for index, size in zip(op.indices, node.shape, strict=True)]
        entry: Expr = Index(adjoint, tuple(names.values())) if names else adjoint
        for position, size in op.guards:
            entry = Call("inside", (placed(position, names), ZERO, size_tree(size), entry))
        place = Tuple(tuple(linear(substitute(each, names)) for each in op.source))
        return Call("scatter", (entry, Name(op.operand), *limits, place))

    def _shared(self, node: Node, operands: Sequence[str], axis: int, adjoint: Expr) -> Iterator[tuple[str, Expr]]:
        """The stretch of the adjoint that came from each operand of a join."""
        start: Dimension = 0
        adjoint = self._full(adjoint, node.name)
        for operand in operands:
            shape = self.graph[operand].shape
            stop = size_sum([start, shape[axis]])
            if operand in self.wanted:
                yield operand, self._stretch(adjoint, shape, axis, start, stop)
            start = stop

    def _stretch(self, adjoint: Expr, shape: Shape, axis: int, start: Dimension, stop: Dimension) -> Expr:
        if isinstance(start, int) and isinstance(stop, int):
            return Index(adjoint, (*(Slice(None, None, 1),) * axis, Slice(start, stop, 1)))
        letters = self.letters[: len(shape)]
        subscripts = [Name(letter) for letter in letters]
        entry = tuple(add([name, size_tree(start)]) if at == axis else name for at, name in enumerate(subscripts))
        return Call("array", (Index(adjoint, entry), *(bound(i, size) for i, size in zip(letters, shape, strict=True))))


def _seed(graph: Graph, of: str, at: tuple[int, ...]) -> Expr:
    """1 at the entry that is derived."""
    if not at:
        return ONE
    shape = graph[of].shape
    if len(at) == 1:
        return Call("onehot", (number(at[0]), size_tree(shape[0])))
    return Call("onehot", (Tuple(tuple(map(number, at))), Tuple(tuple(map(size_tree, shape)))))


def _holders(graph: Graph, within: frozenset[str]) -> dict[tuple[str, tuple[int, ...]], str]:
    """The node that is a softmax, by its operand and axes, among those that are computed."""
    found: dict[tuple[str, tuple[int, ...]], str] = {}
    for node in (node for node in graph.nodes.values() if node.name in within):
        held = softmax_of(node.op.formula, graph) if isinstance(node.op, Elementwise) else None
        if held is not None:
            found[held] = node.name
    return found


def _is_statistic(node: Node, adjoint: Expr) -> bool:
    """Whether the adjoint of an anonymous node is worth an equation of its own."""
    atom = isinstance(adjoint, Name | Number)
    return isinstance(node.op, Reduction) and REDUCERS[node.op.function].averaged and not atom


def _sum(part: Expr, *options: tuple[str, Expr]) -> Expr:
    """The sum of `part`, a sign or a divisor outside it."""
    if isinstance(part, Neg):
        return neg(_sum(part.operand, *options))
    if isinstance(part, Div) and isinstance(part.denominator, Number):
        return div(_sum(part.numerator, *options), part.denominator)
    return Call("sum", (part,), options)


def _contracted(subscripts: str, operands: Sequence[str], slot: int, adjoint: Expr) -> Expr:
    """The adjoint of one operand of a sum of products; where it is equal along an axis, ones give it that axis."""
    inputs, output = subscripts.split("->")
    groups = inputs.split(",")
    if len(operands) == 2:
        other, letters = Name(operands[1 - slot]), groups[1 - slot]
        found = matrix_product(adjoint, output, other, letters, groups[slot])
        if found is not None:
            return found
    others = [index for index in range(len(operands)) if index != slot]
    factors = [adjoint, *(Name(operands[index]) for index in others)]
    letters_of = [output, *(groups[index] for index in others)]
    if not set(groups[slot]) <= set("".join(letters_of)):
        factors.append(Call("ones", (Name(operands[slot]),)))
        letters_of.append(groups[slot])
    text = ",".join(letters_of) + "->" + groups[slot]
    return Call("einsum", (Text(text), *factors))
