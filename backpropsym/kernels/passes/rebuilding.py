"""A program built again with some of its values built in another way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from backpropsym.kernels.ir.array_values import ArrayValues
from backpropsym.kernels.ir.program import Kind, Program, Value

Replacement = Callable[["Rebuilding"], int]


class Rebuilding:
    """A program built again, value by value, some of them in another way.

    Parameters
    ----------
    replacements : what gives the new value, by the position of the old one.

    Attributes
    ----------
    values, moved : the new values, and where the old ones are among them.
    """

    def __init__(self, program: Program, values: ArrayValues, replacements: Mapping[int, Replacement]) -> None:
        self.program = program
        self.old = values
        self.replacements = replacements
        self.values = ArrayValues()
        self.moved: dict[int, int] = {}

    def run(self) -> tuple[Program, ArrayValues]:
        """The new program and its values; what only the results need, and is built in another way, comes last."""
        program, alive, backward = self.program, self.program.live(), None
        needed = {
            operand for position, item in enumerate(program.items) if alive[position] for operand in item.operands
        }
        late = dict.fromkeys(position for position in self.replacements if position not in needed)
        for position in [*(each for each in range(len(program.items)) if each not in late), *late]:
            if backward is None and position >= program.backward:
                backward = len(self.values.items)
            if alive[position]:
                self.values.owner = program.owners[position]
                self.moved[position] = self._built(position, program.items[position])
        found = replace(
            program,
            items=tuple(self.values.items),
            nodes={self.moved[each]: name for each, name in program.nodes.items() if each in self.moved},
            symbols={self.moved[each]: name for each, name in program.symbols.items() if each in self.moved},
            owners=tuple(self.values.owners),
            backward=len(self.values.items) if backward is None else backward,
            value=self.moved[program.value],
            gradients={name: self.moved[each] for name, each in program.gradients.items()},
        )
        return found, self.values

    def _built(self, position: int, item: Value) -> int:
        if position in self.replacements:
            return self.replacements[position](self)
        operands = tuple(self.moved[operand] for operand in item.operands)
        return self.values.again(item, operands, self.old.shapes.get(position))


def uses_of(program: Program) -> list[int]:
    """How often each value is used; results are used once more."""
    alive, uses = program.live(), [0] * len(program.items)
    for each in (program.value, *program.gradients.values()):
        uses[each] += 1
    for position, item in enumerate(program.items):
        if alive[position]:
            for operand in item.operands:
                uses[operand] += 1
    return uses


def outer_sums(program: Program, uses: Sequence[int]) -> list[int]:
    """Sums that are not only a term of another sum."""
    sums = [each for each, item in enumerate(program.items) if uses[each] and item.kind is Kind.ADD]
    inner = {each for position in sums for each in program.items[position].operands if uses[each] == 1}
    inner -= {program.value, *program.gradients.values()}
    return [position for position in sums if position not in inner]


def terms_of(program: Program, uses: Sequence[int], position: int) -> list[int]:
    """What a sum adds up, through sums that nothing else uses."""
    found, waiting = [], list(program.items[position].operands)
    while waiting:
        each = waiting.pop()
        item = program.items[each]
        if item.kind is Kind.ADD and uses[each] == 1:
            waiting += item.operands
        else:
            found.append(each)
    return found
