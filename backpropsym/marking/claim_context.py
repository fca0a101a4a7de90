"""A derivation in fifty digits at random points: where claims are evaluated and compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import mpmath
import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric
from backpropsym.checks.sample_points import find_points
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.semiring import LIVE, SUM
from backpropsym.errors import ValuesError
from backpropsym.evaluate.arithmetic import ExactArithmetic, evaluate
from backpropsym.evaluate.random_functions import abstract_functions, concrete
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph
from backpropsym.ops.function import Primitive

POINTS = 50
DIGITS = 50
AGREE = mpmath.mpf("1e-30")
"""How far equal formulas may be apart, in units of the sum of the absolute values of the path products."""

_GUARD = 10
_ROUNDS = 6
_LARGEST_EXPONENT = 200
_LARGEST_POWER = 100_000
_FAILURES = (ArithmeticError, ValueError, TypeError)

Column: TypeAlias = "list[mpmath.mpf | None]"
"""The numbers of a formula, one a point; None where it has none."""


class BoundedArithmetic(ExactArithmetic):
    """mpmath's numbers, where what would take unbounded time or memory overflows instead."""

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> mpmath.mpf:
        """The value of a primitive; a result off the real axis is an error."""
        for argument in arguments:
            self._check(argument, _LARGEST_EXPONENT)
        return self._real(super().apply(primitive, arguments))

    def power(self, base: mpmath.mpf, exponent: Fraction) -> mpmath.mpf:
        """A power with a constant exponent."""
        self._check(base, _LARGEST_POWER)
        return self._real(super().power(base, exponent))

    def _check(self, value: Numeric, largest: int) -> None:
        if not self.context.isfinite(value) or (value and self.context.mag(value) > largest):
            raise OverflowError("beyond what is evaluated")

    def _real(self, value: mpmath.mpf | mpmath.mpc) -> mpmath.mpf:
        if isinstance(value, self.context.mpc):
            raise ArithmeticError("not a real number")
        return value


def with_numbers(graph: Graph, random: np.random.Generator) -> Graph:
    """The graph itself, or with stand-ins where functions are abstract."""
    return concrete(graph, random) if abstract_functions(graph) else graph


class ClaimContext:
    """The derivative d `of` / d `wrt` of a scalar graph, and every name a claim may use, at random points.

    Points lie off kinks; where functions branch, enough are taken that every link on a path carries something at one
    of them, as far as that is possible. Abstract functions are replaced by random smooth ones.

    Attributes
    ----------
    graph : the network with stand-ins for abstract functions.
    derivation : the derivative that claims are compared with.
    points : the value of every node, one mapping a point, in mpmath's numbers.
    silent : links on paths that carry nothing at any point.

    Raises
    ------
    ValuesError : no point was found at which the network has finite values.
    """

    def __init__(self, graph: Graph, of: str, wrt: str, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.graph = with_numbers(graph, self.random)
        self.local = LocalDerivatives(self.graph)
        self.derivation = Derivation(self.local, of, wrt)
        self.context = mpmath.MPContext()
        self.context.dps = DIGITS + _GUARD
        self.arithmetic = BoundedArithmetic(self.context)
        leaves, self.silent = self._leaves(of)
        self.points = [forward(self.graph, leaf, None, self.arithmetic) for leaf in leaves]

    def _leaves(self, of: str) -> tuple[list[dict[str, mpmath.mpf]], tuple[Edge, ...]]:
        """Numbers for the leaves at each point, and the links that carry nothing at any."""
        graph = replace(self.graph, output=of, loss=None, values={})
        links = self.derivation.links()
        kept: dict[str, Array] = {}
        seen = np.zeros(len(links), bool)
        count = 0
        for _ in range(_ROUNDS):
            found = find_points(graph, {}, POINTS, self.random)
            values = {name: found.values[name] for name in found.values if graph[name].op is None}
            off = ~np.any([*found.edges.kink.values(), np.zeros(found.count, bool)], axis=0)
            live = self._live(found.edges.slope, found.count)
            news = off if count < POINTS else off & (live & ~seen[:, None]).any(axis=0)
            kept = {name: np.concatenate([kept.get(name, np.empty(0)), value[news]]) for name, value in values.items()}
            seen |= live[:, news].any(axis=1)
            count = len(next(iter(kept.values()), [0] * POINTS))
            if seen.all() and count >= POINTS:
                break
        if not count:
            raise ValuesError("no point was found at which the network has finite values", fix="check its formulas")
        silent = tuple(link for link, carries in zip(links, seen, strict=True) if not carries)
        return [self._point(kept, at) for at in range(count)], silent

    def _live(self, slopes: Mapping[Edge, Array], count: int) -> Array:
        """For each link on a path, at which points some path through it is not dead; (links, points)."""
        space = self.derivation.space
        carries = {link: np.broadcast_to(slopes[link] != 0, count) for link in self.derivation.links()}
        into, out = space.sweep_on(LIVE, carries.__getitem__), space.sweep(LIVE, carries.__getitem__)
        live = [into[link.source] & carries[link] & out[link.target] for link in carries]
        return np.array(live).reshape(len(live), count)

    def _point(self, kept: Mapping[str, Array], at: int) -> dict[str, mpmath.mpf]:
        """The numbers of all leaves at one point; those that the derivative does not depend on are drawn here."""
        numbers = {}
        for name, node in self.graph.nodes.items():
            if node.op is None:
                given = self.graph.constants.get(name)
                drawn = kept[name][at] if name in kept else self.random.uniform(-2, 2)
                numbers[name] = self.context.mpf(float(drawn if given is None else given))
        return numbers

    def numbers(self, expr: Expr) -> Column:
        """The value of a formula at every point; None where it has none."""
        return [self._number(expr, point) for point in self.points]

    def _number(self, expr: Expr, point: Numbers) -> mpmath.mpf | None:
        try:
            value = evaluate(expr, point, self.graph.functions, self.arithmetic)
            return value if self.context.isfinite(value) else None
        except _FAILURES:
            return None

    @cached_property
    def links(self) -> Mapping[Edge, Column]:
        """The local derivative of every link on a path, at every point."""
        return {link: self.numbers(self.local[link]) for link in self.derivation.links()}

    @cached_property
    def truth(self) -> Column:
        """The derivative at every point, by one backward sweep; None where a local derivative has no value."""
        return [self._swept(at, absolute=False) for at in range(len(self.points))]

    @cached_property
    def scale(self) -> Column:
        """The sum of the absolute values of the path products at every point."""
        return [self._swept(at, absolute=True) for at in range(len(self.points))]

    def _swept(self, at: int, absolute: bool) -> mpmath.mpf | None:
        numbers = {link: number for link, column in self.links.items() if (number := column[at]) is not None}
        if len(numbers) < len(self.links):
            return None
        weight = (lambda link: abs(numbers[link])) if absolute else numbers.__getitem__
        return self.context.mpf(self.derivation.space.over(SUM, weight))

    def differing(self, claimed: Column) -> tuple[int, int | None]:
        """At how many points a claim and the derivative can be compared, and the first at which they differ."""
        compared, first = 0, None
        for at, (mine, theirs) in enumerate(zip(self.truth, claimed, strict=True)):
            if mine is None or theirs is None:
                continue
            compared += 1
            unit = max(self.scale[at], abs(theirs), self.context.mpf(10) ** -DIGITS)
            if first is None and abs(mine - theirs) > AGREE * unit:
                first = at
        return compared, first
