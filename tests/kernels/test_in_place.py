"""What kernels compute where it is needed: parts of a joined array in it, and pools place by place."""

from __future__ import annotations

import re

import pytest

from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.kernels.backends.numpy.storage import Storage
from backpropsym.spec.toml import parse_network


def statements(formula: str, shape: list[int]) -> str:
    """The forward part of a kernel."""
    text = f'inputs = {{x = {shape}}}\noutput = "a"\n[nodes]\na = "sum({formula})"\n'
    source = compile_kernel(parse_network(text)).source
    return source[source.index("    # forward") : source.index("    return ", source.index("    # forward"))]


@pytest.mark.parametrize("formula", ["concat(tanh(x), exp(x))**3", "concat(tanh(x), sin(x), exp(x))**3"])
def test_what_is_joined_is_not_copied(formula: str) -> None:
    assert "_np.concatenate" not in statements(formula, [3])


def test_of_what_is_joined_only_what_lies_elsewhere_is_copied() -> None:
    """An input has memory of its own; what is computed is computed in its place."""
    source = statements("concat(tanh(x), x, exp(x))**3", [3])
    copied = [line for line in source.splitlines() if "] = " in line]
    assert [line.partition(" = ")[2] for line in copied] == ["x"]


def test_a_chain_of_functions_has_one_array() -> None:
    """Each function overwrites its argument, which nothing reads again."""
    source = statements("exp(sin(tanh(x)))*x", [3])
    results = re.findall(r"_np\.(?:exp|sin|tanh)\(.*out=(\w+)\)", source)
    assert len(results) == 3 and len(set(results)) == 1


def test_memory_that_grew_counts_as_large_as_it_is() -> None:
    """It is taken for what needs up to four times as much; it has been 2 numbers, and then 8, when 32 are asked for."""
    storage = Storage()
    for size in (2, 8, 32):
        storage.release(storage.acquire((size,)))
    assert len(storage.slots) == 1


@pytest.mark.parametrize("formula", ["pad(x, 1)**2", "avg_pool1d(x, 3, stride=1, padding=1)**2"])
def test_what_is_padded_is_laid_between_zeros_and_not_read_entry_by_entry(formula: str) -> None:
    source = statements(formula, [1, 5])
    assert re.search(r"\w+\[.*1:6\] = x", source)
    assert "_read(" not in source


@pytest.mark.parametrize(
    ("formula", "operation"),
    [
        ("max_pool1d(x, 2)**2", "_np.maximum("),
        ("avg_pool1d(x, 2)**2", "_np.add("),
        ("max_pool1d(x, 3, stride=1)**2", "_np.maximum("),
    ],
)
def test_a_pool_compares_places_and_lays_out_no_windows(formula: str, operation: str) -> None:
    source = statements(formula, [2, 6])
    assert operation in source
    assert "_read(" not in source and "as_strided" not in source and "reduce(x" not in source
