"""One object of a network with everything that is right about it, by the evaluator that links were compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Arrays, Given, Numeric, Values
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.switches import sizes
from backpropsym.checks.comparisons.expected import Expected, exactly
from backpropsym.checks.comparisons.spelled import without_accurate
from backpropsym.checks.edges import EPS
from backpropsym.evaluate.arithmetic import COMPLEX, Arithmetic, ComplexArithmetic
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.choices import position_nodes
from backpropsym.evaluate.number_systems import STEP, step_slopes
from backpropsym.graph.graph import Graph
from backpropsym.ops.function import Primitive

COPIES = 16
FEW = 3
LARGE = 100_000
ROUNDINGS = 4.0
STEP_OF_SECONDS = 1e-3
MOST_PACE = 10.0
"""A direction along which a node moves faster than this many times its size is stepped along by less."""
SECONDS_BLUR = 1e5
"""Roundings of a gradient in a difference of gradients."""

LOOSE = 1e-6
"""What is allowed of a difference of gradients, relative to the largest entry."""


class _Rounded(Arithmetic):
    """Real arithmetic in which functions and powers are off by a few roundings, also inside a derivative.

    A kernel may keep tanh(x) in its own precision and derive 1 - tanh(x)**2 from that.
    """

    def __init__(self, eps: float, random: np.random.Generator) -> None:
        self.eps = eps
        self.random = random

    def off(self, value: Numeric) -> Array:
        """A value with an error of rounding."""
        return value * (1 + ROUNDINGS * self.eps * self.random.uniform(-1, 1, np.shape(value)))

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Any:
        """The value of a primitive, off."""
        return self.off(super().apply(primitive, arguments))

    def power(self, base: Numeric, exponent: Fraction) -> Any:
        """A power, off."""
        return self.off(super().power(base, exponent))


class _RoundedComplex(ComplexArithmetic, _Rounded):
    """The same beside the real axis, node by node."""


class _Perturbed(ArrayNetwork):
    """A network in which every value is off by a few roundings, but for those that choose entries."""

    def __init__(self, graph: Graph, leaves: Values, rounded: _Rounded, chosen: Collection[str]) -> None:
        moved = {name: value if name in chosen else rounded.off(np.asarray(value)) for name, value in leaves.items()}
        super().__init__(graph, moved, arithmetic=rounded)
        self.rounded = rounded
        self.chosen = chosen

    def apply(self, name: str) -> Array:
        """The value of a node, off."""
        found = super().apply(name)
        return found if name in self.chosen else self.rounded.off(found)


class SingleObject:
    """One object: its values and derivatives, each with what rounding may blur in it.

    Parameters
    ----------
    point : the object's leaves and what follows from them.
    eps : one rounding.
    """

    def __init__(self, point: ArrayPoint, random: np.random.Generator, eps: float = EPS) -> None:
        self.point = point
        self.graph = point.graph
        self.random = random
        self.eps = eps

    @cached_property
    def _copies(self) -> list[ArrayNetwork]:
        """The network several times, every value off, its derivatives as kernels may spell them."""
        copies: list[ArrayNetwork] = []
        for _ in range(self._count):
            network = _Perturbed(
                self._plain, self.point.leaves, _Rounded(self.eps, self.random), position_nodes(self.graph)
            )
            network.forward(self.graph.objective)
            copies.append(network)
        return copies

    @cached_property
    def _plain(self) -> Graph:
        """The graph with derivatives as they are printed, such as 1 - z**2, which lose digits where z is near 1."""
        return replace(self.graph, functions=without_accurate(self.graph.functions))

    @property
    def _count(self) -> int:
        largest = max((np.size(value) for value in self.point.values.values()), default=0)
        return FEW if largest > LARGE else COPIES

    def _expected(self, compute: Callable[[ArrayNetwork], Array], size: Given) -> Expected:
        """What `compute` makes of the network, uncertain by what it makes of copies that are off."""
        right = np.asarray(compute(self.point.network), float)

        def blur() -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(np.max([np.abs(compute(copy) - right) for copy in self._copies], axis=0))

        return Expected(right, np.abs(np.asarray(size, float)), blur)

    def value(self, name: str) -> Expected:
        """The value of a node."""
        return self._expected(lambda network: network.values[name], self.point.network.sizes[name])

    def adjoint(self, name: str) -> Expected:
        """The derivative of the objective by a leaf; zero where it does not depend on it."""
        return self.pulled(self.graph.objective, 1.0, name)

    def pulled(self, of: str, cotangent: Given, name: str) -> Expected:
        """A cotangent of a node times the node's derivative by a leaf."""
        if name not in self.graph.ancestors(of):
            return exactly(np.zeros(sizes(self.graph[name])))
        magnitudes = self._reverse(self.point.network, of, np.abs(cotangent), True)[name]
        return self._expected(lambda network: self._reverse(network, of, cotangent)[name], magnitudes)

    def _reverse(self, network: ArrayNetwork, of: str, cotangent: Given, magnitudes: bool = False) -> dict[str, Array]:
        """All adjoints for a cotangent, each sweep made once."""
        key = (id(network), of, np.asarray(cotangent, float).tobytes(), magnitudes)
        if key not in self._sweeps:
            self._sweeps[key] = network.reverse(of, cotangent, magnitudes)
        return self._sweeps[key]

    @cached_property
    def _sweeps(self) -> dict[object, dict[str, Array]]:
        return {}

    def pushed(self, of: str, direction: Values) -> Expected:
        """The derivative of a node along a direction in some leaves, by a complex step."""
        leaves = self._stepped(direction)

        def slope(network: ArrayNetwork) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(step_slopes(network.forward(of)))

        right = slope(ArrayNetwork(self.graph, leaves, arithmetic=COMPLEX))

        def blur() -> Array:
            copies = [
                _Perturbed(self.graph, leaves, _RoundedComplex(self.eps, self.random), position_nodes(self.graph))
                for _ in range(self._count)
            ]
            moved = np.max([np.abs(slope(copy) - right) for copy in copies], axis=0)
            return np.asarray(moved) + self._parts(of, direction)

        return Expected(right, np.abs(right), blur)

    def _stepped(self, direction: Values) -> dict[str, Array]:
        """The leaves after a complex step along a direction in some of them."""
        return {
            name: np.asarray(value) + (1j * STEP * np.asarray(direction[name]) if name in direction else 0)
            for name, value in self.point.leaves.items()
        }

    def second(self, direction: Arrays, wrt: Sequence[str]) -> dict[str, Expected]:
        """The derivative of each gradient along a direction, by differences of gradients with two steps.

        Where the two steps differ, that much is uncertain, and so is what a kernel cannot know that derives
        1 - tanh(x)**2 from a rounded tanh(x); across a kink nothing is known.
        """
        step = self._step(direction)
        far, near = (self._differences(direction, wrt, each) for each in (step, step / 2))
        spelled: list[dict[str, Array]] = []

        def blur(name: str) -> Array:
            if not spelled:
                spelled.extend(self._differences(direction, wrt, step, self._spelled_adjoints) for _ in range(FEW))
            moved = np.max([np.abs(copy[name] - near[name]) for copy in spelled], axis=0)
            return np.asarray(np.abs(far[name] - near[name]) + moved)

        return {
            name: Expected(
                near[name],
                SECONDS_BLUR * np.asarray(self.point.magnitudes[name]),
                partial(blur, name),
                LOOSE,
                told=False,
            )
            for name in wrt
        }

    def _step(self, direction: Arrays) -> float:
        """A step along a direction that moves no node by more than a share of its size, or of 1."""
        network = ArrayNetwork(self.graph, self._stepped(direction), arithmetic=COMPLEX)
        with np.errstate(all="ignore"):
            network.forward(self.graph.objective)
            paces = [
                np.max(np.abs(step_slopes(value)) / np.maximum(np.abs(np.real(value)), 1.0), initial=0.0)
                for value in network.values.values()
            ]
        pace = max((float(each) for each in paces if np.isfinite(each)), default=0.0)
        return STEP_OF_SECONDS / max(1.0, pace / MOST_PACE)

    def _spelled_adjoints(self, moved: ArrayPoint) -> dict[str, Array]:
        """The adjoints at a point, every value off and derivatives as they are printed."""
        rounded = _Rounded(self.eps, self.random)
        network = _Perturbed(self._plain, moved.leaves, rounded, position_nodes(self.graph))
        network.forward(self.graph.objective)
        return network.reverse(self.graph.objective, 1.0)

    def _differences(
        self,
        direction: Arrays,
        wrt: Sequence[str],
        step: float,
        adjoints: Callable[[ArrayPoint], Mapping[str, Array]] = attrgetter("adjoints"),
    ) -> dict[str, Array]:
        """Differences of gradients, of the fourth order; no numbers where a step takes another branch."""
        total: dict[str, Array] = {name: np.zeros(np.shape(self.point.values[name])) for name in wrt}
        for weight, times in ((8 / 12, 1.0), (-1 / 12, 2.0)):
            for sign in (1.0, -1.0):
                leaves = {
                    name: np.asarray(value) + sign * times * step * direction[name] if name in direction else value
                    for name, value in self.point.leaves.items()
                }
                moved = ArrayPoint(self.graph, leaves, self.point.switching)
                share = sign * weight / step if self.same_branches(moved) else np.nan
                slopes = adjoints(moved)
                for name in wrt:
                    total[name] = total[name] + share * slopes[name]
        return total

    def same_branches(self, moved: ArrayPoint) -> bool:
        """Whether every switch is on the same side at a moved point, and on none at its kink."""
        return all(
            np.array_equal(sign, own) and not np.any(own == 0)
            for name, signs in self.point.sides.items()
            for own, sign in zip(signs, moved.sides[name], strict=True)
        )

    def _parts(self, of: str, direction: Values) -> float:
        """By how much the derivative of a node along a direction moves where derivatives are spelled with values."""
        shape, moved = np.shape(self.point.values[of]), 0.0
        for copy in self._copies:
            # Not signs alone, and others for each copy: of equal numbers softmax pulls back nothing.
            seed = self.random.choice([-1.0, 1.0], shape) * self.random.uniform(0.5, 1.5, shape)
            right, adjoints = (network.reverse(of, seed) for network in (self.point.network, copy))
            gaps = (
                np.sum(np.abs((adjoints[name] - right[name]) * direction[name])) for name in direction if name in right
            )
            moved = max(moved, float(sum(gaps)))
        return moved
