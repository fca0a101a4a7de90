"""What a parameter does at one object: its derivative, the change that pushes really make, and why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from backpropsym.arrays import Numbers, Values
from backpropsym.derive.entry_derivation import EntryDerivation, read_entry, scalar_names
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.minimal_cut import ZeroCuts
from backpropsym.derive.paths.semiring import SUM, sweep
from backpropsym.errors import ValuesError
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.branches import Branches
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Div, Expr, Mul, Neg
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import entry_count, entry_name, entry_values, unroll

SMALL, FINITE = 1e-3, 1.0
"""Default pushes, in units of what is pushed."""

MOST_ROWS = 2_000
MOST_UNROLLED = 5_000
"""A network with more entries than this is unrolled about one entry at a time."""

_ROUNDING = 32 * np.finfo(float).eps


class Verdict(StrEnum):
    """What a derivative at one object says of a parameter."""

    MOVES = "moves"
    CUT = "cut"
    CANCELS = "cancels"
    ABSENT = "absent"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Push:
    """A push of one parameter: by how much, what it changes, and the nodes that then take another branch."""

    by: float
    change: float
    crossed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ZeroLink:
    """A link whose local derivative is zero, and the factors of that derivative that make it so."""

    link: Edge
    local: Expr
    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Wiggle:
    """What one parameter does at one object.

    Attributes
    ----------
    derivative : d of / d name, by the sum over paths.
    pushes : by falling and rising steps: -finite, -small, small, finite.
    verdict : `cut` where every path has a zero link, `cancels` where live paths add up to zero within rounding,
        `absent` where there is no path, `undefined` where the derivative is not finite, else `moves`.
    cut : the smallest set of zero links that meets every path, nearest to the parameter; empty unless `cut`.
    """

    name: str
    value: float
    derivative: float
    pushes: tuple[Push, ...]
    verdict: Verdict
    cut: tuple[ZeroLink, ...] = ()

    @property
    def flips(self) -> tuple[str, ...]:
        """The nodes that a finite push takes to another branch, where no small push does."""
        small = {name for push in self.pushes[1:3] for name in push.crossed}
        found = dict.fromkeys(name for push in (self.pushes[0], self.pushes[-1]) for name in push.crossed)
        return tuple(name for name in found if name not in small)


@dataclass(frozen=True)
class Stage:
    """A network of scalars with a number for every node, on which parameters are pushed."""

    local: LocalDerivatives
    of: str
    values: Mapping[str, float]

    @property
    def graph(self) -> Graph:
        """The network."""
        return self.local.graph

    @cached_property
    def links(self) -> Mapping[Edge, float]:
        """The number of the local derivative on every link that may lie on a path to `of`."""
        within = self.graph.ancestors(self.of)
        links = [
            Edge(parent, name) for name in self.graph.order if name in within for parent in self.graph[name].parents
        ]
        return {link: float(number) for link, number in local_numbers(self.local, links, self.values).items()}

    @cached_property
    def cuts(self) -> ZeroCuts:
        """The cuts by links that are zero."""
        return ZeroCuts(self.graph, self.of, self._is_zero)

    def _is_zero(self, link: Edge) -> bool:
        return self.links[link] == 0.0

    @cached_property
    def adjoints(self) -> Mapping[str, tuple[float, float]]:
        """For each node the sum over paths of their products, and of the absolute values of those."""
        within, consumers = self.graph.ancestors(self.of), self.graph.consumers
        nodes = [name for name in self.graph.order if name in within]
        users = {name: [user for user in consumers[name] if user in within] for name in nodes}
        totals = sweep(nodes, users, SUM, self.links.__getitem__)
        sizes = sweep(nodes, users, SUM, lambda link: abs(self.links[link]))
        return {name: (totals[name], sizes[name]) for name in nodes}


@dataclass(frozen=True)
class Wiggles:
    """Wiggles of several parameters at one object.

    Attributes
    ----------
    graph : the network, of tensors or of scalars.
    of : what is watched.
    value : its value at the object.
    rows : one for each parameter, or entry of one.
    stages : for each row the network of scalars on which it was found.
    given : the numbers of the object, completed by the network's own.
    """

    graph: Graph
    of: str
    value: float
    rows: tuple[Wiggle, ...]
    stages: tuple[Stage, ...]
    given: Values

    @property
    def cut(self) -> tuple[Edge, ...]:
        """Every link of some row's cut."""
        return tuple(dict.fromkeys(zero.link for row in self.rows for zero in row.cut))


def wiggle(
    graph: Graph,
    values: Values | None = None,
    of: str | None = None,
    wrt: Sequence[str] = (),
    small: float = SMALL,
    finite: float = FINITE,
) -> Wiggles:
    """Push parameters and see what happens, and why where nothing does.

    Parameters
    ----------
    values : numbers by name, completed by the network's own; one object.
    of : a scalar node or an entry; default: the output where that is a scalar, else the loss.
    wrt : leaves, or entries such as "W1[2,0]"; default: every parameter.
    small, finite : how far each is pushed, both ways.

    Raises
    ------
    ValuesError : numbers are missing, a batch is given, or a push is not a positive number.
    LimitError : more than 2,000 entries are pushed.
    UnknownNameError : no such node or entry.
    """
    if not (0 < small < math.inf and 0 < finite < math.inf):
        raise ValuesError(f"pushes are positive numbers, not {small:g} and {finite:g}", fix="use the defaults")
    target = of or graph.default_target
    names = scalar_names(graph, wrt or graph.names(Role.PARAMETER), MOST_ROWS)
    steps = (-finite, -small, small, finite)
    rows, stages = [], []
    for name, stage in _stages(graph, dict(values or {}), target, names):
        rows.append(_row(stage, name, steps))
        stages.append(stage)
    value = stages[0].values[stages[0].of] if stages else math.nan
    return Wiggles(graph, target, value, tuple(rows), tuple(stages), dict(values or {}))


def _stages(graph: Graph, values: Values, of: str, names: Sequence[str]) -> Iterator[tuple[str, Stage]]:
    """Each name with the network on which it is pushed; one for all where the network is small."""
    located = {name: read_entry(name, graph) for name in (of, *names)}
    arrays, batch, sizes = array_leaves(graph, values, graph.ancestors(*(node for node, _ in located.values())))
    _refuse_batch(batch is not None)
    graph = graph.sized(sizes)
    target = located[of][0], located[of][1] or ()
    if graph[target[0]].shape and not target[1]:
        raise ValuesError(f"{of} has axes, and one number is watched", fix=f"choose an entry: --of '{of}[0]'")
    if entry_count(graph) <= MOST_UNROLLED:
        whole = _stage(unroll(graph), entry_name(*target), entry_values(graph, arrays), names)
        yield from ((name, whole) for name in names)
        return
    for name in names:
        part = EntryDerivation(graph, target, (located[name][0], located[name][1] or ()))
        numbers = {each: np.float64(number) for each, number in part.node_values(values).items()}
        yield name, Stage(part.local, part.of, numbers)


def _stage(graph: Graph, of: str, leaves: Numbers, names: Sequence[str]) -> Stage:
    values = dict(leaves)
    for target in (of, *names):
        if target not in values:
            values = forward(graph, values, target)
    # NumPy's numbers divide by zero as IEEE 754 says; Python's raise.
    return Stage(LocalDerivatives(graph), of, {name: np.float64(value) for name, value in values.items()})


def _refuse_batch(batch: bool) -> None:
    if batch:
        raise ValuesError("parameters are pushed at one object, and a batch is given", fix="give one object's numbers")


def _row(stage: Stage, name: str, steps: Sequence[float]) -> Wiggle:
    derivative, size = stage.adjoints.get(name, (0.0, 0.0))
    pushes, value = _pushes(stage, name, steps), stage.values[name]
    if not stage.graph.between(name, stage.of):
        return Wiggle(name, value, 0.0, pushes, Verdict.ABSENT)
    if not stage.cuts.alive(name):
        zeros = tuple(_zero(stage, link) for link in stage.cuts.cut(name))
        return Wiggle(name, value, 0.0, pushes, Verdict.CUT, zeros)
    if not math.isfinite(derivative):
        return Wiggle(name, value, derivative, pushes, Verdict.UNDEFINED)
    cancels = abs(derivative) <= _ROUNDING * size
    return Wiggle(name, value, derivative, pushes, Verdict.CANCELS if cancels else Verdict.MOVES)


def _pushes(stage: Stage, name: str, steps: Sequence[float]) -> tuple[Push, ...]:
    """The network run again for every step, all at once; the first point is the object itself."""
    values: dict[str, Any] = dict(stage.values)
    values[name] = stage.values[name] + np.array([0.0, *steps])
    crossed: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        for each in stage.graph.between(name, stage.of):
            formula = stage.graph[each].formula
            if formula is None or each == name:
                continue
            branches = Branches()
            values[each] = evaluate(formula, values, stage.graph.functions, branches)
            sides = [np.broadcast_to(side, len(steps) + 1) for side in branches.sides]
            crossed[each] = np.any([side[1:] != side[0] for side in sides], axis=0) if sides else [False] * len(steps)
        reached = np.broadcast_to(values[stage.of], len(steps) + 1)
        changes = reached[1:] - reached[0]
    return tuple(
        Push(step, float(change), tuple(each for each, found in crossed.items() if found[at]))
        for at, (step, change) in enumerate(zip(steps, changes, strict=True))
    )


def _zero(stage: Stage, link: Edge) -> ZeroLink:
    local = stage.local[link]
    parts = _factors(local)
    with np.errstate(all="ignore"):
        numbers = [evaluate(part, stage.values, stage.graph.functions) for part in parts]
    zeros = tuple(part for part, number in zip(parts, numbers, strict=True) if number == 0.0)
    return ZeroLink(link, local, zeros or (local,))


def _factors(expr: Expr) -> tuple[Expr, ...]:
    """The factors of which one must be zero for `expr` to be."""
    match expr:
        case Neg(operand):
            return _factors(operand)
        case Mul(factors):
            return tuple(part for factor in factors for part in _factors(factor))
        case Div(numerator, _):
            return _factors(numerator)
        case _:
            return (expr,)
