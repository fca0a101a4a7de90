"""`check` never calls a right random network wrong; the long run is `python -m tests.stream.checked`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.stream.checked import distances, near_a_kink, outcome
from tests.stream.generate import seeded

NEAR, BRIEF = 1e-7, 1.0
WITH_KINKS = tuple(range(41, 81))


@pytest.mark.parametrize("first", range(1, 17, 8))
def test_right_random_networks_are_never_called_wrong(first: int) -> None:
    _not_wrong(range(first, first + 8), None)


@pytest.mark.parametrize("first", (41,))
def test_networks_near_a_kink_are_never_called_wrong(first: int) -> None:
    _not_wrong(range(first, first + 40), NEAR)


def _not_wrong(seeds: range, near: float | None) -> None:
    said = [(seed, outcome(seed, near, BRIEF)) for seed in seeds]
    assert not [each for each in said if each[1].startswith("WRONG")]
    assert sum(words.startswith("right") for _, words in said) >= 5, "too few were checked"


def test_numbers_are_moved_to_a_kink_and_not_onto_it() -> None:
    """Of the networks with a switch, at the numbers found one is as close as was asked for, and none was so before."""
    moved = 0
    for seed in WITH_KINKS:
        case = seeded(seed)
        values = near_a_kink(case, NEAR)
        if values is None:
            continue
        moved += 1
        closest = np.nanmin(np.abs(distances(case, values)) / NEAR, initial=np.inf, where=distances(case, values) != 0)
        assert closest <= 1.5
        assert sum(not np.array_equal(values[name], case.values[name]) for name in values) == 1
    assert moved >= 5
