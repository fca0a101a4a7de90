"""One dynamic programme over all paths of a graph, for every meaning of "and then" and "or".

The sum over paths of products of local derivatives makes sense wherever there is a product (one link after another)
that distributes over a sum (one path beside another). Counting, adding up, finding the strongest path and measuring
how evenly the gradient spreads are the same sweep with other numbers; each costs one operation a link, however many
paths there are.

References
----------
Bauer, Computational graphs and rounding error, SIAM Journal on Numerical Analysis 11, 1974: the sum over paths.
Mohri, Semiring frameworks and algorithms for shortest-distance problems, Journal of Automata, Languages and
Combinatorics 7, 2002.
Du, Hewitt, Vieira, Cotterell and others, Generalizing backpropagation for gradient-based interpretability, ACL 2023:
the same for the gradients of networks.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from backpropsym.derive.local.links import Edge

V = TypeVar("V")


@dataclass(frozen=True)
class Semiring(Generic[V]):
    """A sum `plus` with `zero` and a product `times` with `one` that distributes over it.

    Attributes
    ----------
    name : what the sum over paths is in it.
    """

    name: str
    zero: V
    one: V
    plus: Callable[[V, V], V]
    times: Callable[[V, V], V]

    def sum(self, values: Iterable[V]) -> V:
        """The sum of values, in their order."""
        total = self.zero
        for value in values:
            total = self.plus(total, value)
        return total


def sweep(
    nodes: Sequence[str],
    successors: Mapping[str, Sequence[str]],
    semiring: Semiring[V],
    weight: Callable[[Edge], V] | None = None,
    *,
    against: bool = False,
) -> dict[str, V]:
    """For each node the sum over its paths to the last one of the products of the weights of their links.

    Parameters
    ----------
    nodes : in topological order; paths end at the last one.
    successors : the next nodes on some path.
    weight : the value of a link; without it every link weighs one.
    against : whether nodes and their successors are listed against the direction of the links.
    """
    plus, times = semiring.plus, semiring.times
    found: dict[str, V] = {nodes[-1]: semiring.one} if nodes else {}
    for name in reversed(nodes[:-1]):
        total = semiring.zero
        for user in successors[name]:
            link = Edge(user, name) if against else Edge(name, user)
            total = plus(total, found[user] if weight is None else times(weight(link), found[user]))
        found[name] = total
    return found


COUNT: Semiring[int] = Semiring("number of paths", 0, 1, operator.add, operator.mul)
"""Exact, in integers of any length. Links of weight 0 and 1 count the paths that carry something."""

SUM: Semiring[Any] = Semiring("sum", 0.0, 1.0, operator.add, operator.mul)
"""Real numbers: with local derivatives the derivative, with their absolute values the sum of the magnitudes."""


def _cut(first: float, second: float) -> float:
    return 0.0 if 0.0 in (first, second) else first * second


CUT_SUM: Semiring[float] = Semiring("sum over live paths", 0.0, 1.0, operator.add, _cut)
"""The same, where a link of zero cuts off what is not finite: a dead path carries nothing."""

LIVE: Semiring[Any] = Semiring("whether a path carries something", False, True, operator.or_, operator.and_)
"""Truth values, or arrays of them."""

STRONGEST: Semiring[float] = Semiring("cost of the strongest path", math.inf, 0.0, min, operator.add)
"""The tropical semiring of costs -log|w|: the least cost is that of the path with the largest product."""


class Spread(NamedTuple):
    """A distribution over paths: the logarithm of the sum of their magnitudes, and the entropy of their shares."""

    log_total: float
    entropy: float


def _beside(first: Spread, second: Spread) -> Spread:
    """One set of paths beside another: the entropy of a mixture."""
    if first.log_total == -math.inf:
        return second
    if second.log_total == -math.inf:
        return first
    larger, smaller = (first, second) if first.log_total >= second.log_total else (second, first)
    ratio = math.exp(smaller.log_total - larger.log_total)
    share, rest = 1 / (1 + ratio), ratio / (1 + ratio)
    mixing = math.log1p(ratio) + (rest * (larger.log_total - smaller.log_total) if rest else 0.0)
    entropy = share * larger.entropy + rest * smaller.entropy + mixing
    return Spread(larger.log_total + math.log1p(ratio), entropy)


def _after(first: Spread, second: Spread) -> Spread:
    """One set of paths after another: independent choices, whose entropies add up."""
    if -math.inf in (first.log_total, second.log_total):
        return ENTROPY.zero
    return Spread(first.log_total + second.log_total, first.entropy + second.entropy)


ENTROPY: Semiring[Spread] = Semiring("entropy of the shares", Spread(-math.inf, 0.0), Spread(0.0, 0.0), _beside, _after)
"""The entropy semiring of Cortes, Mohri, Rastogi and Riley (2008), in logarithms: nothing overflows and no two large
numbers are subtracted. A link weighs (log|w|, 0)."""


Lengths = Mapping[int, int]


def _merged(first: Lengths, second: Lengths) -> Lengths:
    if not first or not second:
        return first or second
    return {length: first.get(length, 0) + second.get(length, 0) for length in sorted({*first, *second})}


def _shifted(first: Lengths, second: Lengths) -> Lengths:
    found: dict[int, int] = {}
    for before, times in first.items():
        for after, count in second.items():
            found[before + after] = found.get(before + after, 0) + times * count
    return found


LENGTHS: Semiring[Lengths] = Semiring("number of paths by length", {}, {0: 1}, _merged, _shifted)
"""Polynomials with the length as exponent: how many paths have each number of links. A link weighs {1: 1}."""

SEMIRINGS: tuple[Semiring[Any], ...] = (COUNT, SUM, LIVE, STRONGEST, ENTROPY, LENGTHS)


def log_magnitude(value: float) -> float:
    """log|value|, minus infinity for zero."""
    return math.log(abs(value)) if value else -math.inf
