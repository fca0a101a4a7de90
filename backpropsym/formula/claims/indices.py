"""What messages say about indices when a claim is written with whole arrays: its entries and sums over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MATRIX_CALLS = frozenset(
    ("outer", "inner", "transpose", "matmul", "dot", "vdot", "tensordot", "einsum", "kron", "diag", "trace")
)
"""Functions of whole arrays that people know from elsewhere."""

MATRIX_SIGNS = frozenset(("top", "intercal", "otimes"))
"""Commands of LaTeX between or above whole arrays."""

_LETTERS = "klmnpqrij"

Shape = Sequence[int | str]


def shown(shape: Shape) -> str:
    """A shape as Python writes it, its brackets left out."""
    return ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")


@dataclass(frozen=True)
class Asked:
    """The entry of a derivative that a claim is about.

    Attributes
    ----------
    wrt : the node that it is the derivative by.
    subscripts : of `wrt`, then of the node that is derived, each with the size of its axis.
    """

    wrt: str
    subscripts: tuple[tuple[str, int], ...]

    @property
    def free(self) -> tuple[str, ...]:
        """The free indices, each once."""
        return tuple(dict.fromkeys(subscript for subscript, _ in self.subscripts if not subscript.isdigit()))

    def entry(self, name: str, shape: Shape) -> str:
        """An entry of a node at the subscripts asked for, as far as sizes allow; else at letters of their own."""
        left, chosen = list(self.subscripts), list[str]()
        for size in shape:
            same = next((pair for pair in left if pair[1] == size), None)
            if same is not None:
                left.remove(same)
            chosen.append(same[0] if same is not None else self._unused(chosen))
        return f"{name}[{','.join(chosen)}]"

    def _unused(self, others: Sequence[str]) -> str:
        return next((letter for letter in _LETTERS if letter not in self.free and letter not in others), "k")

    def entries_fix(self, name: str, shape: Shape) -> str:
        """How a whole array is written instead."""
        entry = self.entry(name, shape)
        chosen = entry[len(name) + 1 : -1].split(",")
        ranges = [
            f"({subscript}, 0, {int(size) - 1})"
            for subscript, size in zip(chosen, shape, strict=True)
            if not subscript.isdigit() and subscript not in self.free
        ]
        fix = f"write its entries, here {entry}"
        if self.free:
            indices = "index" if len(self.free) == 1 else "indices"
            fix = f"write its entries with the free {indices} {', '.join(self.free)}, here {entry}"
        return f"{fix}; other indices are summed over: sum(..., {', '.join(ranges)})" if ranges else fix

    def matrix_fix(self, shapes: Mapping[str, Shape]) -> str:
        """How operations on whole arrays are written instead, by an example for this derivative."""
        fix = "claims are written with indices, and a sum over k as sum(..., (k, 0, n-1))"
        example = self._example(shapes)
        return f"{fix}; here, for example, {example}" if example else fix

    def _example(self, shapes: Mapping[str, Shape]) -> str:
        """A product of vectors at the subscripts of `wrt`, and a sum over the last axis of `wrt`."""
        axes = self.subscripts[: len(shapes[self.wrt])]
        if not axes:
            return ""
        vectors = {shape[0]: name for name, shape in reversed(list(shapes.items())) if len(shape) == 1}
        letter = self._unused(())
        size = axes[-1][1]
        summed = f"{self.wrt}[{','.join([*(each for each, _ in axes[:-1]), letter])}]"
        if size in vectors:
            summed += f"*{vectors[size]}[{letter}]"
        total = f"sum({summed}, ({letter}, 0, {size - 1}))"
        factors = [f"{vectors[size]}[{axis_index}]" for axis_index, size in axes if size in vectors]
        return f"{'*'.join(factors)} or {total}" if len(factors) == len(axes) > 1 else total
