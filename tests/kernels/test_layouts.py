"""How arrays lie in memory: what the printer of NumPy counts on, looked up in the arrays of a call."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.graph.graph import Graph, Role
from backpropsym.kernels.backends.numpy.data_movement import MOVES
from backpropsym.kernels.backends.numpy.function import TensorFunction
from backpropsym.kernels.backends.numpy.matrix_products import write_product
from backpropsym.kernels.backends.numpy.module import array_module
from backpropsym.kernels.backends.numpy.storage import Layout
from backpropsym.kernels.backends.numpy.writer import ArrayWriter
from backpropsym.kernels.backends.task import Options, Task
from backpropsym.kernels.ir.array_operations import Product
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers
from tests.kernels.random_rows import recurrent
from tests.kernels.random_views import random_views

ARCHITECTURES = (
    "x[5] -> dense(4, gelu) -> layer_norm -> dense(3) -> cross_entropy",
    "x[2,6,6] -> conv2d(3, 3, padding=1) -> relu -> max_pool(2) -> flatten -> dense(2) -> mse",
    "x[4,6] -> attention(2) -> flatten -> dense(2) -> mse",
    "x[4,3] -> gru(2) -> dense(2) -> mse",
    "x[1,6,6] -> batch_norm -> avg_pool(2) -> flatten -> dense(2, softmax) -> mse",
)
NETWORKS: dict[str, Callable[[], Graph]] = {text: lambda text=text: bp.parse(text).graph for text in ARCHITECTURES}
NETWORKS |= {
    f"views {seed}": lambda seed=seed: parse_network(random_views(np.random.default_rng(seed), equal=False))
    for seed in range(25)
}
NETWORKS |= {
    f"recurrent {seed}": lambda seed=seed: parse_network(recurrent(np.random.default_rng(seed))) for seed in range(3)
}


def problems(layout: Layout, array: Any) -> Iterator[str]:
    """What an array is not that its layout says."""
    part = array.transpose(layout.order)
    sizes = [(step, size) for step, size in zip(part.strides, part.shape, strict=True) if size > 1]
    if layout.dense and any(slow != fast * size for (slow, _), (fast, size) in itertools.pairwise(sizes)):
        yield "it has gaps"
    if layout.unit and part.shape[-1:] != (1,) and part.ndim and part.strides[-1] != array.itemsize:
        yield "neighbours are apart"


def arrays_of_a_call(graph: Graph, batch: int) -> tuple[ArrayWriter, dict[str, Any]]:
    """The writer of a kernel, and what its names stand for at the end of a call."""
    task = Task(graph, Options("reverse", "default", graph.names(Role.PARAMETER), "numpy", None))
    writer = ArrayWriter(*task.array_program, graph.nodes, {**MOVES, Product: write_product})
    writer.written()
    function = TensorFunction(array_module(graph, task.array_program, task.names), task.names, graph)
    found: dict[str, Any] = {}

    def at_the_end(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is function.arrays.__code__:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(at_the_end)
    try:
        leaves = numbers(graph, np.random.default_rng(0), batch)
        function.call({name: leaves[name] for name in task.names.needed})
    finally:
        sys.setprofile(before)
    return writer, found


def compared(writer: ArrayWriter, found: dict[str, Any]) -> Iterator[tuple[int, Layout, Any]]:
    """Every value that has a name in a call, with its layout and its array."""
    for position, layout in writer.layouts.items():
        name = writer.pieces[position].text if position in writer.pieces else ""
        if layout is not None and name in found and isinstance(found[name], np.ndarray):
            yield position, layout, found[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_lie_as_the_printer_says(name: str) -> None:
    graph = NETWORKS[name]()
    seen = 0
    for batch in (1, 3):
        writer, found = arrays_of_a_call(graph, batch)
        for position, layout, array in compared(writer, found):
            assert sorted(layout.order) == list(range(array.ndim)), writer.items[position]
            wrong = list(problems(layout, array))
            assert not wrong, f"{writer.pieces[position].text}, {writer.items[position]}: {wrong}, {layout}"
            seen += 1
    assert seen > 6


def test_a_wrong_layout_is_seen() -> None:
    """The same comparison finds axes that are taken for each other, gaps, and steps that are not one entry."""
    array = np.zeros((2, 3, 4))
    assert not list(problems(Layout((0, 1, 2)), array))
    assert list(problems(Layout((0, 2, 1)), array)) == ["it has gaps", "neighbours are apart"]
    assert list(problems(Layout((0, 1, 2)), array[:, ::2])) == ["it has gaps"]
    assert list(problems(Layout((0, 1, 2), dense=False), array[:, :, ::2])) == ["neighbours are apart"]
