"""The laws of every semiring, and every sweep against a sum over the paths listed one by one."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from backpropsym.derive.paths.path_space import edges
from backpropsym.derive.paths.semiring import (
    COUNT,
    ENTROPY,
    LENGTHS,
    LIVE,
    SEMIRINGS,
    STRONGEST,
    SUM,
    Semiring,
    Spread,
    log_magnitude,
)
from tests.derive.paths.graphs import POINT, random_dag

DRAWN: dict[str, Callable[[random.Random], Any]] = {
    COUNT.name: lambda drawn: drawn.randint(0, 10**40),
    SUM.name: lambda drawn: drawn.uniform(-3, 3),
    LIVE.name: lambda drawn: drawn.random() < 0.5,
    STRONGEST.name: lambda drawn: drawn.choice([math.inf, drawn.uniform(-5, 5)]),
    ENTROPY.name: lambda drawn: Spread(drawn.uniform(-900, 900), drawn.uniform(0, 3)),
    LENGTHS.name: lambda drawn: {length: drawn.randint(1, 9) for length in sorted(drawn.sample(range(6), 3))},
}


def close(left: Any, right: Any) -> bool:
    if isinstance(left, tuple):
        return all(close(mine, theirs) for mine, theirs in zip(left, right, strict=True))
    if isinstance(left, float):
        return left == right or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def lawful(semiring: Semiring[Any], drawn: random.Random) -> bool:
    a, b, c = (DRAWN[semiring.name](drawn) for _ in range(3))
    plus, times, zero, one = semiring.plus, semiring.times, semiring.zero, semiring.one
    return all(
        close(left, right)
        for left, right in (
            (plus(a, b), plus(b, a)),
            (plus(a, plus(b, c)), plus(plus(a, b), c)),
            (times(a, times(b, c)), times(times(a, b), c)),
            (times(a, plus(b, c)), plus(times(a, b), times(a, c))),
            (times(plus(a, b), c), plus(times(a, c), times(b, c))),
            (plus(zero, a), a),
            (times(one, a), a),
            (times(a, one), a),
            (times(zero, a), zero),
        )
    )


@pytest.mark.parametrize("semiring", SEMIRINGS, ids=[each.name for each in SEMIRINGS])
def test_every_semiring_keeps_the_laws(semiring: Semiring[Any]) -> None:
    assert all(lawful(semiring, random.Random(seed)) for seed in range(200))


def test_what_is_no_semiring_is_noticed() -> None:
    """Times that does not distribute, and an entropy that forgets the mixing."""
    wrong_sum = Semiring(SUM.name, 0.0, 1.0, SUM.plus, lambda a, b: a * b + 0.1 * a)
    wrong_mix = Semiring(ENTROPY.name, ENTROPY.zero, ENTROPY.one, lambda a, b: max(a, b), ENTROPY.times)
    assert not all(lawful(wrong_sum, random.Random(seed)) for seed in range(20))
    assert lawful(ENTROPY, random.Random(1)) and not close(
        wrong_mix.plus(ENTROPY.one, ENTROPY.one), ENTROPY.plus(ENTROPY.one, ENTROPY.one)
    )


@pytest.mark.parametrize("seed", range(100))
def test_every_analytic_equals_what_listing_gives(seed: int) -> None:
    derived = random_dag(seed)
    numbers = derived.numbers_at_one_object(POINT)
    products = {path: math.prod(numbers[link] for link in edges(path)) for path in derived.space}
    found = derived.analytics(POINT)
    assert found.count == len(products)
    assert found.lengths == {n: sum(len(path) == n + 1 for path in products) for n in found.lengths}
    assert list(found.lengths) == sorted({len(path) - 1 for path in products})
    if products:
        assert found.mean_length == pytest.approx(sum(len(path) - 1 for path in products) / len(products))
    told = found.numbers
    assert told is not None
    sizes = {path: abs(value) for path, value in products.items()}
    whole = math.fsum(sizes.values())
    assert told.value == pytest.approx(math.fsum(products.values()), abs=1e-12)
    assert told.value == pytest.approx(derived.evaluate(**POINT), abs=1e-12)
    assert told.magnitude == pytest.approx(whole)
    assert told.alive == sum(value != 0 for value in products.values())
    assert told.path_norm == pytest.approx(math.sqrt(math.fsum(value**2 for value in products.values())))
    shares = [size / whole for size in sizes.values() if size] if whole else []
    assert told.entropy == pytest.approx(-math.fsum(share * math.log(share) for share in shares), abs=1e-9)
    assert told.effective == pytest.approx(math.exp(told.entropy) if whole else 0.0)
    assert told.cancelled == pytest.approx(1 - abs(math.fsum(products.values())) / whole if whole else 0.0, abs=1e-9)
    if whole:
        best = max(sizes.values())
        assert told.strongest is not None
        assert sizes[told.strongest] == pytest.approx(best)
        assert told.strongest_value == pytest.approx(products[told.strongest])
        assert told.strongest_share == pytest.approx(best / whole)
    else:
        assert told.strongest is None


@pytest.mark.parametrize("seed", range(100))
def test_the_strongest_come_in_the_order_of_a_sorted_list(seed: int) -> None:
    derived = random_dag(seed)
    numbers = derived.numbers_at_one_object(POINT)
    sizes = [abs(math.prod(numbers[link] for link in edges(path))) for path in derived.space]
    ranked = [abs(math.prod(numbers[link] for link in edges(path))) for path in derived.space.strongest(numbers.get)]
    assert ranked == pytest.approx(sorted(sizes, reverse=True))
    assert len(set(derived.space.strongest(numbers.get))) == len(sizes)


@pytest.mark.parametrize("seed", range(20))
def test_one_sweep_for_all_semirings_at_every_node(seed: int) -> None:
    """Not only from the source: each node's sum is over its own paths."""
    derived = random_dag(seed)
    space, numbers = derived.space, derived.numbers_at_one_object(POINT)
    weights: dict[str, Callable[[Any], Any]] = {
        COUNT.name: lambda link: 1,
        SUM.name: lambda link: numbers[link],
        LIVE.name: lambda link: numbers[link] != 0,
        STRONGEST.name: lambda link: -log_magnitude(numbers[link]),
        ENTROPY.name: lambda link: Spread(log_magnitude(numbers[link]), 0.0),
        LENGTHS.name: lambda link: {1: 1},
    }
    for semiring in SEMIRINGS:
        weight = weights[semiring.name]
        for name, value in space.sweep(semiring, weight).items():
            total = semiring.zero
            for path in space.section(name, space.target):
                product = semiring.one
                for link in edges(path):
                    product = semiring.times(product, weight(link))
                total = semiring.plus(total, product)
            assert close(value, total), (semiring.name, name)


@pytest.mark.parametrize("semiring", SEMIRINGS, ids=[each.name for each in SEMIRINGS])
def test_a_sweep_multiplies_once_a_link(semiring: Semiring[Any]) -> None:
    """However many paths: the work is linear in the links."""
    from backpropsym.derive.derivation import Derivation
    from backpropsym.derive.local.links import LocalDerivatives
    from tests.derive.paths.graphs import dense

    for width, depth in ((3, 5), (6, 12)):
        derived = Derivation(LocalDerivatives(dense(width, depth)), "a", "x")
        calls = itertools.count()

        def times(left: Any, right: Any, calls: Any = calls) -> Any:
            next(calls)
            return semiring.times(left, right)

        counting = Semiring(semiring.name, semiring.zero, semiring.one, semiring.plus, times)
        derived.space.sweep(counting, lambda link: semiring.one)
        assert next(calls) == len(derived.links())
