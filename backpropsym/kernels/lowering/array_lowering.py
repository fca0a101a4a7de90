"""A graph of tensors to a program: the forward pass, then one adjoint a node, all as shared values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from backpropsym.formula.tree import Name, Number, names
from backpropsym.graph.graph import Graph, Node
from backpropsym.kernels.ir.array_operations import (
    ALL,
    First,
    Fold,
    Item,
    ObjectShare,
    Place,
    Range,
    Read,
    Scatter,
)
from backpropsym.kernels.ir.program import Program
from backpropsym.kernels.lowering.array_forward import ArrayForward, indices_read, interior, offsets
from backpropsym.kernels.lowering.contractions import contract
from backpropsym.kernels.lowering.positions import stretch
from backpropsym.kernels.lowering.views import Moves
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Contraction, Elementwise, Join, Reduction, Shape, View
from backpropsym.ops.reducer import REDUCERS, factored
from backpropsym.ops.sizes import Dimension, size_sum


@dataclass
class _Adjoint:
    """What a node's consumers have given so far: whole parts added up, and parts at places."""

    total: int | None = None
    placed: list[tuple[tuple[Item, ...], int]] = field(default_factory=list)
    late: list[tuple[Fold | Scatter, tuple[int, ...]]] = field(default_factory=list)


class ArrayLowering(ArrayForward):
    """One graph of tensors on its way to a program.

    An adjoint may be smaller than its node as long as it broadcasts to it.
    """

    def __init__(self, graph: Graph, by_value: bool = True, batch: bool = True) -> None:
        super().__init__(graph, by_value, batch)
        self.symbols: dict[int, str] = {}
        self.kept: set[str] = set()
        self.adjoints: dict[str, _Adjoint] = {}

    def reverse(self, wanted: Sequence[str]) -> Program:
        """The mean objective, and its derivative by each of `wanted`."""
        value, backward = self.objective(), self.derivatives_from_here()
        objective = self.graph.objective
        found = self.pull_back({objective: self.seed(objective)}, wanted)
        return self.program(backward, value, found)

    def objective(self) -> int:
        """The mean of the objective, a node of one entry, over the objects, without axes."""
        objective = self.graph.objective
        self.forward(objective)
        lead = self.lead(objective)
        return self.values.mean(
            self.values.pick(self.known[objective], [ALL] * lead + [0] * len(self.graph[objective].shape))
        )

    def derivatives_from_here(self) -> int:
        """The position at which derivatives start, where all values so far are those of nodes."""
        self.values.derivative = True
        return len(self.values.items)

    def seed(self, objective: str, mean: bool = True) -> int:
        """What one object's objective weighs, in a mean over objects or alone."""
        if mean and self.lead(objective):
            return self.values.make(ObjectShare(()))
        return self.values.number(1.0)

    def program(self, backward: int, value: int, gradients: Mapping[str, int]) -> Program:
        """The values so far as a program."""
        return Program(
            items=tuple(self.values.items),
            nodes={position: name for position, name in self.nodes.items() if self.graph[name].named},
            symbols=self.symbols,
            owners=tuple(self.values.owners),
            backward=backward,
            value=value,
            gradients=gradients,
        )

    def pull_back(self, seeds: Mapping[str, int], wanted: Sequence[str]) -> dict[str, int]:
        """The sum over `seeds` of seed times derivative of that node, by each of `wanted`; 0 where none leads there."""
        needed = self.graph.ancestors(*seeds)
        self.kept = set(wanted) & needed
        for name in self.graph.order:
            if name in needed and any(parent in self.kept for parent in self.graph[name].parents):
                self.kept.add(name)
        for name, seed in seeds.items():
            if name in self.kept:
                self.adjoints[name] = _Adjoint(seed)
        found: dict[str, int] = {}
        for name in reversed(self.graph.order):
            if name in self.adjoints:
                node = self.graph[name]
                self.values.owner = f"d_{name.lstrip('_')}"
                total = self._total(name)
                self.symbols.setdefault(total, f"d{self.graph.objective}_d{name.lstrip('_')}")
                if name in wanted:
                    found[name] = total
                if node.op is not None:
                    self._pull(node, total)
        return {name: found.get(name, self.values.number(0.0)) for name in wanted}

    def _total(self, name: str) -> int:
        """The adjoint of a node from all that its consumers gave."""
        given, shape = self.adjoints[name], self.whole(name)
        total = given.total
        if given.placed:
            regions = tuple(region for region, _ in given.placed)
            parts = [part for _, part in given.placed]
            if total is None:
                disjoint, complete = _cover(regions, shape)
                total = self.values.make(Place(shape, regions, disjoint, complete), *parts)
            else:
                total = self.values.make(Place(shape, regions, based=True), *parts, self.values.spread(total, shape))
        for operation, operands in given.late:
            before = () if total is None else (self.values.spread(total, shape),)
            total = self.values.make(replace(operation, based=total is not None), *operands, *before)
        assert total is not None, f"{name} was given something"
        return total

    def _give(self, name: str, part: int) -> None:
        """Add a whole part to the adjoint of a node."""
        if name in self.kept:
            given = self.adjoints.setdefault(name, _Adjoint())
            given.total = part if given.total is None else self.values.add(given.total, part)

    def _give_at(self, name: str, region: Sequence[Item], part: int) -> None:
        """Add a part at one place to the adjoint of a node."""
        if name in self.kept:
            self.adjoints.setdefault(name, _Adjoint()).placed.append((tuple(region), part))

    def _give_late(self, name: str, operation: Fold | Scatter, *operands: int) -> None:
        """Add what an operation adds to the adjoint of a node."""
        if name in self.kept:
            self.adjoints.setdefault(name, _Adjoint()).late.append((operation, operands))

    def _pull(self, node: Node, adjoint: int) -> None:
        """Give the parents of `node` what its adjoint adds to theirs."""
        match node.op:
            case Elementwise(formula):
                known = self.aligned(node)
                for parent, each in partials(formula, self.graph.functions).items():
                    if parent in self.kept:
                        part = self.formulas.times(adjoint, each, known)
                        self._give(parent, self._fitted(part, node, parent))
            case Contraction(subscripts, operands):
                self._pull_contraction(node, subscripts, operands, adjoint)
            case Reduction(operand=operand):
                places = self.places(node.op)
                if places is not None:
                    self._pull_pool(node, node.op, adjoint, places)
                elif operand in self.kept:
                    self._give(operand, self._pull_reduction(node, node.op, adjoint))
            case View(operand):
                if operand in self.kept:
                    self._pull_view(node, node.op, adjoint)
            case Join(operands, axis):
                self._pull_join(node, operands, axis, adjoint)

    def _fitted(self, part: int, node: Node, parent: str) -> int:
        """A part that broadcasts to the node, summed over what the parent does not have.

        Where the part has not got an axis of the sum, it is multiplied by the axis' length.
        """
        whole, values, shape = self.whole(node.name), self.values, self.values.shape(part)
        lead = self.lead(node.name)
        extra = len(node.shape) - len(self.graph[parent].shape)
        gone = [*([0] if lead > self.lead(parent) else []), *range(lead, lead + extra)]
        sizes = enumerate(self.graph[parent].shape, lead + extra)
        summed = {*gone, *(axis for axis, size in sizes if size == 1 != whole[axis])}
        axes = list(range(len(whole) - len(shape), len(whole)))
        present = [axis for axis, size in zip(axes, shape, strict=True) if axis in summed and size != 1]
        for axis in sorted(summed - set(present)):
            part = values.multiply(part, self.length(whole[axis]))
        if not shape or not summed:
            return part
        items: list[Item] = [0 if axis in gone and axis not in present else ALL for axis in axes]
        part = values.pick(part, items)
        axes = [axis for axis, item in zip(axes, items, strict=True) if item != 0]
        part = values.sum(part, [axes.index(axis) for axis in present])
        axes = [axis for axis in axes if axis not in present]
        left = [axis for axis in range(len(whole)) if axis not in gone]
        return values.arrange(part, [axes.index(axis) if axis in axes else None for axis in left]) if axes else part

    def _pull_contraction(self, node: Node, subscripts: str, operands: Sequence[str], adjoint: int) -> None:
        groups, whole = self.letters(subscripts, operands, node.name)
        full = self.values.spread(adjoint, self.whole(node.name))
        for slot, name in enumerate(operands):
            if name not in self.kept:
                continue
            others = [index for index in range(len(operands)) if index != slot]
            letters = {*whole, *(letter for index in others for letter in groups[index])}
            reached = "".join(letter for letter in groups[slot] if letter in letters)
            given = [full, *(self.known[operands[index]] for index in others)]
            part = contract(self.values, [whole, *(groups[index] for index in others)], reached, given)
            if reached != groups[slot]:
                axes = [reached.index(letter) if letter in reached else None for letter in groups[slot]]
                part = self.values.arrange(part, axes)
            self._give(name, part)

    def _pull_reduction(self, node: Node, op: Reduction, adjoint: int) -> int:
        lead, values = self.lead(op.operand), self.values
        axes = tuple(axis + lead for axis in op.axes)
        spread = adjoint
        if not op.keep and values.shape(adjoint):
            spread = values.widened(values.spread(adjoint, self.whole(node.name)), axes)
        reducer = REDUCERS[op.function]
        if reducer.extreme:
            mark = values.make(First(self.whole(op.operand), op.function, axes), self.known[op.operand])
            return values.multiply(spread, mark)
        scale, weight = factored(reducer.derivative)
        total = self.known[node.name] if "y" in names(weight) else None
        whole = total if total is None or op.keep else values.widened(total, axes)
        return values.multiply(self._scaled(op, spread, scale), self.computed(op, weight, True, whole))

    def _scaled(self, op: Reduction, adjoint: int, scale: Number) -> int:
        """An adjoint times what is the same for all entries in a derivative."""
        scaled = self.values.multiply(self.values.number(float(scale.value)), adjoint)
        return self.values.divide(scaled, self.count(op)) if REDUCERS[op.function].averaged else scaled

    def _pull_pool(self, node: Node, op: Reduction, adjoint: int, places: Sequence[int]) -> None:
        """The adjoint of a pool at each place of its windows: what the last comparison took goes there."""
        values, view = self.values, self.graph[op.operand]
        assert isinstance(view.op, View)
        if view.op.operand not in self.kept:
            return
        adjoint = values.spread(adjoint, self.whole(node.name))
        reducer = REDUCERS[op.function]
        if reducer.extreme:
            parts = self._split(op.function, adjoint, places)
        else:
            parts = [self._scaled(op, adjoint, factored(reducer.derivative)[0])] * len(places)
        _, axes = self.windowed[op.operand]
        outs = [each.out for each in axes]
        back = [sorted(outs).index(axis) for axis in outs]
        found = self.moved[op.operand]
        assert found is not None
        for items, part in zip(offsets(axes), parts, strict=True):
            self._give_padded(view.op.operand, found, items, values.arrange(part, back))

    def _split(self, function: str, adjoint: int, places: Sequence[int]) -> list[int]:
        """An adjoint of the extreme of `places`, handed to the place that it came from, the first of equals."""
        values = self.values
        best = [places[0]]
        for place in places[1:]:
            best.append(values.call(function, (best[-1], place)))
        zero, parts = values.number(0.0), []
        for before, place in zip(reversed(best[:-1]), reversed(places[1:]), strict=True):
            beats = values.compare(REDUCERS[function].extreme, place, before)
            parts.append(values.call("where", (beats, adjoint, zero)))
            adjoint = values.call("where", (beats, zero, adjoint))
        return [adjoint, *reversed(parts)]

    def _give_padded(self, name: str, found: Moves, items: Sequence[Item], part: int) -> None:
        """Give a part at a place of a padded operand; what falls on the padding is dropped."""
        if not any(map(any, found.pads)):
            self._give_at(name, items, part)
            return
        shape, lead = self.whole(name), self.lead(name)
        inside: list[Item] = []
        kept: list[Item] = []
        for item, within in zip(items, interior(found, shape, lead), strict=True):
            clipped = (item, ALL) if within == ALL else _clipped(item, within)
            if clipped is None:
                return
            inside.append(clipped[0])
            kept += [] if isinstance(item, int) else [clipped[1]]
        self._give_at(name, inside, self.values.pick(part, kept))

    def _pull_view(self, node: Node, op: View, adjoint: int) -> None:
        values, name = self.values, op.operand
        target, lead = self.whole(name), self.lead(name)
        if op.method == "reshape":
            self._give(name, values.reshape(values.spread(adjoint, self.whole(node.name)), target))
            return
        found = self.moved[node.name]
        if found is None:
            self._pull_read(node, op, adjoint)
            return
        if found.items is None:
            self._pull_windows(node, op, values.spread(adjoint, self.whole(node.name)))
            return
        shape = self.whole(node.name)
        if self.lead(node.name) > lead:
            raise TypeError("a view by places has the batch of its operand")
        gone = [axis + lead for axis, each in enumerate(found.order) if each is None]
        part = values.sum(values.spread(adjoint, shape), gone)
        left = [each + lead for each in found.order if each is not None]
        back = [*range(lead), *(left.index(axis) + lead for axis in sorted(left))]
        items: list[Item] = [*[ALL] * lead, *found.items]
        part = values.arrange(part, back)
        if all(item == ALL for item in items) and not any(map(any, found.pads)):
            self._give(name, part)
        else:
            self._give_padded(name, found, items, part)

    def _pull_windows(self, node: Node, op: View, adjoint: int) -> None:
        found, target, lead = self.moved[node.name], self.whole(op.operand), self.lead(op.operand)
        assert found is not None
        position, axes = self.windowed[node.name]
        if not any(map(any, found.pads)):
            self._give_late(op.operand, Fold(target, axes), adjoint)
            return
        padded = self.values.make(Fold(self.values.shape(position), axes), adjoint)
        self._give(op.operand, self.values.pick(padded, interior(found, target, lead)))

    def _pull_read(self, node: Node, op: View, adjoint: int) -> None:
        target, lead, own = self.whole(op.operand), self.lead(op.operand), self.lead(node.name)
        read = indices_read(op)
        unread = [axis + own for axis, index in enumerate(op.indices) if index not in read]
        if unread:
            adjoint = self.values.sum(self.values.spread(adjoint, self.whole(node.name)), unread, keep=True)
        plain = {each.name for each in op.source if isinstance(each, Name)}
        unique = bool(lead or not own) and set(op.indices) <= plain and not op.guards
        operation = Scatter(target, self.places_read(node, op), lead, len(node.shape), unique)
        self._give_late(op.operand, operation, adjoint, *self.chosen(op, node))

    def _pull_join(self, node: Node, operands: Sequence[str], axis: int, adjoint: int) -> None:
        lead = self.lead(node.name)
        start: Dimension = 0
        full = self.values.spread(adjoint, self.whole(node.name))
        for name in operands:
            part = self._stretch(full, self.graph[name].shape, lead, axis, start)
            start = size_sum([start, self.graph[name].shape[axis]])
            if name in self.kept:
                self._give(name, self.values.sum(part, [0]) if lead > self.lead(name) else part)

    def _stretch(self, full: int, shape: Shape, lead: int, axis: int, start: Dimension) -> int:
        """The part of an adjoint that belongs to an operand of `shape`, which starts at `start` along an axis."""
        size, joined = shape[axis], self.values.shape(full)[axis + lead]
        if isinstance(start, int) and isinstance(size, int) and isinstance(joined, int):
            items: list[Item] = [ALL] * (lead + len(shape))
            items[axis + lead] = (start, start + size, 1)
            return self.values.pick(full, items)
        batch = self.values.shape(full)[:lead]
        return self.values.make(Read(batch + shape, stretch(shape, axis, start), lead, len(shape)), full)


_MOST_REGIONS = 128


def _cover(regions: Sequence[tuple[Item, ...]], shape: Shape) -> tuple[bool, bool]:
    """Whether regions of an array are disjoint, and if so whether they leave nothing out."""
    if len(regions) > _MOST_REGIONS:
        return False, False
    sized = [axis for axis, size in enumerate(shape) if isinstance(size, int)]
    places = [[_places(region[axis], int(shape[axis])) for axis in sized] for region in regions]
    for index, first in enumerate(places):
        for second in places[:index]:
            if all(not one.isdisjoint(other) for one, other in zip(first, second, strict=True)):
                return False, False
    covered = sum(math.prod(map(len, each)) for each in places)
    whole = all(region[axis] == ALL for region in regions for axis in range(len(shape)) if axis not in sized)
    return True, whole and covered == math.prod(int(shape[axis]) for axis in sized)


def _places(item: Item, size: int) -> frozenset[int]:
    return frozenset([item]) if isinstance(item, int) else frozenset(range(size)[slice(*item)])


def _clipped(item: Item, within: Item) -> tuple[Item, Range] | None:
    """The part of an index that lies within a range, counted from its start; and which of its places these are."""
    assert not isinstance(within, int)
    low, high, _ = within
    assert high is not None
    if isinstance(item, int):
        return (item - low, ALL) if low <= item < high else None
    start, stop, step = item
    end = (-1 if step < 0 else high) if stop is None else stop
    kept = [place for place, position in enumerate(range(start, end, step)) if low <= position < high]
    if not kept:
        return None
    first, last = start + step * kept[0] - low, start + step * kept[-1] - low
    after = last + 1 if step > 0 else last - 1
    return (first, None if after < 0 else after, step), (kept[0], kept[-1] + 1, 1)
