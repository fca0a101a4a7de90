"""Parts of an adjoint written into place: added only where they overlap, beside zeros only where they leave gaps."""

from __future__ import annotations

import numpy as np
import pytest

from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.spec.toml import parse_network

SIZE = 6
PARTS = {
    "halves": ["x[0:3]", "x[3:6]"],
    "even and odd": ["x[::2]", "x[1::2]"],
    "a row, the rest backwards": ["x[5]", "x[4::-1]"],
    "every row": [f"x[{row}]" for row in range(SIZE)],
    "a gap": ["x[0:2]", "x[3:6]"],
    "a gap at the end": ["x[0:2]", "x[2:5]"],
    "one part": ["x[1:4]"],
    "an overlap": ["x[0:4]", "x[3:6]"],
    "an overlap of many": ["x[0:2]", "x[2:4]", "x[1]", "x[4:6]"],
    "an overlap of equals": ["x[1:3]", "x[2:0:-1]"],
}


@pytest.mark.parametrize("columns", [None, 2])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_zeros_and_sums_only_where_they_are_needed(parts: list[str], columns: int | None) -> None:
    shape = (SIZE,) if columns is None else (SIZE, columns)
    formula = " + ".join(f"sum(exp({part})*{number})" for number, part in enumerate(parts, 2))
    text = f'parameters = {{x = {list(shape)}}}\noutput = "a"\n[nodes]\na = "{formula}"\n'
    x = np.random.default_rng(1).normal(size=shape)
    counts, expected = np.zeros(SIZE, int), np.zeros(shape)
    for number, part in enumerate(parts, 2):
        rows = eval(part, {"x": np.arange(SIZE)})
        counts[rows] += 1
        expected[rows] += number * np.exp(x[rows])
    kernel = compile_kernel(parse_network(text))
    body = kernel.source[kernel.source.index("# forward") : kernel.source.index("da_dx = ")]
    overlap, complete = counts.max() > 1, counts.min() > 0
    assert ("+= " in body) == overlap
    assert (".fill(0.0)" in body) == (overlap or not complete)
    np.testing.assert_allclose(kernel(x=x)[1]["x"], expected, rtol=1e-14)
