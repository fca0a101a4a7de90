"""Networks of tensors as shared values: what moves or sums entries is a piece of NumPy source with operands."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from backpropsym.formula.tree import Add, Call, Expr, Index, Mul, Name, Neg, Number, names
from backpropsym.graph import Graph, Node, Role
from backpropsym.kernels.contract import contraction
from backpropsym.kernels.lower import FormulaLowering
from backpropsym.kernels.program import Program
from backpropsym.kernels.values import Kind
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, Shape, View
from backpropsym.ops.sizes import Dimension, size_product, size_sum

BATCH = "_n"


class ArrayLowering:
    """One graph of tensors on its way to a program.

    Every value has a shape; nodes that depend on an input or a target have the batch as their first axis. An
    adjoint may be smaller than its node as long as it broadcasts to it.
    """

    def __init__(self, graph: Graph, by_value: bool = True) -> None:
        self.graph = graph
        self.formulas = FormulaLowering(graph.functions, by_value)
        self.values = self.formulas.values
        self.known: dict[str, int] = {}
        self.nodes: dict[int, str] = {}
        self.symbols: dict[int, str] = {}
        self.shapes: dict[int, Shape] = {}
        self.constants: dict[str, str] = {}

    def reverse(self, parameters: Sequence[str]) -> Program:
        """Value, and gradients by one adjoint a node."""
        objective = self.graph.objective
        needed = self.graph.ancestors(objective)
        for name in self.graph.order:
            if name in needed:
                self.values.owner = name.lstrip("_")
                self.known[name] = self._node(self.graph[name])
                self.nodes.setdefault(self.known[name], name)
        backward = len(self.values.items)
        self.values.derivative = True
        gradients = self._backward(objective, needed, parameters)
        zero = self.values.number(0.0)
        value = self.source("_np.mean({0})", (), self.known[objective])
        found = {name: self._gradient(gradients.get(name, zero), name) for name in parameters}
        return Program(
            items=tuple(self.values.items),
            nodes={position: name for position, name in self.nodes.items() if self.graph[name].named},
            symbols=self.symbols,
            owners=tuple(self.values.owners),
            notes={},
            backward=backward,
            value=value,
            gradients=found,
            shapes={position: self._shape_text(position) for position in range(len(self.values.items))},
        )

    def source(self, template: str, shape: Shape, *operands: int) -> int:
        """A value that a piece of NumPy source computes from `operands`."""
        batched = shape[:1] == (BATCH,)
        position = self.values.opaque(template, operands, batched)
        self.shapes[position] = shape
        return position

    def shape(self, position: int) -> Shape:
        """The shape of a value; of an arithmetic one, what broadcasting makes of its operands."""
        if position not in self.shapes:
            shapes = [self.shape(operand) for operand in self.values.items[position].operands]
            self.shapes[position] = _broadcast(shapes)
        return self.shapes[position]

    def _shape_text(self, position: int) -> str:
        """A shape as it stands in comments, n for the number of objects."""
        return shape_source(self.shape(position)).replace("_size_", "").replace(BATCH, "n")

    def whole(self, node: Node) -> Shape:
        """The shape of a node's value, batch included."""
        return ((BATCH,) if node.name in self.graph.batched else ()) + node.shape

    def _node(self, node: Node) -> int:
        if node.role is Role.CONSTANT:
            return self.source(
                f"_np.array({np.asarray(self.graph.constants[node.name]).tolist()!r}, dtype=_real)", node.shape
            )
        match node.op:
            case None:
                position = self.values.leaf(node.name, node.name in self.graph.batched)
                self.shapes[position] = self.whole(node)
                return position
            case Elementwise(formula):
                return self.formulas.formula(formula, self._aligned(node))
            case Contraction(subscripts, operands):
                return self._contract(subscripts, operands, node)
            case Reduction():
                return self._reduce(node, node.op)
            case View():
                return self._view(node, node.op)
            case Join(operands, axis):
                parts = [self._full(self.known[name], self._joined(node, name)) for name in operands]
                listed = ", ".join(f"{{{index}}}" for index in range(len(parts)))
                lead = self._lead(node.name)
                return self.source(f"_np.concatenate(({listed},), axis={axis + lead})", self.whole(node), *parts)
        raise TypeError(f"{node.name} has no kernel")

    def _lead(self, name: str) -> int:
        return int(name in self.graph.batched)

    def _joined(self, node: Node, operand: str) -> Shape:
        return ((BATCH,) if self._lead(node.name) else ()) + self.graph[operand].shape

    def _aligned(self, node: Node) -> dict[str, int]:
        """The parents of an elementwise node, each with axes of size 1 between its batch and its own axes."""
        rank = len(node.shape)
        found = {}
        for parent in node.parents:
            position, own = self.known[parent], self.graph[parent].shape
            if self._lead(parent) and len(own) < rank:
                shape = (BATCH, *((1,) * (rank - len(own))), *own)
                inside = ", ".join([":", *["None"] * (rank - len(own)), *[":"] * len(own)])
                position = self.source(f"{{0}}[{inside}]", shape, position)
            found[parent] = position
        return found | self._sizes(node)

    def _sizes(self, node: Node) -> dict[str, int]:
        """The symbolic sizes in an elementwise formula, as numbers."""
        assert node.formula is not None, "only elementwise nodes have formulas"
        symbols = [name for name in names(node.formula) if name not in node.parents]
        return {symbol: self.source(f"_real({size_source(symbol)})", ()) for symbol in symbols}

    def _full(self, position: int, shape: Shape) -> int:
        """A value spread to a shape that it broadcasts to."""
        if self.shape(position) == shape:
            return position
        return self.source(f"_np.broadcast_to({{0}}, {shape_source(shape)})", shape, position)

    def _contract(self, subscripts: str, operands: Sequence[str], node: Node) -> int:
        groups, output = self._letters(subscripts, operands, node)
        return self.source(contraction(groups, output), self.whole(node), *(self.known[name] for name in operands))

    def _letters(self, subscripts: str, operands: Sequence[str], node: Node) -> tuple[list[str], str]:
        """The letters of the operands and of the result, Z for the batch."""
        inputs, output = subscripts.split("->")
        leads = ["Z" if self._lead(name) else "" for name in (*operands, node.name)]
        letters = [lead + each for lead, each in zip(leads, [*inputs.split(","), output], strict=True)]
        return letters[:-1], letters[-1]

    def _reduce(self, node: Node, op: Reduction) -> int:
        lead = self._lead(op.operand)
        axes = tuple(axis + lead for axis in op.axes)
        inside = f"{{0}}, axis={axes!r}" + (", keepdims=True" if op.keep else "")
        name = "_logsumexp" if op.function == "logsumexp" else f"_np.{op.function}"
        return self.source(f"{name}({inside})", self.whole(node), self.known[op.operand])

    def _view(self, node: Node, op: View) -> int:
        shape, operand = self.whole(node), self.known[op.operand]
        lead = self._lead(op.operand)
        if op.method == "reshape":
            return self.source(f"{{0}}.reshape({shape_source(shape)})", shape, operand)
        if op.method == "transpose":
            return self.source(f"_np.transpose({{0}}, {_order(lead, tuple(map(int, op.options)))})", shape, operand)
        chosen = self._chosen(node, op)
        index = self._index(node, op, len(chosen))
        outside = ", absent=True" if op.absent and op.guards else f", {float(op.fill)!r}" if op.fill else ""
        text = f"_read({{0}}, {index}, {lead}, {len(node.shape)}{outside})"
        read = {name for each in (*op.source, *(each for each, _ in op.guards)) for name in names(each)}
        sizes = zip(op.indices, node.shape, strict=True)
        reached = tuple(size if index in read else 1 for index, size in sizes)
        return self._full(self.source(text, shape[: len(shape) - len(reached)] + reached, operand, *chosen), shape)

    def _chosen(self, node: Node, op: View) -> tuple[int, ...]:
        """The values that choose entries by data."""
        return tuple(self.known[parent] for parent in node.parents if parent != op.operand)

    def _index(self, node: Node, op: View, count: int) -> str:
        """The source of the index arrays of a view, and of the mask of entries that exist."""
        rank = len(node.shape)
        axes = enumerate(zip(op.indices, node.shape, strict=True))
        grid = {index: _axis_source(axis, rank, size) for axis, (index, size) in axes}
        data = [parent for parent in node.parents if parent != op.operand]
        for slot, parent in enumerate(data):
            scalar = f"_whole({{{slot + 1}}}, {rank if self._lead(parent) else 0})"
            grid[parent] = f"{{{slot + 1}}}" if self.graph[parent].shape else scalar
        sources = [index_source(each, grid) for each in op.source]
        guards = [f"({index_source(each, grid)}, {size_source(size)})" for each, size in op.guards]
        text = f"({', '.join(sources)},), ({', '.join(guards)}{',' if guards else ''})"
        if count or "_size_" in text:
            return text
        fresh = f"_INDEX_{len(self.constants) + 1}"
        name = next((name for name, known in self.constants.items() if known == text), fresh)
        self.constants[name] = text
        return f"*{name}"

    def _backward(self, objective: str, needed: frozenset[str], parameters: Sequence[str]) -> dict[str, int]:
        """The derivative of the mean objective by every node that leads from a parameter to it."""
        kept = set(parameters) & needed
        for name in self.graph.order:
            if name in needed and any(parent in kept for parent in self.graph[name].parents):
                kept.add(name)
        adjoints: dict[str, int] = {}
        if objective in kept:
            seed = self.whole(self.graph[objective])
            text = f"_np.full({shape_source(seed)}, 1.0/{BATCH}, dtype=_real)" if seed else "_real(1.0)"
            adjoints[objective] = self.source(text, seed)
        for name in reversed(self.graph.order):
            node = self.graph[name]
            if name in adjoints and node.op is not None:
                self.values.owner = f"d_{name.lstrip('_')}"
                self.symbols.setdefault(adjoints[name], f"d{objective}_d{name.lstrip('_')}")
                for parent, part in self._pull(node, adjoints[name], kept):
                    adjoints[parent] = self.values.add(adjoints[parent], part) if parent in adjoints else part
        return adjoints

    def _pull(self, node: Node, adjoint: int, kept: set[str]) -> list[tuple[str, int]]:
        """What the adjoint of `node` adds to the adjoints of its parents in `kept`."""
        match node.op:
            case Elementwise(formula):
                known = self._aligned(node)
                found = partials(formula, self.graph.functions)
                return [
                    (parent, self._fitted(self.formulas.times(adjoint, each, known), node, parent))
                    for parent, each in found.items()
                    if parent in kept
                ]
            case Contraction(subscripts, operands):
                return self._pull_contraction(node, subscripts, operands, adjoint, kept)
            case Reduction(operand=operand):
                return [(operand, self._pull_reduction(node, node.op, adjoint))] if operand in kept else []
            case View(operand):
                return [(operand, self._pull_view(node, node.op, adjoint))] if operand in kept else []
            case Join(operands, axis):
                return self._pull_join(node, operands, axis, adjoint, kept)
        return []

    def _fitted(self, part: int, node: Node, parent: str) -> int:
        """A part that broadcasts to the node, summed over what the parent does not have."""
        whole, target = self.whole(node), self.whole(self.graph[parent])
        if whole == target:
            return part
        lead, own = self._lead(node.name), self._lead(parent)
        axes = [0] if lead > own else []
        extra = len(node.shape) - len(self.graph[parent].shape)
        axes += range(lead, lead + extra)
        ones = [
            lead + extra + axis
            for axis, size in enumerate(self.graph[parent].shape)
            if size == 1 != node.shape[extra + axis]
        ]
        if not axes and not ones:
            return part
        full = self._full(part, whole)
        return self.source(f"_sum_to({{0}}, {tuple(axes)!r}, {tuple(ones)!r})", target, full)

    def _pull_contraction(
        self, node: Node, subscripts: str, operands: Sequence[str], adjoint: int, kept: set[str]
    ) -> list[tuple[str, int]]:
        groups, whole = self._letters(subscripts, operands, node)
        full = self._full(adjoint, self.whole(node))
        found = []
        for slot, name in enumerate(operands):
            if name not in kept:
                continue
            others = [index for index in range(len(operands)) if index != slot]
            letters = {*whole, *(letter for index in others for letter in groups[index])}
            reached = "".join(letter for letter in groups[slot] if letter in letters)
            target = self.whole(self.graph[name])
            shape = tuple(size for letter, size in zip(groups[slot], target, strict=True) if letter in letters)
            text = contraction([whole, *(groups[index] for index in others)], reached)
            part = self.source(text, shape, full, *(self.known[operands[index]] for index in others))
            missing = tuple(axis for axis, letter in enumerate(groups[slot]) if letter not in letters)
            if missing:
                ones = tuple(1 if axis in missing else size for axis, size in enumerate(target))
                part = self._full(self.source(f"_np.expand_dims({{0}}, {missing!r})", ones, part), target)
            found.append((name, part))
        return found

    def _pull_reduction(self, node: Node, op: Reduction, adjoint: int) -> int:
        lead = self._lead(op.operand)
        axes = tuple(axis + lead for axis in op.axes)
        operand = self.graph[op.operand]
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(self.whole(operand)))
        spread = adjoint if op.keep else self._expanded(self._full(adjoint, self.whole(node)), axes, kept)
        match op.function:
            case "sum":
                return spread
            case "mean":
                sizes = [operand.shape[axis] for axis in op.axes]
                return self.values.divide(spread, self._count(sizes))
            case "var":
                sizes = [operand.shape[axis] for axis in op.axes]
                mean = self.source(f"_np.mean({{0}}, axis={axes!r}, keepdims=True)", kept, self.known[op.operand])
                distance = self.values.subtract(self.known[op.operand], mean)
                slope = self.values.divide(self.values.multiply(self.values.number(2.0), distance), self._count(sizes))
                return self.values.multiply(spread, slope)
            case "logsumexp":
                value = self.known[node.name]
                whole = value if op.keep else self._expanded(value, axes, kept)
                difference = self.values.subtract(self.known[op.operand], whole)
                return self.values.multiply(spread, self.values.call("exp", (difference,)))
            case _:
                text = f"_first_{op.function}({{0}}, {axes!r})"
                mark = self.source(text, self.whole(operand), self.known[op.operand])
                return self.values.multiply(spread, mark)

    def _count(self, sizes: Sequence[Dimension]) -> int:
        if all(isinstance(size, int) for size in sizes):
            return self.values.number(float(math.prod(int(size) for size in sizes)))
        return self.source(f"_real({size_source(size_product(sizes))})", ())

    def _expanded(self, position: int, axes: tuple[int, ...], shape: Shape) -> int:
        return self.source(f"_np.expand_dims({{0}}, {axes!r})", shape, position)

    def _pull_view(self, node: Node, op: View, adjoint: int) -> int:
        target, lead = self.whole(self.graph[op.operand]), self._lead(op.operand)
        full = self._full(adjoint, self.whole(node))
        if op.method == "reshape":
            return self.source(f"{{0}}.reshape({shape_source(target)})", target, full)
        if op.method == "transpose":
            back = sorted(range(len(op.options)), key=op.options.__getitem__)
            return self.source(f"_np.transpose({{0}}, {_order(lead, back)})", target, full)
        chosen = self._chosen(node, op)
        index = self._index(node, op, len(chosen))
        text = f"_scatter({{0}}, {index}, {lead}, {len(node.shape)}, {shape_source(target)})"
        return self.source(text, target, full, *chosen)

    def _pull_join(
        self, node: Node, operands: Sequence[str], axis: int, adjoint: int, kept: set[str]
    ) -> list[tuple[str, int]]:
        lead, found = self._lead(node.name), []
        start: Dimension = 0
        full = self._full(adjoint, self.whole(node))
        for name in operands:
            end = size_sum([start, self.graph[name].shape[axis]])
            inside = ", ".join([*[":"] * (axis + lead), f"{size_source(start)}:{size_source(end)}"])
            part = self.source(f"{{0}}[{inside}]", self._joined(node, name), full)
            start = end
            if name in kept:
                if lead > self._lead(name):
                    part = self.source("_sum_to({0}, (0,), ())", self.whole(self.graph[name]), part)
                found.append((name, part))
        return found

    def _gradient(self, position: int, name: str) -> int:
        """A gradient in the parameter's shape."""
        shape = self.graph[name].shape
        if self.values.items[position].kind is Kind.NUMBER:
            return self.source(f"_np.full({shape_source(shape)}, {{0}}, dtype=_real)", shape, position)
        return self._full(position, shape)


def shape_source(shape: Shape) -> str:
    """A shape as source; sizes that are not numbers have names in the kernel."""
    inside = ", ".join(map(size_source, shape))
    return f"({inside}{',' if len(shape) == 1 else ''})"


def size_source(size: Dimension) -> str:
    """A size as source."""
    if isinstance(size, int) or size == BATCH:
        return str(size)
    named = re.sub(r"[A-Za-z_]\w*", lambda symbol: f"_size_{symbol.group()}", size)
    return f"({named})" if " " in named else named


def index_source(expr: Expr, grid: Mapping[str, str]) -> str:
    """A formula of indices as source on index arrays."""
    match expr:
        case Name(name):
            return grid.get(name) or size_source(name)
        case Number(value):
            return f"({int(value)})" if value < 0 else str(int(value))
        case Add(terms):
            return "(" + " + ".join(index_source(term, grid) for term in terms) + ")"
        case Mul(factors):
            return "*".join(index_source(factor, grid) for factor in factors)
        case Neg(operand):
            return f"(-{index_source(operand, grid)})"
        case Index(Name(name), subscripts):
            return f"_named({grid[name]}, {', '.join(index_source(each, grid) for each in subscripts)})"
        case Call("quotient", (above, below)):
            return f"({index_source(above, grid)} // {index_source(below, grid)})"
        case Call("remainder", (above, below)):
            return f"({index_source(above, grid)} % {index_source(below, grid)})"
        case _:
            raise TypeError(f"{type(expr).__name__} is not a formula of indices over {names(expr)}")


def _axis_source(axis: int, rank: int, size: Dimension) -> str:
    text = f"_np.arange({size_source(size)})"
    inside = ", ".join("-1" if each == axis else "1" for each in range(rank))
    return f"{text}.reshape({inside})" if rank > 1 else text


def _order(lead: int, axes: Sequence[int]) -> str:
    """An order of axes behind that of the objects."""
    return repr((*range(lead), *(lead + axis for axis in axes)))


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    width = max(map(len, shapes), default=0)
    result: list[Dimension] = [1] * width
    for shape in shapes:
        for axis, size in enumerate(shape, width - len(shape)):
            result[axis] = size if result[axis] == 1 else result[axis]
    return tuple(result)
