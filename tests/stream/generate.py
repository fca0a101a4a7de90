"""Random networks, made to confuse axes, batches and positions; each with numbers and what NumPy makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

import backpropsym as bp
from tests.stream.choices import Choices, SeededChoices
from tests.stream.definitions import DEFINITIONS
from tests.stream.operations import MOST_ENTRIES, OPERATIONS, OWN_FUNCTIONS, Array, Term

PLAIN_NAMES = (*"xywbuvpqzhgtrscdealm", "x1", "W", "W1", "h_1", "theta", "alpha", "bias", "out", "f", "i", "j", "k")
SYMPY_NAMES = ("S", "N", "E", "I", "Q", "O", "beta", "gamma", "zeta", "Sum", "And", "Mod", "floor", "oo", "Piecewise")
_OF_NUMBERS = ("function", "arithmetic", "polynomial", "arithmetic")
"""Operations that leave a network one of numbers, for which kernels and derivations have ways of their own."""

_OF_ANY_WIDTH = (*_OF_NUMBERS, "reduction", "two_reductions", "softmax_of", "layer_norm", "matrix_product")
_OF_ANY_WIDTH += ("contraction", "transposed", "diagonal_block")
"""Operations that do not count with sizes, so that widths may be symbols."""

LOSS = "loss"
WHOLE = 3
"""Whole numbers that choose entries are below this."""


@dataclass(frozen=True)
class Leaf:
    """An input, a target or a parameter with its numbers for one object."""

    name: str
    role: str
    value: Array
    whole: bool = False


@dataclass(frozen=True)
class Case:
    """A random network.

    Attributes
    ----------
    leaves : with the numbers of one object; constants among them have these numbers alone.
    nodes : key and formula of each, in order; a key may have free indices in brackets.
    expected : by node, the value that NumPy computes for that object.
    seed : of the numbers of further objects.
    sizes : symbols that stand for these sizes in the declared shapes.
    shown : the node that the network computes, where what is minimised is a loss besides; else the output itself.
    stale : whether the file holds other numbers for the leaves, which those of a call replace.
    """

    leaves: tuple[Leaf, ...]
    nodes: tuple[tuple[str, str], ...]
    output: str
    expected: Mapping[str, Array] = field(repr=False)
    seed: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    shown: str = ""
    stale: bool = False

    @cached_property
    def text(self) -> str:
        """The network file."""
        lines = []
        for role in ("input", "target", "parameter"):
            shapes = [f"{leaf.name} = {self._shape(leaf)}" for leaf in self.leaves if leaf.role == role]
            if shapes:
                lines.append(f"{role}s = {{{', '.join(shapes)}}}")
        lines.append(f'output = "{self.shown or self.output}"')
        nodes = [(key, formula) for key, formula in self.nodes if key != LOSS]
        lines += [f'loss = "{formula}"' for key, formula in self.nodes if key == LOSS]
        lines += ["", "[nodes]", *(f'"{key}" = "{formula}"' for key, formula in nodes)]
        called = [(key, text) for key, text in OWN_FUNCTIONS.items() if self._calls(key.partition("(")[0])]
        lines += ["", "[functions]", *(f'"{key}" = "{text}"' for key, text in called)] if called else []
        constants = [leaf for leaf in self.leaves if leaf.role == "constant"]
        lines += (
            ["", "[constants]", *(f"{leaf.name} = {leaf.value.tolist()}" for leaf in constants)] if constants else []
        )
        lines += ["", "[values]", *self._stale_values()] if self.stale else []
        return "\n".join(lines) + "\n"

    def _calls(self, function: str) -> bool:
        return any(f"{function}(" in formula for _, formula in self.nodes)

    def _stale_values(self) -> list[str]:
        """Numbers of the right shapes that no comparison uses."""
        given = [leaf for leaf in self.leaves if leaf.role != "constant"]
        return [f"{leaf.name} = {(leaf.value * 0 + 1).tolist()}" for leaf in given]

    def _shape(self, leaf: Leaf) -> str:
        symbols = {size: f'"{symbol}"' for symbol, size in self.sizes.items()}
        return f"[{', '.join(symbols.get(size, str(size)) for size in np.shape(leaf.value))}]"

    @cached_property
    def net(self) -> bp.Network:
        """The network as it is read.

        Raises
        ------
        BackpropsymError : the network is refused.
        """
        return bp.loads(self.text)

    @cached_property
    def values(self) -> dict[str, Array]:
        """The numbers of one object."""
        return {leaf.name: leaf.value for leaf in self.leaves if leaf.role != "constant"}

    @cached_property
    def smooth_leaves(self) -> tuple[str, ...]:
        """The leaves by which something can be derived: they choose no entries, and the output depends on them."""
        needed = self.net.graph.ancestors(self.output)
        smooth = [leaf.name for leaf in self.leaves if leaf.role != "constant" and not leaf.whole]
        return tuple(name for name in smooth if name in needed)

    def objects(self, count: int) -> list[dict[str, Array]]:
        """The numbers of several objects: inputs and targets differ, parameters do not. The first is `values`."""
        random = np.random.default_rng((self.seed, count))
        found = [self.values]
        for _ in range(count - 1):
            found.append({leaf.name: _other(leaf, random) for leaf in self.leaves if leaf.name in self.values})
        return found


def _other(leaf: Leaf, random: np.random.Generator) -> Array:
    """Numbers of the same leaf for another object."""
    if leaf.role == "parameter":
        return leaf.value
    if leaf.whole:
        return random.integers(0, WHOLE, np.shape(leaf.value))
    return random.normal(size=np.shape(leaf.value))


class _Builder:
    """One network while it grows."""

    def __init__(self, choices: Choices, random: np.random.Generator) -> None:
        self.choices = choices
        self.random = random
        self.sizes = choices.pick([[1, 2, 2, 3, 3, 4], [2], [1, 2], [1, 2, 2, 3, 3, 4]])
        self.scalar = choices.chance(0.2)
        self.symbolic = not self.scalar and choices.chance(0.12)
        pool = list(PLAIN_NAMES)
        if choices.chance(0.15):
            pool[choices.pick(range(6))] = choices.pick(SYMPY_NAMES)
        self.names: Iterator[str] = iter(pool)
        self.leaves: list[Leaf] = []
        self.nodes: list[tuple[str, str]] = []
        self.named: list[Term] = []
        self.unnamed: list[Term] = []

    def leaf(self, role: str, shape: tuple[int, ...] | None = None) -> Term:
        """A new leaf; the sizes of some networks are all equal, or equal or 1."""
        if shape is None:
            rank = 0 if self.scalar else self.choices.pick([0, 1, 1, 2, 2, 2, 3])
            shape = tuple(self.choices.pick(self.sizes) for _ in range(rank))
        leaf = Leaf(next(self.names), role, self.random.normal(size=shape))
        self.leaves.append(leaf)
        self.named.append(Term(leaf.name, leaf.value))
        return self.named[-1]

    def whole_leaf(self) -> None:
        """An input of whole numbers, which choose entries."""
        shape = self.choices.pick([(), (2,), (3,)])
        value = self.random.integers(0, WHOLE, shape)
        self.leaves.append(Leaf(next(self.names), "input", value, whole=True))

    def pick(
        self,
        fits: Callable[[Array], bool] = lambda value: True,
        *,
        named: bool = False,
        whole: bool = False,
        make: tuple[int, ...] | None = None,
    ) -> Term | None:
        """A term whose value fits; whole numbers only where they are asked for.

        Where nothing fits, a new parameter of the shape `make`, if one is given.
        """
        if whole:
            fitting = [Term(leaf.name, leaf.value) for leaf in self.leaves if leaf.whole]
        else:
            terms = self.named if named else [*self.named[:-1], *self.unnamed, *self.named[-1:]]
            fitting = [term for term in reversed(terms) if fits(np.asarray(term.value))]
        if not fitting and make is not None and len(self.leaves) < 8:
            return self.leaf("parameter", make)
        if len(fitting) > 3 and self.choices.chance(0.6):
            fitting = fitting[:3]  # the latest ones, so that chains grow
        return self.choices.pick(fitting) if fitting else None

    def grow(self) -> None:
        """One more node, or a part of a formula to come."""
        if self.choices.chance(0.2) and not self.scalar and not self.symbolic:
            self._define()
            return
        names = _OF_NUMBERS if self.scalar else _OF_ANY_WIDTH if self.symbolic else tuple(OPERATIONS)
        term = OPERATIONS[self.choices.pick(names)](self.choices, self.pick)
        if term is None or np.size(term.value) > MOST_ENTRIES or len(term.text) > 300:
            return
        if not np.isfinite(term.value).all():
            return
        if np.abs(term.value).max() > 20:
            term = Term(f"tanh({term.text})", np.tanh(term.value))
        if self.choices.chance(0.35):
            self.unnamed.append(term)
        else:
            self.node(term.text, np.asarray(term.value))

    def _define(self) -> None:
        names = [*DEFINITIONS]
        if any(leaf.whole for leaf in self.leaves):
            names += ["of_data"] * len(names)
        made = DEFINITIONS[self.choices.pick(names)](self.choices, self.pick)
        if made is not None and np.size(made.value) <= MOST_ENTRIES and np.abs(made.value).max(initial=0) < 1e3:
            self.node(made.body, np.asarray(made.value), f"[{made.indices}]" if made.indices else "")

    def node(self, formula: str, value: Array, indices: str = "", name: str = "") -> str:
        """A new node."""
        name = name or next(self.names)
        self.nodes.append((name + indices, formula))
        self.named.append(Term(name, value))
        return name

    def finish(self, name: str = "") -> str:
        """What is minimised: a number to which the last terms contribute, each entry of them in a way of its own."""
        terms = sorted([*self.named, *self.unnamed], key=lambda term: -len(self._leaves_of(term.text)))
        parts, total = [], 0.0
        for term in terms[: self.choices.pick([1, 2, 3])]:
            form, compute = self.choices.pick(
                [
                    ("sum({0}*{0})", lambda v: np.sum(v * v)),
                    ("mean(sin({0}))", lambda v: np.mean(np.sin(v))),
                    ("logsumexp({0})", lambda v: np.log(np.sum(np.exp(v)))),
                    ("sum(tanh({0}))", lambda v: np.sum(np.tanh(v))),
                ]
            )
            if not np.ndim(term.value):
                form, compute = "{0}*{0}", lambda v: v * v
            parts.append(form.format(term.closed))
            total = total + compute(np.asarray(term.value))
        return self.node(" + ".join(parts), np.asarray(total), name=name)

    def _leaves_of(self, formula: str, before: int | None = None) -> frozenset[str]:
        """The leaves that a formula depends on; nodes are among the first `before`."""
        words = frozenset(re.findall(r"[A-Za-z_]\w*", formula))
        leaves = {leaf.name for leaf in self.leaves if leaf.name in words}
        for index, (key, text) in enumerate(self.nodes[:before]):
            if key.partition("[")[0] in words:
                leaves |= self._leaves_of(text, index)
        return frozenset(leaves)


def generate(choices: Choices, seed: int = 0) -> Case:
    """A random network with up to eight nodes."""
    builder = _Builder(choices, np.random.default_rng(seed))
    roles = [
        "parameter",
        "input",
        *(choices.pick(["input", "parameter", "target"]) for _ in range(choices.pick(range(4)))),
    ]
    for role in roles:
        builder.leaf(role)
    if choices.chance(0.1) and not builder.symbolic:
        builder.leaf("constant")
    if choices.chance(0.25) and not builder.scalar:
        builder.whole_leaf()
    for _ in range(choices.pick(range(1, 9))):
        builder.grow()
    shown = builder.nodes[-1][0].partition("[")[0] if builder.nodes and choices.chance(0.3) else ""
    output = builder.finish(LOSS if shown else "")
    expected = {term.text: term.value for term in builder.named}
    used = {size for leaf in builder.leaves for size in leaf.value.shape if size > 1}
    sizes = dict(zip("nk", sorted(used), strict=False)) if builder.symbolic else {}
    stale = not builder.symbolic and choices.chance(0.5)
    return Case(tuple(builder.leaves), tuple(builder.nodes), output, expected, seed, sizes, shown, stale)


def seeded(seed: int) -> Case:
    """The network of a seed, the same in every process."""
    return generate(SeededChoices(seed), seed)
