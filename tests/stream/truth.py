"""What a random network's values and derivatives are, by the reference interpreter alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from backpropsym.evaluate import differences
from backpropsym.evaluate.arithmetic import Arithmetic
from backpropsym.evaluate.reference import Reference
from backpropsym.graph.graph import Node, Role
from backpropsym.ops.function import Primitive
from tests.stream.generate import Case

Array = Any
NEAR = 1e-7
"""A switch so close to zero is at a kink, where differences and conventions need not agree."""

SHORT = 1e-4
"""The step of differences of gradients."""


class SwitchRecorder(Arithmetic):
    """Real numbers; records how close a switch comes to zero without being one of two equal constants."""

    def __init__(self) -> None:
        self.nearest = np.inf

    def apply(self, primitive: Primitive, arguments: tuple[Any, ...]) -> Any:
        if primitive.switch is not None:
            self._note(primitive.switch(*arguments))
        return super().apply(primitive, arguments)

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        self._note(left - right)
        return super().compare(symbol, left, right)

    def power(self, base: Any, exponent: Fraction) -> Any:
        if exponent.denominator != 1:
            self._note(base)
        return super().power(base, exponent)

    def _note(self, distance: Any) -> None:
        self.nearest = min(self.nearest, float(np.min(np.abs(distance), initial=np.inf)))


class Truth:
    """Values and derivatives of one case, object by object, each computed once."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.graph = case.net.graph.sized(case.sizes)
        self.leaves = case.smooth_leaves

    @cached_property
    def at_kink(self) -> bool:
        """Whether any of the objects that are compared sits at a kink."""
        recorder = SwitchRecorder()
        for leaves in self.case.objects(5):
            with np.errstate(all="ignore"):
                Reference(self.graph, leaves, recorder).array(self.case.output)
        return recorder.nearest < NEAR

    def value(self, leaves: Mapping[str, Array], of: str | None = None) -> Array:
        """The value of a node, by default the output, for one object."""
        with np.errstate(all="ignore"):
            return Reference(self.graph, leaves).array(of or self.case.output)

    def gradients(
        self, leaves: Mapping[str, Array], of: str | None = None, wrt: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """The derivative of a node, by default the output, by leaves for one object; the node's axes first."""
        of = of or self.case.output
        names = self.leaves if wrt is None else wrt
        return differences.complex_step(self.graph, leaves, of, names)

    def gradient_by_node(self, leaves: Mapping[str, Array], node: str) -> Array:
        """The derivative of the output by a node with a formula, or by a constant: as by an input of its values."""
        value = self.value(leaves, node)
        nodes = {**self.graph.nodes, node: Node(node, Role.INPUT, self.graph[node].shape)}
        constants = {name: array for name, array in self.graph.constants.items() if name != node}
        cut = replace(self.graph, nodes=nodes, constants=constants)
        return differences.complex_step(cut, {**leaves, node: value}, self.case.output, [node])[node]

    def hessian_product(self, leaves: Mapping[str, Array], direction: Mapping[str, Array]) -> dict[str, Array]:
        """The derivative of the gradients along a direction: differences of complex steps, to about 1e-9."""
        total: dict[str, Array] = {name: 0.0 for name in self.leaves}
        for weight, step in ((8 / 12, SHORT), (-1 / 12, 2 * SHORT)):
            ahead, behind = (self.gradients(_moved(leaves, direction, sign * step)) for sign in (1, -1))
            for name in self.leaves:
                total[name] = total[name] + weight * (ahead[name] - behind[name]) / SHORT
        return total


def _moved(leaves: Mapping[str, Array], direction: Mapping[str, Array], step: float) -> dict[str, Array]:
    return {name: value + step * direction[name] if name in direction else value for name, value in leaves.items()}
