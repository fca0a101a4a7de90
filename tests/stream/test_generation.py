"""The generator of random networks: the same in every process, broad, and never at odds with NumPy."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backpropsym as bp
from tests.stream.choices import DrawnChoices
from tests.stream.compare import COMPARISONS, agrees, differences
from tests.stream.definitions import DEFINITIONS
from tests.stream.generate import Case, generate, seeded
from tests.stream.operations import OPERATIONS
from tests.stream.truth import Truth


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Networks that hypothesis can make smaller."""
    return generate(DrawnChoices(draw), draw(st.integers(0, 2**16)))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_values_are_those_of_numpy(case: Case) -> None:
    """What a formula means is known from its text alone; the refusal of a name is a limit."""
    try:
        truth = Truth(case)
    except bp.BackpropsymError:
        return
    assert not differences(truth, ["values"])


def test_a_seed_is_one_network() -> None:
    assert seeded(17).text == seeded(17).text
    assert len({seeded(seed).text for seed in range(50)}) == 50


def test_every_operation_comes_up() -> None:
    texts = Counter(word for seed in range(1500) for _, formula in seeded(seed).nodes for word in _marks(formula))
    assert all(texts[mark] > 5 for mark in MARKS), texts


MARKS = ("einsum", "rnn", "attention", "conv2d", "max_pool1d", "avg_pool1d", "gather", "concat", "stack", "pad")
MARKS += ("reshape", "flatten", "transpose", "softmax", "layer_norm", "logsumexp", "var", "::-1", " @ ", "(k, 0")


def _marks(formula: str) -> list[str]:
    return [mark for mark in MARKS if mark in formula]


def test_registries_hold_what_the_files_define() -> None:
    assert len(OPERATIONS) >= 19
    assert len(DEFINITIONS) >= 5
    assert sum(entry.cheap for entry in COMPARISONS.values()) >= 4


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1.0 + 1e-6, 1.0),
        (np.nan, 1.0),
        (np.ones(2), np.ones((2, 1))),
        (np.ones(1), 1.0),
        (None, 1.0),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (1.0 + 0j, 1.0),
    ],
)
def test_what_differs_is_told(got: object, expected: object) -> None:
    assert not agrees(got, expected, 1e-8)
