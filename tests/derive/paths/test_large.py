"""Analytics where no one can list the paths."""

from __future__ import annotations

import heapq
import itertools
import math
import random

import pytest

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.derive.paths.path_space import edges
from tests.derive.networks import chain, residual
from tests.derive.paths.graphs import dense, ladder


def least_sums(steps: list[float], count: int) -> list[float]:
    """The `count` least sums of subsets, by a heap over subsets: another algorithm than the one that is tested."""
    steps = sorted(steps)
    found, heap = [0.0], [(steps[0], 0)]
    while len(found) < count:
        total, last = heapq.heappop(heap)
        found.append(total)
        if last + 1 < len(steps):
            heapq.heappush(heap, (total + steps[last + 1], last + 1))
            heapq.heappush(heap, (total - steps[last] + steps[last + 1], last + 1))
    return found


def test_the_hundred_strongest_of_10_to_the_30_paths() -> None:
    drawn = random.Random(4)
    sides = [(round(drawn.uniform(0.5, 1.5), 6), round(drawn.uniform(0.5, 1.5), 6)) for _ in range(100)]
    derived = ladder(sides)
    assert derived.count == 2**100 > 10**30
    numbers = derived.numbers_at_one_object({"x": 1.0})
    found = list(itertools.islice(derived.space.strongest(numbers.__getitem__), 100))
    assert len(set(found)) == 100
    best = math.fsum(math.log(max(pair)) for pair in sides)
    steps = [abs(math.log(left / right)) for left, right in sides]
    logs = [math.fsum(math.log(numbers[link]) for link in edges(path)) for path in found]
    assert logs == pytest.approx([best - less for less in least_sums(steps, 100)])


def test_everything_about_a_ladder_is_what_its_rungs_give() -> None:
    """Choices at the rungs are independent: totals multiply, entropies add up."""
    drawn = random.Random(5)
    sides = [(drawn.uniform(0.5, 1.5), -drawn.uniform(0.5, 1.5)) for _ in range(100)]
    told = ladder(sides).analytics({"x": 1.0}).numbers
    assert told is not None
    assert told.value == pytest.approx(math.prod(left + right for left, right in sides))
    assert told.magnitude == pytest.approx(math.prod(left - right for left, right in sides))
    assert told.path_norm == pytest.approx(math.prod(math.hypot(left, right) for left, right in sides))
    shares = [left / (left - right) for left, right in sides]
    assert told.entropy == pytest.approx(-sum(p * math.log(p) + (1 - p) * math.log(1 - p) for p in shares))
    assert told.alive == 2**100


def test_lengths_of_a_ladder_are_binomial() -> None:
    found = ladder([(1.0, 1.0)] * 60).analytics({"x": 1.0})
    assert found.lengths == {60 + k: math.comb(60, k) for k in range(61)}
    assert found.mean_length == pytest.approx(90.0)


def test_what_would_overflow_is_still_told() -> None:
    """The sum is beyond floating point; shares and entropy are not."""
    told = ladder([(1e5, 1e5)] * 100).analytics({"x": 1.0}).numbers
    assert told is not None
    assert told.magnitude == math.inf
    assert told.entropy == pytest.approx(100 * math.log(2))
    assert told.strongest_share == pytest.approx(2.0**-100)


@pytest.mark.parametrize(("width", "depth"), [(10, 31), (30, 12)])
def test_dense_layers_have_exact_counts_and_lengths(width: int, depth: int) -> None:
    derived = Derivation(LocalDerivatives(dense(width, depth)), "a", "x")
    found = derived.analytics({"x": 1.0})
    assert found.count == width**depth
    assert found.lengths == {depth + 1: width**depth}
    assert found.numbers is not None
    assert 0 < found.numbers.entropy < depth * math.log(width)
    ranked = list(itertools.islice(derived.numeric({"x": 1.0}, top=100), 100))
    sizes = [abs(term.value) for term in ranked]
    assert sizes == sorted(sizes, reverse=True)
    assert found.numbers.strongest_value == pytest.approx(ranked[0].value)


def test_deep_graphs_take_no_recursion() -> None:
    derived = Derivation(LocalDerivatives(chain(3_000)), "s2999", "x")
    values = {"x": 0.5} | {f"w{i}": 1.0 for i in range(3_000)}
    assert derived.analytics(values).lengths == {3_000: 1}
    deep = Derivation(LocalDerivatives(residual(300)), "r300", "x")
    assert deep.analytics().count == 2**300
