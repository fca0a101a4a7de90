"""Program to statements on arrays: every array gets memory, and what dies gives its own to what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backpropsym.kernels.backends.dialects import ATOM, ArrayDialect, Piece
from backpropsym.kernels.backends.numpy.body import ArrayBody
from backpropsym.kernels.backends.numpy.placement import Part, around, placements
from backpropsym.kernels.backends.numpy.storage import Layout, picked_layout, plain_layout
from backpropsym.kernels.backends.sizes import shape_source
from backpropsym.kernels.backends.statements import Naming
from backpropsym.kernels.backends.subscripts import item_sources, subscripts
from backpropsym.kernels.ir.array_operations import Item, Operation, Product, Reshape, nominal
from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Kind, Program, Value
from backpropsym.kernels.passes.row_fusion import rows_read
from backpropsym.ops.kinds import Shape

_UFUNCS = {
    Kind.ADD: "add",
    Kind.SUBTRACT: "subtract",
    Kind.MULTIPLY: "multiply",
    Kind.DIVIDE: "divide",
    Kind.NEGATE: "negative",
    Kind.POWER: "power",
}
_COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
_MAX_INLINE = 88
_LONG = 4096


Rule = Callable[["ArrayWriter", int, Any], None]
"""Writes the operation at a position of a program."""


class ArrayWriter:
    """Statements for the values that the results depend on.

    Parameters
    ----------
    shapes : the shapes of the results, by name; a result may be smaller where it broadcasts.
    taken : names that generated ones must not use.
    rules : what writes each operation over axes.
    """

    def __init__(
        self,
        program: Program,
        values: ArrayValues,
        shapes: Mapping[str, Shape],
        taken: Iterable[str],
        rules: Mapping[type[Operation], Rule],
    ) -> None:
        self.rules = rules
        self.program = program
        self.values = values
        self.items: Sequence[Value] = program.items
        self.wanted = shapes
        self.dialect = ArrayDialect()
        self.naming = Naming(program, taken)
        self.body = ArrayBody(helpers=self.dialect.helpers)
        self.storage = self.body.storage
        self.lines = self.body.forward
        self.pieces: dict[int, Piece] = {}
        self.layouts: dict[int, Layout | None] = {}
        self.slots: dict[int, int] = {}
        self.memory: dict[int, str] = {}
        self.roots: dict[int, int] = {}
        self.settled: set[int] = set()
        self.temporary: list[int] = []
        self.copies: dict[tuple[int, tuple[int, ...]], str] = {}
        self._survey()

    def _survey(self) -> None:
        """How often values are used, for the last time where, and which are written into results at once."""
        self.alive = self.program.live()
        self.uses = [0] * len(self.items)
        self.last = [-1] * len(self.items)
        self.factors = Counter[int]()
        self.reshaped: set[int] = set()
        for position, item in enumerate(self.items):
            if self.alive[position]:
                for operand in item.operands:
                    self.uses[operand] += 1
                    self.last[operand] = position
                if isinstance(item.data, Product):
                    self.factors.update(item.operands)
                elif isinstance(item.data, Reshape):
                    self.reshaped.update(item.operands)
        self.homes: dict[int, str] = {}
        for index, (name, position) in enumerate(self.program.gradients.items()):
            shape = self.wanted[name]
            self.uses[position] += 1
            if shape:
                array = f"_r{index}"
                self.body.results[array] = shape
                if self.values.shape(position) == shape and position not in self.homes:
                    self.homes[position] = array
        for position in (self.program.value, *self.program.gradients.values()):
            self.uses[position] += 1
            self.last[position] = len(self.items)
        self.rows = rows_read(self.program)
        self.parts = placements(self.items, self.alive, self.values, self.homes)
        for position in sorted(self.parts):
            last, whole = self.last[position], position
            while whole in self.parts:
                whole = self.parts[whole].owner
                self.last[whole] = max(self.last[whole], last)

    def written(self) -> ArrayBody:
        """The statements."""
        for position, alive in enumerate(self.alive):
            if alive:
                self.lines = self.body.backward if position >= self.program.backward else self.body.forward
                self._visit(position)
                self._release(position)
        for array, (name, position) in zip(
            _numbered(self.program.gradients), self.program.gradients.items(), strict=True
        ):
            text = self.pieces[position].text
            if not self.wanted[name]:
                self.body.gradients[name] = text
                continue
            if position not in self.settled or self.homes[position] != array:
                self.lines.append(f"_np.copyto({array}, {text})")
            self.body.gradients[name] = array
        self.body.value = self.pieces[self.program.value].text
        return self.body

    def shape(self, position: int) -> Shape:
        """The shape of a value."""
        return self.values.shape(position)

    def text(self, position: int) -> str:
        """A value as source that binds as tightly as can be."""
        return self.pieces[position].bracketed(ATOM)

    def _visit(self, position: int) -> None:
        item, shape = self.items[position], self.shape(position)
        self.roots.setdefault(position, position)
        if item.kind is Kind.LEAF:
            self.pieces[position] = Piece(item.data, ATOM)
            self.layouts[position] = plain_layout(shape)
        elif item.kind is Kind.NUMBER:
            self.pieces[position] = self.dialect.number(item.data)
        elif item.kind is Kind.OPERATION:
            self.operation(position, item.data)
        elif not shape:
            self._number(position)
        else:
            self._elementwise(position)

    def _number(self, position: int) -> None:
        """One number, without memory of its own; a statement if it is used again or made from an array."""
        item = self.items[position]
        operands = [self.pieces[operand] for operand in item.operands]
        if item.kind is Kind.CALL:
            constant = tuple(self.items[operand].kind is Kind.NUMBER for operand in item.operands)
            piece = self.dialect.call(item.data, operands, constant)
        else:
            piece = self.dialect.piece(item, operands)
        self.pieces[position] = piece
        again = self.uses[position] > 1 or position in self.program.nodes or len(piece.text) > _MAX_INLINE
        if again or any(self.shape(operand) for operand in item.operands):
            self.assign(position, piece.text)

    def assign(self, position: int, text: str, comment: str = "") -> None:
        """A statement that gives a value its name."""
        name = self.naming.name(position)
        shape = shape_source(self.shape(position)).replace("_size_", "").replace("_n", "n")
        self.lines.append(f"{name} = {text}  # {shape}{comment}")
        self.pieces[position] = Piece(name, ATOM)

    def _elementwise(self, position: int) -> None:
        item = self.items[position]
        operands = [self.text(operand) for operand in item.operands]
        if item.kind is Kind.CALL and item.data == "where":
            self._choice(position)
            return
        boolean = item.kind is Kind.COMPARE
        out = self.destination(position, boolean, () if boolean else item.operands)
        if item.kind is Kind.CALL and item.data in ("max", "min"):
            operands = [self._filled(position, each, text) for each, text in zip(item.operands, operands, strict=True)]
        if item.kind is Kind.CALL:
            constant = tuple(self.items[operand].kind is Kind.NUMBER for operand in item.operands)
            call = self.dialect.template(item.data, constant).text.format(*operands)
            self.assign(position, f"{call.removesuffix(')')}, out={out})")
            return
        name = _COMPARISONS[item.data] if boolean else _UFUNCS[item.kind]
        pairs = zip(item.operands, operands, strict=True)
        operands = [self.storage.number(text) if self._is_number(each) else text for each, text in pairs]
        exponent = [repr(item.data)] if item.kind is Kind.POWER else []
        self.assign(position, f"_np.{name}({', '.join([*operands, *exponent])}, out={out})")

    def _filled(self, position: int, operand: int, text: str) -> str:
        """A number as an array where that is long: NumPy compares two arrays faster than an array and a number."""
        shape, layout = self.shape(position), self.layouts[position]
        if not self._is_number(operand) or nominal(shape) < _LONG or layout is None:
            return text
        return self.storage.constant(text, shape, layout.order)

    def _choice(self, position: int) -> None:
        """A choice between two: where one is zero, the other is kept or not."""
        condition, then, otherwise = self.items[position].operands
        kept = self.text(condition)
        if self._is_zero(otherwise):
            out = self.destination(position, False, (then,))
            self.assign(position, f"_kept({self.text(then)}, {kept}, {out})")
        elif self._is_zero(then):
            opposite = self.opposite(position, condition)
            out = self.destination(position, False, (otherwise,))
            self.assign(position, f"_kept({self.text(otherwise)}, {opposite}, {out})")
        else:
            out = self.destination(position, False, (then,) if then != otherwise else ())
            self.assign(position, f"_chosen({kept}, {self.text(then)}, {self.text(otherwise)}, {out})")

    def _is_number(self, position: int) -> bool:
        return self.items[position].kind is Kind.NUMBER

    def _is_zero(self, position: int) -> bool:
        return self._is_number(position) and self.items[position].data == 0.0

    def opposite(self, position: int, condition: int) -> str:
        """Where a condition does not hold."""
        shape = self.shape(condition)
        if not shape:
            return f"(not {self.text(condition)})"
        if self.last[condition] == position and condition in self.slots:
            return f"_np.logical_not({self.text(condition)}, out={self.text(condition)})"
        layout = self.layouts[condition] or plain_layout(shape)
        return f"_np.logical_not({self.text(condition)}, out={self.scratch(shape, layout.order, boolean=True)})"

    def destination(self, position: int, boolean: bool, reusable: Sequence[int]) -> str:
        """The array that an elementwise value goes to: a result, the memory of an operand that dies, or a slot."""
        shape, operands = self.shape(position), self.items[position].operands
        if position in self.homes or position in self.parts:
            return self.fresh(position, self._order(position))
        for operand in reusable:
            if self._may_overwrite(operand, position, operands):
                slot = self.slots.pop(operand)
                self.slots[position] = slot
                layout = self.layouts[position] = self.layouts[operand]
                assert layout is not None
                self.memory[position] = self.storage.view(slot, shape, layout.order)
                return self.memory[position]
        return self.fresh(position, self._order(position), boolean)

    def _may_overwrite(self, operand: int, position: int, operands: Sequence[int]) -> bool:
        layout = self.layouts.get(operand)
        if position in self.rows and layout is not None and layout.order != self._order(position):
            return False
        if self.last[operand] != position or operand not in self.slots or self.shape(operand) != self.shape(position):
            return False
        if self.items[operand].kind is Kind.COMPARE:
            return False
        return not any(self.roots.get(other) == operand for other in operands if other != operand)

    def fresh(self, position: int, order: tuple[int, ...], boolean: bool = False) -> str:
        """Memory for a value: the result that it is, its part of another value, or a slot with its axes in `order`."""
        if position not in self.memory:
            shape = self.shape(position)
            self.roots.setdefault(position, position)
            if position in self.homes:
                self.layouts[position] = plain_layout(shape)
                self.settled.add(position)
                self.memory[position] = self.homes[position]
            elif position in self.parts:
                self.memory[position] = self._part(position, order)
            else:
                self.slots[position] = self.storage.acquire(shape, boolean)
                self.layouts[position] = Layout(order)
                self.memory[position] = self.storage.view(self.slots[position], shape, order)
        return self.memory[position]

    def _part(self, position: int, order: tuple[int, ...]) -> str:
        """The part of another value's memory, which is taken now if it is not yet."""
        part = self.parts[position]
        whole = self.fresh(part.owner, around(part.region, order))
        layout = self.layouts[part.owner]
        assert layout is not None, "what has memory of its own has a layout"
        self.layouts[position] = picked_layout(layout, part.region)
        self.roots[position] = self.roots[part.owner]
        return self._seen(whole, f"[{subscripts(item_sources(part.region))}]")

    def _seen(self, array: str, suffix: str) -> str:
        """A view of an array, made together with it where it is in the workspace."""
        return self.storage.seen(array, suffix) if array in self.storage.texts else array + suffix

    def lies_in(self, operand: int, position: int, region: tuple[Item, ...]) -> bool:
        """Whether an operand was computed as this part of the value at `position`."""
        return operand in self.memory and self.parts.get(operand) == Part(position, region)

    def in_c_order(self, position: int) -> bool:
        """Whether a value has a place already, in C order without gaps; a part that lies otherwise loses its place."""
        if position in self.parts:
            self.fresh(position, tuple(range(len(self.shape(position)))))
            layout = self.layouts[position]
            if layout is not None and layout.plain:
                return True
            del self.parts[position], self.memory[position]
            self.roots[position] = position
        return position in self.homes

    def products_of(self, position: int) -> int:
        """How many products a value that was given is in; 1 for what is computed."""
        given = position >= 0 and self.items[position].kind is Kind.LEAF
        return self.factors[position] if given else 1

    def kept_copy(self, position: int, order: tuple[int, ...], often: int) -> str:
        """A value that was given with its axes in another order in memory, made once; nothing if used less `often`."""
        if self.products_of(position) < often:
            return ""
        key = position, order
        if key not in self.copies:
            shape = self.shape(position)
            self.copies[key] = self.storage.view(self.storage.acquire(shape), shape, order)
            self.lines.append(f"_np.copyto({self.copies[key]}, {self.text(position)})")
        return self.copies[key]

    def scratch(self, shape: Shape, order: tuple[int, ...], boolean: bool = False) -> str:
        """Memory for the time of one statement."""
        slot = self.storage.acquire(shape, boolean)
        self.temporary.append(slot)
        return self.storage.view(slot, shape, order)

    def _order(self, position: int) -> tuple[int, ...]:
        """The order in memory of what is computed entry by entry: that of an operand, rather not C order.

        Where rows are read one by one, each is in one piece.
        """
        shape = self.shape(position)
        plain = tuple(range(len(shape)))
        if position in self.rows:
            return self.rows[position], *(axis for axis in plain if axis != self.rows[position])
        for operand in self.items[position].operands:
            layout = self.layouts.get(operand)
            if layout is not None and self.shape(operand) == shape and layout.order != plain:
                return layout.order
        return plain

    def view(self, position: int, operand: int, layout: Layout | None, suffix: str) -> None:
        """A statement that names a view of a value: what the source `suffix` makes of it."""
        self.alias(position, operand, layout)
        text = self.text(operand) + suffix
        if self.memory.get(operand) in self.storage.texts:
            self.memory[position] = self.storage.seen(self.memory[operand], suffix)
            self.assign(position, self.memory[position], f"  {text}")
        else:
            self.assign(position, text)

    def alias(self, position: int, operand: int, layout: Layout | None) -> None:
        """Note that a value lies in the memory of another, which must live as long."""
        root = self.roots[position] = self.roots[operand]
        self.last[root] = max(self.last[root], self.last[position])
        self.layouts[position] = layout

    def _release(self, position: int) -> None:
        """Free the memory that is used here for the last time."""
        for operand in dict.fromkeys(self.items[position].operands):
            root = self.roots.get(operand, operand)
            if self.last[root] == position and root in self.slots:
                self.storage.release(self.slots.pop(root))
        for slot in self.temporary:
            self.storage.release(slot)
        self.temporary.clear()

    def operation(self, position: int, operation: Operation) -> None:
        """An operation over axes."""
        self.rules[type(operation)](self, position, operation)


def _numbered(names: Iterable[str]) -> list[str]:
    return [f"_r{index}" for index, _ in enumerate(names)]
