"""Both passes of backpropagation at one object, number by number, and the step of descent that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from backpropsym.arrays import Numbers, Numeric, Values
from backpropsym.derive.analyses.kinks import Kink, kinks_of, resting_links
from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.errors import ValuesError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.evaluate.slopes import with_slopes
from backpropsym.formula.tree import ONE, Expr
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import of_numbers


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """A node computed: its formula over named nodes, the numbers put in by name, and its value.

    `left` is the node, or an entry of it where its formula is one of an entry.
    """

    node: str
    left: Expr
    formula: Expr
    inputs: Numbers
    value: Numeric


@dataclass(frozen=True, slots=True)
class Brick:
    """What one consumer adds to an adjoint.

    Attributes
    ----------
    user : the consumer, whose adjoint was found before and is used again.
    adjoint : that adjoint's number.
    local, factor : the local derivative of the consumer by the node, as a formula and as a number.
    product : adjoint times factor.
    """

    user: str
    adjoint: float
    local: Expr
    factor: float
    product: float


@dataclass(frozen=True, slots=True)
class BackwardStep:
    """The adjoint of a node: d of / d node, in the node's shape.

    Attributes
    ----------
    symbol : what later formulas call it.
    right : its formula over earlier adjoints; in matrix notation where nodes have axes.
    bricks : one for each consumer; none where nodes have axes, and none for the seed.
    adjoint : its value; for scalars the sum of the bricks' products.
    """

    node: str
    symbol: str
    right: Expr
    bricks: tuple[Brick, ...]
    adjoint: Numeric


@dataclass(frozen=True, slots=True)
class Descent:
    """One step against the gradient: after = before - rate * gradient, by parameter, and what it does to `of`."""

    rate: float
    before: Numbers
    gradient: Numbers
    after: Numbers
    value_before: float
    value_after: float


@dataclass(frozen=True)
class Trace:
    """Forward and backward pass at one object.

    Attributes
    ----------
    of : the scalar whose derivatives the backward pass gives.
    leaves : the numbers of inputs, targets, parameters and constants.
    forward : one step a named node, in the order of computation.
    backward : from `of` back to the parameters, or to the inputs where there are none.
    descent : None where `of` depends on no parameter.
    kinks : where a convention at a kink decides the derivative by a parameter, or an entry of one: both slopes.
    resting : in networks of scalars, the links whose local derivative rests on a convention.
    """

    graph: Graph
    of: str
    leaves: Numbers
    forward: tuple[ForwardStep, ...]
    backward: tuple[BackwardStep, ...]
    descent: Descent | None
    kinks: Mapping[str, Kink] = field(default_factory=dict)
    resting: frozenset[Edge] = frozenset()

    @property
    def of_numbers(self) -> bool:
        """Whether all values of the forward pass are numbers."""
        return not any(np.ndim(step.value) for step in self.forward)

    @property
    def gradient(self) -> dict[str, Numeric]:
        """d of / d parameter by parameter; parameters that `of` does not depend on are left out."""
        return dict(self.descent.gradient) if self.descent else {}


def trace(graph: Graph, values: Values | None = None, of: str | None = None, rate: float = 0.1) -> Trace:
    """Both passes of `graph` at one object.

    Parameters
    ----------
    values : numbers by name, completed by the network's own.
    of : a scalar node; default: the loss, else the output.
    rate : the length of the step of descent, in units of parameter squared per unit of `of`.

    Raises
    ------
    ValuesError : numbers are missing, or a batch is given.
    NotScalarError : `of` has axes.
    AbstractFunctionError : a function on the way has no formula.
    """
    of = graph[of or graph.objective].name
    leaves, batch, sizes = array_leaves(graph, values or {}, graph.ancestors(of))
    if batch is not None:
        raise ValuesError(
            f"a trace follows one object, and the numbers are of {batch}",
            fix="give the numbers of one object, without a leading axis",
        )
    network = ArrayNetwork(graph.sized(sizes), leaves)
    network.forward(of)
    numbers = {name: value[()] for name, value in network.values.items()}
    follow = _by_links if of_numbers(graph, of) else _by_arrays
    backward, factors = follow(network, numbers, of)
    adjoints = {step.node: step.adjoint for step in backward}
    gradient = {name: adjoints[name] for name in graph.names(Role.PARAMETER) if name in adjoints}
    graph = network.graph
    kinks, resting = kinks_of(graph, numbers, of, gradient), resting_links(graph, factors, numbers)
    given = {name: numbers[name] for name in leaves}
    descent = _descent(network, given, of, gradient, rate) if gradient else None
    return Trace(graph, of, given, _forward_steps(graph, of, numbers), backward, descent, kinks, resting)


def _roots(graph: Graph, of: str) -> list[str]:
    """What the backward pass runs to."""
    within = graph.ancestors(of)
    parameters = [name for name in graph.names(Role.PARAMETER) if name in within]
    return parameters or [name for name in graph.names(Role.INPUT) if name in within] or [of]


_Backward = tuple[tuple[BackwardStep, ...], Mapping[Edge, float]]
"""The steps from `of` back, and the local derivatives on links between numbers."""


def _by_links(network: ArrayNetwork, numbers: Numbers, of: str) -> _Backward:
    """Adjoints of numbers: sums over consumers of their adjoints times local derivatives."""
    graph = network.graph
    local = LocalDerivatives(graph)
    programme = adjoints(local, of, _roots(graph, of))
    links = [link for equation in programme.equations for _, link in equation.parts]
    factors = {link: float(number) for link, number in local_numbers(local, links, numbers).items()}
    known: dict[str, float] = {of: 1.0}
    steps = []
    for equation, right in zip(programme.equations, programme.right_sides(), strict=True):
        bricks = tuple(
            Brick(user, known[user], local[link], factors[link], known[user] * factors[link])
            for user, link in equation.parts
        )
        if bricks:
            total = with_slopes(graph, numbers, (of, ()), equation.by, sum(brick.product for brick in bricks))
            known[equation.by] = float(total)
            if np.isfinite(total):
                bricks = tuple(replace(brick, product=0.0) if _is_cut(brick) else brick for brick in bricks)
        steps.append(BackwardStep(equation.by, programme.symbols[equation.by], right, bricks, known[equation.by]))
    return tuple(steps), factors


def _is_cut(brick: Brick) -> bool:
    """Whether an adjoint or a factor of zero cuts off what is not finite."""
    return not np.isfinite(brick.product) and 0.0 in (brick.adjoint, brick.factor)


def _by_arrays(network: ArrayNetwork, numbers: Numbers, of: str) -> _Backward:
    """Adjoints of arrays, in matrix notation."""
    graph = network.graph
    equations = matrix_programme(graph, of, _roots(graph, of))
    steps = [BackwardStep(of, f"delta_{of}", ONE, (), 1.0)]
    values = network.reverse(of, 1.0)
    for equation in equations:
        adjoint = with_slopes(graph, numbers, (of, ()), equation.node, values[equation.node])
        steps.append(BackwardStep(equation.node, equation.symbol, equation.right, (), adjoint))
    return tuple(steps), {}


def _forward_steps(graph: Graph, of: str, values: Numbers) -> tuple[ForwardStep, ...]:
    wanted, named = graph.ancestors(of), graph.named
    return tuple(
        ForwardStep(
            name,
            *equation_of(graph, graph[name]),
            {parent: values[parent] for parent in named[name].parents},
            values[name],
        )
        for name in named.order
        if name in wanted and graph[name].op is not None
    )


def _descent(network: ArrayNetwork, leaves: Numbers, of: str, gradient: Numbers, rate: float) -> Descent:
    """The step, its value found by running the network again with the parameters moved."""
    before = {name: leaves[name] for name in gradient}
    with np.errstate(all="ignore"):
        after = {name: before[name] - rate * gradient[name] for name in gradient}
    moved = ArrayNetwork(network.graph, {**leaves, **after})
    return Descent(rate, before, gradient, after, float(network.values[of]), float(moved.forward(of)))
