"""Program to statements: what gets a name of its own, what stands inside another expression."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, walk
from backpropsym.graph.graph import Graph
from backpropsym.kernels.backends.dialects import ATOM, Dialect, Piece
from backpropsym.kernels.ir.program import Kind, Program

_MAX_INLINE = 88
_MAX_NOTE = 60
_ATOMS = (Kind.LEAF, Kind.NUMBER)


@dataclass(frozen=True, slots=True)
class Statement:
    """target = expression."""

    target: str
    expression: str
    comment: str = ""


@dataclass(frozen=True)
class Body:
    """The straight line of a kernel: statements of the forward pass, of the derivatives, and the results.

    `helpers` are the underscored names that it needs, by where they come from.
    """

    forward: tuple[Statement, ...]
    backward: tuple[Statement, ...]
    value: str
    gradients: dict[str, str]
    helpers: dict[str, str]


def body(program: Program, dialect: Dialect, graph: Graph) -> Body:
    """The source of the program of a graph in one dialect.

    Every statement has bounded length and depth, whatever the size of the network; none has a name of the graph that
    is not that of its node.
    """
    return _Writer(program, dialect, graph).written()


class Naming:
    """Names for values that are stored.

    Parameters
    ----------
    taken : names that generated ones must not use.
    """

    def __init__(self, program: Program, taken: Iterable[str]) -> None:
        self.program = program
        self.taken = set(taken)
        self.counters: dict[str, Iterator[int]] = {}

    def name(self, position: int) -> str:
        """The node's own name, the derivative's symbol, or the name of what the value was built for, numbered."""
        if position in self.program.nodes:
            return self.program.nodes[position]
        symbol = self.program.symbols.get(position, "")
        if symbol and symbol not in self.taken:
            self.taken.add(symbol)
            return symbol
        owner = symbol or self.program.owners[position]
        numbers = self.counters.setdefault(owner, itertools.count(1))
        name = next(name for number in numbers if (name := f"{owner}_{number}") not in self.taken)
        self.taken.add(name)
        return name


class _Writer:
    def __init__(self, program: Program, dialect: Dialect, graph: Graph) -> None:
        self.program = program
        self.dialect = dialect
        self.graph = graph
        self.naming = Naming(program, graph.nodes)
        self.alive = program.live()
        self.uses = self._count_uses()
        self.pieces: list[Piece | None] = [None] * len(program.items)

    def written(self) -> Body:
        statements: tuple[list[Statement], list[Statement]] = ([], [])
        for position, alive in enumerate(self.alive):
            if alive:
                statement = self._visit(position)
                if statement is not None:
                    statements[position >= self.program.backward].append(statement)
        return Body(
            forward=tuple(statements[0]),
            backward=tuple(statements[1]),
            value=self._piece(self.program.value).text,
            gradients={name: self._piece(each).text for name, each in self.program.gradients.items()},
            helpers=self.dialect.helpers,
        )

    def _count_uses(self) -> list[int]:
        """How often each value stands in the source. Comparisons of numbers are repeated rather than stored."""
        items, counts = self.program.items, [0] * len(self.program.items)
        for result in (self.program.value, *self.program.gradients.values()):
            counts[result] += 1
        for position in range(len(items) - 1, -1, -1):
            if self.alive[position]:
                item = items[position]
                if item.kind is Kind.OPERATION:
                    uses = self.dialect.uses(item)
                elif item.kind is Kind.CALL:
                    uses = self.dialect.template(item.data, self._constant(position)).uses
                else:
                    uses = (counts[position] if self._repeated(position) else 1,) * len(item.operands)
                for operand, count in zip(item.operands, uses, strict=True):
                    counts[operand] += count
        return counts

    def _constant(self, position: int) -> tuple[bool, ...]:
        """Which operands of a value are numbers."""
        items = self.program.items
        return tuple([items[operand].kind is Kind.NUMBER for operand in items[position].operands])

    def _repeated(self, position: int) -> bool:
        return self.program.items[position].kind is Kind.COMPARE and self.dialect.repeats_comparisons

    def _piece(self, position: int) -> Piece:
        piece = self.pieces[position]
        assert piece is not None, "operands come first"
        return piece

    def _visit(self, position: int) -> Statement | None:
        """Make the source of one value; a statement where it gets a name."""
        item = self.program.items[position]
        piece = self._expression(position)
        self.pieces[position] = piece
        if item.kind in _ATOMS:
            return None
        is_node = position in self.program.nodes
        stored = self.uses[position] > 1 and not self._repeated(position)
        if not (is_node or stored or len(piece.text) > _MAX_INLINE) or piece.text.isidentifier():
            return None
        target = self.naming.name(position)
        self.pieces[position] = Piece(target, ATOM)
        return Statement(target, piece.text, self._comment(position, piece.text))

    def _expression(self, position: int) -> Piece:
        item = self.program.items[position]
        operands = [self._piece(operand) for operand in item.operands]
        if item.kind is Kind.CALL:
            return self.dialect.call(item.data, operands, self._constant(position))
        if item.kind is Kind.OPERATION:
            return self.dialect.operation(item, operands, self._constant(position))
        return self.dialect.piece(item, operands)

    def _comment(self, position: int, text: str) -> str:
        """The shape where arrays are computed, and the formula of a node where its text differs."""
        shape = self.dialect.shape_note(self.program.items[position], position)
        parts = [shape] if shape else []
        note = self._formula(self.program.nodes.get(position, ""))
        if note and note not in (text, text.removeprefix("_"), text.removeprefix("_np.")):
            parts.append(note)
        return "  ".join(parts)

    def _formula(self, name: str) -> str:
        """The formula of a node as the person wrote it, where it calls functions."""
        formula = self.graph[name].formula if name in self.graph.nodes else None
        called = formula is not None and any(isinstance(part, Call) for part in walk(formula))
        return to_text(formula)[:_MAX_NOTE] if formula is not None and called else ""
