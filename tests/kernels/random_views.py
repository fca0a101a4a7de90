"""Random networks of short chains of views, products and reductions, each with leaves of its own.

A leaf that is read once, through a view, has its derivative computed where it will lie, seen through that view: the
place where memory can be left unset, or set in another order.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

Shape = tuple[int, ...]
SYMBOLS = {"p": 3, "n": 4, "m": 5}


def random_views(random: np.random.Generator, equal: bool) -> str:
    """A network of one to three chains; its sizes are all equal, or differ and are sometimes 1."""
    return _Chains(random, equal).text()


def symbolic(text: str) -> str:
    """A network with the names of SYMBOLS for some sizes of its leaves; other sizes may no longer fit."""
    names = {str(size): f'"{name}"' for name, size in SYMBOLS.items()}

    def named(match: re.Match[str]) -> str:
        return f"= [{', '.join(names.get(size, size) for size in match.group(1).split(', '))}]"

    head, nodes, rest = text.partition("output")
    return re.sub(r"= \[([^\]]+)\]", named, head) + nodes + rest


class _Chains:
    """One such network while it grows."""

    def __init__(self, random: np.random.Generator, equal: bool) -> None:
        self.random = random
        self.sizes = [3] if equal else [1, 2, 3, 4, 5]
        self.leaves: dict[str, dict[str, Shape]] = {"inputs": {}, "parameters": {}}
        self.nodes: list[str] = []
        self.steps: list[Callable[[str, Shape], tuple[str, Shape]]] = [
            self.sliced,
            self.sliced,
            self.transposed,
            self.reshaped,
            self.times,
            self.times,
            self.added,
            self.product,
            self.contracted,
            self.joined,
            self.padded,
            self.reduced,
            self.with_itself,
        ]

    def text(self) -> str:
        """The network file."""
        ends = [self.chain() for _ in range(self.pick(1, 3))]
        lines = [
            f"{role} = {{{', '.join(f'{name} = {list(shape)}' for name, shape in leaves.items())}}}"
            for role, leaves in self.leaves.items()
        ]
        return "\n".join([*lines, 'output = "a"', "[nodes]", *self.nodes, f'a = "{" + ".join(ends)}"'])

    def pick(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return int(self.random.integers(low, high + 1))

    def chain(self) -> str:
        """A number that comes from one leaf by some steps."""
        sizes = tuple(self.sizes[self.pick(0, len(self.sizes) - 1)] for _ in range(self.pick(1, 3)))
        name, shape = self.new_leaf(sizes)
        for _ in range(self.pick(1, 5)):
            formula, shape = self.steps[self.pick(0, len(self.steps) - 1)](name, shape)
            if formula != name:
                name = self.node(formula)
        end = [f"sum({name}*{name})", f"sum({name})", f"sum(tanh({name}))"][self.pick(0, 2)]
        return end if shape else f"{name}*{name}"

    def node(self, formula: str) -> str:
        """A new node."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(f'{name} = "{formula}"')
        return name

    def new_leaf(self, shape: Shape) -> tuple[str, Shape]:
        """A leaf of a shape; sometimes one that is there already."""
        known = [name for leaves in self.leaves.values() for name, own in leaves.items() if own == shape]
        if known and self.pick(0, 3) == 0:
            return known[0], shape
        role = ["inputs", "parameters", "parameters"][self.pick(0, 2)]
        name = f"{'x' if role == 'inputs' else 'w'}{sum(map(len, self.leaves.values()))}"
        self.leaves[role][name] = shape
        return name, shape

    def sliced(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A part: a place or a range of one axis or of each, in steps and backwards too."""
        items, left = [], []
        only = self.pick(0, 2 * len(shape))
        for axis, size in enumerate(shape):
            kind = 1 if only < len(shape) and axis != only else self.pick(0, 5)
            step = [1, -1, 2, -2, 3][self.pick(0, 4)]
            low = self.pick(0, size - 1)
            if kind == 0:
                items.append(str(low))
                continue
            stretch = ":" if kind == 1 else f"::{step}" if kind < 4 else f"{low}::" if step > 0 else f"{low}::-1"
            items.append(stretch)
            parts = [int(part) if part else None for part in stretch.split(":")]
            left.append(len(range(size)[slice(*parts)]))
        return (f"{name}[{', '.join(items)}]", tuple(left)) if shape else (name, shape)

    def transposed(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """The axes in another order."""
        if len(shape) < 2:
            return name, shape
        letters = "ijkln"[: len(shape)]
        order = [int(axis) for axis in self.random.permutation(len(shape))]
        output = "".join(letters[axis] for axis in order)
        return f"einsum('{letters}->{output}', {name})", tuple(shape[axis] for axis in order)

    def reshaped(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """Other axes for the same entries."""
        count = int(np.prod(shape, dtype=int))
        first = [each for each in range(1, count + 1) if count % each == 0]
        one = first[self.pick(0, len(first) - 1)]
        made = [(count,), (one, count // one), (one, 1, count // one)][self.pick(0, 2)]
        return f"reshape({name}, {', '.join(map(str, made))})", made

    def times(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A product entry by entry with a leaf that broadcasts."""
        own = tuple(1 if self.pick(0, 4) == 0 else size for size in shape)[self.pick(0, 1) * self.pick(0, len(shape)) :]
        return f"{name}*{self.new_leaf(own)[0]}", shape

    def added(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A sum with a leaf that makes new axes, or axes of size 1 longer."""
        own = tuple(self.sizes[-1] if size == 1 else size for size in shape)
        own = (2, *own) if len(own) < 3 and self.pick(0, 1) else own
        return f"tanh({name} + {self.new_leaf(own)[0]})", own

    def product(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A matrix product with a leaf from either side."""
        if not shape:
            return name, shape
        if self.pick(0, 1) and len(shape) > 1:
            other, own = self.new_leaf((2, shape[-2]))
            return f"{other} @ {name}", (*shape[:-2], own[0], shape[-1])
        other, own = self.new_leaf((shape[-1], 2) if self.pick(0, 1) else shape[-1:])
        return f"{name} @ {other}", (*shape[:-1], *own[1:])

    def contracted(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A sum of products over some axes, the others in any order."""
        letters = "ijkln"[: len(shape)]
        chosen = [letter for letter in letters if self.pick(0, 1)] + ["m"] * self.pick(0, 1)
        sizes = dict(zip(letters, shape, strict=True)) | {"m": 2}
        group = "".join(self.random.permutation(chosen)) if chosen else ""
        left = [letter for letter in sizes if letter in letters + group and self.pick(0, 2)]
        output = "".join(self.random.permutation(left)) if left else ""
        other, _ = self.new_leaf(tuple(sizes[letter] for letter in group))
        return f"einsum('{letters},{group}->{output}', {name}, {other})", tuple(sizes[letter] for letter in output)

    def joined(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """Beside a leaf or itself, along an axis or a new one."""
        if not shape:
            return name, shape
        axis = self.pick(0, len(shape) - 1)
        other = name if self.pick(0, 3) == 0 else self.new_leaf(shape)[0]
        pair = [name, other] if self.pick(0, 1) else [other, name]
        if self.pick(0, 1) and len(shape) < 3:
            return f"stack({', '.join(pair)}, axis={axis})", (*shape[:axis], 2, *shape[axis:])
        return f"concat({', '.join(pair)}, axis={axis})", (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])

    def padded(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """Zeros around an axis."""
        if not shape:
            return name, shape
        axis, low, high = self.pick(0, len(shape) - 1), self.pick(0, 2), self.pick(0, 2)
        made = (*shape[:axis], shape[axis] + low + high, *shape[axis + 1 :])
        return f"pad({name}, ({low}, {high}), axis={axis})", made

    def reduced(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """A reduction over one axis."""
        if not shape:
            return name, shape
        axis = self.pick(0, len(shape) - 1)
        function = ["sum", "mean", "max", "logsumexp", "var"][self.pick(0, 4)]
        return f"{function}({name}, axis={axis})", (*shape[:axis], *shape[axis + 1 :])

    def with_itself(self, name: str, shape: Shape) -> tuple[str, Shape]:
        """Times itself the other way round."""
        return (f"tanh({name})*{name}[::-1]", shape) if shape else (f"tanh({name})*{name}", shape)
