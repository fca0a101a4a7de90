"""Paths by number, numbers by path, and a few paths that stand for all."""

from __future__ import annotations

from itertools import islice

import pytest

from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.derive.paths.selection import number_of, path_of, representative
from tests.derive.networks import chain, layers, residual

SPACES = {
    "layers": PathSpace(layers(6, 2), "x", "a"),
    "residual": PathSpace(residual(9), "x", "r9"),
    "chain": PathSpace(chain(4), "x", "s3"),
    "itself": PathSpace(chain(1), "s0", "s0"),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_number_names_the_path_in_its_place(space: PathSpace) -> None:
    for number, path in enumerate(islice(space, 200), 1):
        assert path_of(space, number) == path
        assert number_of(space, path) == number


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_few_paths_hold_the_shortest_and_differ(space: PathSpace) -> None:
    found = representative(space, 8)
    assert found == sorted(set(found))
    assert len(found) == min(8, space.count)
    assert min(len(path_of(space, number)) for number in found) == min(map(len, space))


def test_a_few_paths_take_links_that_others_do_not() -> None:
    space = SPACES["layers"]
    found = [path_of(space, number) for number in representative(space, 4)]
    assert len({path[1] for path in found}) == 4
