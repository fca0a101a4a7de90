"""What a kernel of tensors must not confuse: axes that were dropped, entries that were set, terms that were added."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from backpropsym.checks.check import check_graph
from backpropsym.errors import ShapeError, ValuesError
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.graph.graph import Graph
from backpropsym.kernels.api.compile import ACCURACIES, Kernel, compile_kernel
from backpropsym.kernels.backends.numpy.storage import Layout, picked_layout
from backpropsym.kernels.ir.array_operations import ALL
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers
from tests.kernels.random_views import SYMBOLS, random_views, symbolic


def _network(declarations: str, **formulas: str) -> Graph:
    """A network from its declarations and the formulas of its nodes, the last one its output."""
    nodes = [f"{name} = '{formula}'" for name, formula in formulas.items()]
    return parse_network("\n".join([declarations, f'output = "{list(formulas)[-1]}"', "[nodes]", *nodes]))


def _agrees(
    graph: Graph, values: dict[str, Any], batch: int | None = None, kernel: Kernel | None = None, **options: Any
) -> None:
    """Value and gradients, by default of the graph's own kernel, are those of the reverse sweep."""
    network = ArrayNetwork(graph, values, batch)
    value = network.forward(graph.objective)
    adjoints = network.reverse(graph.objective, np.full_like(value, 1.0 / np.size(value), dtype=float))
    found, gradients = (kernel or compile_kernel(graph, **options))(**values)
    assert found == pytest.approx(float(np.mean(value)), rel=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, adjoints.get(name, 0.0), rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3, 3), (3, 4)])
def test_an_axis_dropped_by_one_reduction_is_not_that_of_another(shape: tuple[int, ...]) -> None:
    """The adjoint of the sum over one axis is a logsumexp over another: equal sizes hide which axis is missing."""
    rank = len(shape)
    for first in range(rank):
        for second in range(rank):
            left = [shape[axis] for axis in range(rank) if axis != first]
            other = [*left[:second], 5 if second != first else shape[first], *left[second:]]
            declarations = f"parameters = {{X = {list(shape)}, Z = {other}}}"
            graph = _network(declarations, l=f"sum(logsumexp(X, axis={first})*sum(Z*Z, axis={second}))")
            _agrees(graph, numbers(graph, np.random.default_rng(0), None))


def test_crossed_reductions_of_square_matrices() -> None:
    graph = _network("parameters = {X = [2, 2], Z = [2, 2]}", l="sum(logsumexp(X, axis=0)*sum(Z, axis=1))")
    _, gradients = compile_kernel(graph)(X=[[0.0, 5.0], [0.0, 5.0]], Z=np.zeros((2, 2)))
    low, high = np.log(2.0), np.log(2.0) + 5.0
    np.testing.assert_allclose(gradients["Z"], [[low, low], [high, high]], rtol=1e-14)


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ('["n"]', "w[1]"),
        ('["n"]', "w[-1]"),
        ('["n"]', "sum(w[1:]*w[1:])"),
        ('["n"]', "sum(w[:-1]*w[1:])"),
        ('["n", 2]', "sum(w[1]*w[0])"),
        ('["n", 2]', "w[0, 0] + 2*w[0, 1]"),
        ('[3, "n"]', "sum(w[::2]) + w[0, 1]"),
        ('[3, "n"]', "sum(w[::-1]*w)"),
        ("[5]", "sum(w[::2]*w[0:3])"),
        ("[5]", "sum(w[3:0:-1])"),
        ("[4, 4]", "sum(w[::-2, 1])"),
        ('["n", 2]', "sum(concat(w[0], flatten(w))**2)"),
    ],
)
def test_entries_that_nothing_reads_have_the_derivative_zero(shape: str, part: str, unset_memory_is_nan: None) -> None:
    """Memory of a result that nobody sets would hold what was there before."""
    graph = _network(f"parameters = {{w = {shape}}}", a=part)
    sizes = {"n": 4}
    own = tuple(sizes.get(str(size), size) for size in graph["w"].shape)
    w = np.random.default_rng(0).normal(size=own)
    network = ArrayNetwork(graph.sized(sizes), {"w": w})
    expected = network.reverse("a", network.forward("a") * 0 + 1.0)["w"]
    np.testing.assert_allclose(compile_kernel(graph)(w=w)[1]["w"], expected, rtol=1e-12, atol=0)


def test_every_slice_is_that_of_numpy(unset_memory_is_nan: None) -> None:
    """All slices of an axis of four, forwards and backwards, from the end and beyond it."""
    ends, w = (None, -5, -4, -1, 0, 1, 3, 4, 6), np.arange(1.0, 9.0).reshape(4, 2)
    slices = [slice(*each) for each in itertools.product(ends, ends, (None, 2, 5, -1, -2, -3))]
    slices = [each for each in slices if len(range(4)[each])]
    texts = [":".join("" if end is None else str(end) for end in (each.start, each.stop, each.step)) for each in slices]
    formulas = {f"s{index}": f"w[{text}]" for index, text in enumerate(texts)}
    terms = [f"{index + 1}*sum({name}*{name})" for index, name in enumerate(formulas)]
    sums = {f"t{start}": " + ".join(terms[start : start + 50]) for start in range(0, len(terms), 50)}
    kernel = compile_kernel(_network("parameters = {w = [4, 2]}", **formulas, **sums, l=" + ".join(sums)))
    found = kernel.intermediates({"w": w}, list(formulas))
    for name, text, each in zip(formulas, texts, slices, strict=True):
        np.testing.assert_array_equal(found[name], w[each], err_msg=text)
    expected = np.zeros((4, 2))
    for index, each in enumerate(slices):
        expected[each] += 2 * (index + 1) * w[each]
    np.testing.assert_allclose(kernel(w=w)[1]["w"], expected, rtol=1e-13)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_layout_of_a_part_is_how_numpy_has_it_in_memory(order: tuple[int, ...]) -> None:
    """An array of 4 by 4 by 4 with its axes in memory in `order`, and every part of it: rows, ranges and steps."""
    array = np.empty((4, 4, 4)).transpose(np.argsort(order))
    for items in itertools.product([ALL, 1, (0, 2, 1), (0, 4, 2), (3, None, -1)], repeat=3):
        layout = picked_layout(Layout(order), items)
        part = array[tuple(item if isinstance(item, int) else slice(*item) for item in items)].transpose(layout.order)
        neighbours = itertools.pairwise(zip(part.strides, part.shape, strict=True))
        steps = [(slow, fast * size) for (slow, _), (fast, size) in neighbours]
        assert all(slow == fast for slow, fast in steps) or not layout.dense, f"{items} has gaps"
        assert all(abs(slow) >= abs(fast) for slow, fast in steps), f"{items} lies in another order"
        assert (part.strides[-1:] == (array.itemsize,)) == (layout.unit and part.ndim > 0)
        only_first = all(items[axis] == ALL for axis in order[1:]) and items[order[0]] in (ALL, 1, (0, 2, 1))
        assert layout.dense == only_first


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("view", ["A[::-1]", "A[::2]", "A[3:0:-1]", "A[:, ::-1]", "A[::-1, ::2]", "A[0::-1]"])
def test_a_derivative_is_set_through_the_view_that_reads_its_parameter(
    view: str, batch: int | None, unset_memory_is_nan: None
) -> None:
    """Rows in another order cannot become one axis without a copy, which would be set in the place of the result."""
    rows = {"A[::2]": 2, "A[3:0:-1]": 3, "A[0::-1]": 1}.get(view, 4)
    columns = 2 if ", ::2" in view else 3
    declarations = f"inputs = {{x = [{rows}, {columns}]}}\nparameters = {{A = [4, 3]}}"
    graph = _network(declarations, h=f"{view}*x", l="sum(h*h) + sum(h)")
    _agrees(graph, numbers(graph, np.random.default_rng(0), batch), batch)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("seed", range(30))
def test_random_views(seed: int, equal: bool, unset_memory_is_nan: None) -> None:
    graph = parse_network(random_views(np.random.default_rng(seed), equal))
    for batch in (None, 3):
        _agrees(graph, numbers(graph, np.random.default_rng(seed), batch), batch)


def test_random_views_of_symbolic_sizes(unset_memory_is_nan: None) -> None:
    """Those that are not refused: many, as an axis of symbolic size has few slices and reshapes."""
    compared = 0
    for seed in range(480, 560):
        text = symbolic(random_views(np.random.default_rng(seed), equal=False))
        try:
            graph = parse_network(text)
        except ShapeError:
            continue
        numbered = graph.sized(SYMBOLS)
        values = numbers(numbered, np.random.default_rng(seed), 3)
        _agrees(numbered, values, 3, kernel=compile_kernel(graph))
        compared += 1
    assert compared >= 20


def test_rows_of_an_axis_that_is_split_into_symbolic_sizes() -> None:
    declarations = 'parameters = {w = ["n*m"], v = ["n*m"], u = ["n", "m"]}'
    graph = _network(declarations, h="reshape(w*v + w, n, m)", a="sum(h[0]*h[1]) + sum(u)")
    (w, v), u = np.random.default_rng(0).normal(size=(2, 6)), np.zeros((2, 3))
    value, gradients = compile_kernel(graph)(w=w, v=v, u=u)
    rows = (w * v + w).reshape(2, 3)
    assert value == pytest.approx(rows[0] @ rows[1])
    np.testing.assert_allclose(gradients["v"], w * rows[::-1].ravel())


@pytest.mark.parametrize(
    "formulas",
    [
        {"h": "w**0", "l": "sum(h)*s + sum(x)"},
        {"h": "x**0", "k": "h[1] + h[::-1]", "l": "sum(k*w)"},
        {"h": "w**0", "l": "sum(W@h) + max(h)*s + logsumexp(x*h)"},
        {"h": "w**0", "l": "sum(softmax(h)*w) + sum(concat(h, x)*concat(w, x))"},
        {"h": "where(1 > 0, s, w)", "l": "sum(h) + sum(W@h)"},
        {"h": "where(x > 0, s, s)", "l": "mean(h*h) + sum(W@h)"},
        {"h": "reshape(s, 1, 1)", "l": "sum(h@h) + sum(h*w*x)"},
        {"h": 'einsum("ii->", W@transpose(W))', "l": "h*s"},
    ],
)
def test_a_node_whose_formula_is_simpler_than_its_shape(formulas: dict[str, str]) -> None:
    """x**0 is 1, and still has the axes of x."""
    graph = _network("inputs = {x = [3]}\nparameters = {w = [3], W = [2, 3], s = []}", **formulas)
    for batch in (None, 1, 3):
        _agrees(graph, numbers(graph, np.random.default_rng(0), batch), batch)


RECURRENT = """
inputs = {x = [3, 2]}
parameters = {W = [2, 2], b = [2], v = [2]}
loss = "sum(h*v)"
"""


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_one_weight_for_the_input_and_the_state_of_a_recurrent_layer(batch: int | None, accuracy: str) -> None:
    """The products of both uses share a stack of adjoints, which has each step twice."""
    by_layer = _network(RECURRENT, h="rnn(x, W, W, b)")
    steps = {f"h{step}": f"tanh(W@x[{step}] + {f'W@h{step - 1} + ' if step else ''}b)" for step in range(3)}
    by_hand = _network(RECURRENT.replace("h*v", "h2*v"), **steps)
    for graph in (by_layer, by_hand):
        _agrees(graph, numbers(graph, np.random.default_rng(1), batch), batch, accuracy=accuracy)


def test_the_second_derivative_of_a_recurrent_layer_with_one_weight() -> None:
    graph = _network(RECURRENT.replace("h*v", "h*x"), h="rnn(x, W, W, b)")
    values = numbers(graph, np.random.default_rng(2), None)
    kernel, step = compile_kernel(graph), 1e-5
    direction = {name: np.random.default_rng(3).normal(size=values[name].shape) for name in ("x", "W", "b")}
    found = kernel.hvp(values, direction)
    above, below = (
        kernel(**values | {name: values[name] + sign * step * each for name, each in direction.items()})[1]
        for sign in (1, -1)
    )
    for name, each in found.items():
        np.testing.assert_allclose(each, (above[name] - below[name]) / (2 * step), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 1, 3, 4), (1, 2, 4, 2)),
        ((1, 3, 4), (2, 4, 2)),
        ((2, 3, 4), (1, 4, 2)),
        ((1, 3, 4), (1, 4, 2)),
        ((1, 1, 3, 4), (5, 4, 2)),
        ((4,), (1, 4, 2)),
        ((2, 1, 3, 4), (4,)),
    ],
)
def test_matrix_products_broadcast_their_leading_axes(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    shape = np.shape(np.empty(left) @ np.empty(right))
    declarations = f"inputs = {{A = {list(left)}}}\nparameters = {{B = {list(right)}, C = {list(shape)}}}"
    graph = _network(declarations, l="sum(C*(A@B)*(A@B))")
    for batch in (None, 3):
        values = numbers(graph, np.random.default_rng(0), batch)
        _agrees(graph, values, batch)
        objects = values["A"] if batch else [values["A"]]
        expected = np.mean([np.sum(values["C"] * (each @ values["B"]) ** 2) for each in objects])
        assert compile_kernel(graph)(**values)[0] == pytest.approx(expected, rel=1e-12)
    assert check_graph(graph, seed=0).passed


def test_a_letter_of_einsum_is_not_that_of_the_batch() -> None:
    graph = _network("inputs = {x = [2, 3]}\nparameters = {W = [3, 2]}", l='sum(einsum("Zi,ij->Zj", x, W)**2)')
    _agrees(graph, numbers(graph, np.random.default_rng(0), 2), 2)
    with pytest.raises(ShapeError, match="einsum names axes by letters, found '1'"):
        _network("parameters = {W = [3, 2]}", l='sum(einsum("1i->i", W))')


@pytest.mark.parametrize(
    ("w", "v", "formula"),
    [("[1, 1]", "[1]", "w + logsumexp(v, axis=0)"), ("[3, 1]", "[1]", "w + v[0]"), ("[2, 3]", "[1, 3]", "w + v[0]")],
)
def test_what_is_added_to_a_row_may_have_more_axes_than_the_row(w: str, v: str, formula: str) -> None:
    graph = _network(f"parameters = {{w = {w}, v = {v}}}", h=formula, l="sum(h*h)")
    _agrees(graph, numbers(graph, np.random.default_rng(0), None))


def test_a_parameter_without_use_must_be_given_where_only_it_has_a_size() -> None:
    graph = _network('parameters = {w = ["n"], u = ["k"], s = ["n"]}', l="sum(tanh(w))")
    kernel = compile_kernel(graph)
    _, gradients = kernel(w=[1.0, 2.0], u=[1.0, 2.0, 3.0])
    assert gradients["u"].tolist() == [0.0] * 3 and gradients["s"].tolist() == [0.0] * 2
    with pytest.raises(ValuesError, match="no value is given for u"):
        kernel(w=[1.0, 2.0])
    assert list(compile_kernel(graph, parameters=["w"])(w=[1.0, 2.0])[1]) == ["w"]


@pytest.mark.parametrize("layer", ["conv1d(x, K)", "conv_transpose1d(x, K)"])
def test_symbolic_channels_are_refused(layer: str) -> None:
    with pytest.raises(ShapeError, match="needs sizes in numbers"):
        _network('parameters = {x = ["c", 5], K = ["c", "d", 2]}', l=f"sum({layer})")
