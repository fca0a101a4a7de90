"""Matrix products as BLAS likes them: in which order, in blocks, and with what is read by columns copied once."""

from __future__ import annotations

import re

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.kernels.runtime import array_statements
from backpropsym.kernels.runtime.array_statements import block_of_product
from tests.derive.arrays.networks import numbers

LONG = [
    (8, 25, 36869),
    (25, 36871, 8),
    (16, 200, 4100),
    (205, 16, 4099),
    (1001, 10, 128),
    (4097, 784, 10),
    (10, 1001, 128),
]


@pytest.mark.parametrize("sizes", LONG, ids=str)
def test_blocks_are_the_whole_product(sizes: tuple[int, int, int]) -> None:
    rows, summed, columns = sizes
    assert block_of_product(*sizes)[1], "this product is cut"
    random = np.random.default_rng(0)
    left, right = random.standard_normal((rows, summed)), random.standard_normal((summed, columns))
    for first in (left, np.asfortranarray(left)):
        for second in (right, np.asfortranarray(right)):
            for out in (np.full((rows, columns), np.nan), np.full((columns, rows), np.nan).T):
                assert array_statements._in_blocks(first, second, out) is out
                np.testing.assert_allclose(out, left @ right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sizes", [(10, 10, 10), (100, 100, 100), (1000, 784, 128), (200, 4096, 16), (2, 10**6, 2000)])
def test_what_is_small_or_thick_is_not_cut(sizes: tuple[int, int, int]) -> None:
    assert block_of_product(*sizes) == ("", 0)


def test_a_block_is_a_small_product() -> None:
    random = np.random.default_rng(1)
    cut = 0
    for _ in range(300):
        rows, summed, columns = (int(each) for each in np.exp(random.uniform(0, 11, 3)))
        axis, block = block_of_product(rows, summed, columns)
        if block:
            cut += 1
            sizes = {"rows": rows, "summed": summed, "columns": columns}
            assert sizes[axis] >= block >= 64
            assert block * rows * summed * columns // sizes[axis] <= 10**6
    assert cut > 50


NETWORKS = {
    "wide": ("x[30] -> dense(120, tanh) -> dense(90, sigmoid) -> dense(70) -> layer_norm -> dense(3) -> mse", 5),
    "narrow": ("x[90] -> dense(12, tanh) -> dense(40, gelu) -> dense(2) -> mse", 600),
    "images": ("x[1,12,12] -> conv2d(4, 3) -> tanh -> avg_pool(2) -> conv2d(6, 2) -> flatten -> dense(3) -> mse", 70),
    "residual": ("x[80] -> residual(dense(200, tanh) -> dense(80)) -> layer_norm -> dense(2) -> mse", 3),
    "channels": (
        "x[3,6,6] -> conv2d(80, 3, padding=1) -> group_norm(groups=4) -> relu -> flatten -> dense(2) -> mse",
        3,
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_agree_with_the_reverse_sweep(name: str, dtype: type[np.floating]) -> None:
    """Layers wider than a batch, which lie in memory by features, and long thin ones, which come in blocks."""
    text, batch = NETWORKS[name]
    net = bp.parse(text)
    graph = net.graph
    values = {each: array.astype(dtype) for each, array in numbers(graph, np.random.default_rng(2), batch).items()}
    network = ArrayNetwork(graph, values, batch)
    value = network.forward("loss")
    adjoints = network.reverse("loss", np.full_like(value, 1.0 / batch, dtype=float))
    kernel = net.compile()
    tolerance = 1e-9 if dtype is np.float64 else 2e-3
    for _ in range(2):
        found, gradients = kernel(**values)
        assert found == pytest.approx(float(np.mean(value)), rel=tolerance)
        for parameter, gradient in gradients.items():
            scale = np.abs(adjoints[parameter]).max()
            np.testing.assert_allclose(gradient, adjoints[parameter], rtol=tolerance, atol=tolerance * scale)


def test_the_larger_matrix_of_two_read_by_columns_is_on_the_left() -> None:
    source = bp.parse("x[200] -> dense(300, relu) -> dense(10) -> mse").compile().source
    assert "(W1, x.T, " in source
    source = bp.parse("x[200] -> dense(8, relu) -> dense(10) -> mse").compile().source
    assert "(x, W1.T, " in source


def test_a_weight_of_every_step_is_read_by_rows() -> None:
    steps = "\n".join(f'h{k} = "tanh(U @ h{k - 1} + x[{k}])"' for k in range(1, 7))
    text = 'inputs = {x = [7, 90]}\nparameters = {U = [90, 90]}\noutput = "a"\n[nodes]\nh0 = "tanh(x[0])"\n'
    source = bp.loads(text + steps + '\na = "sum(h6)"').compile().source
    assert source.count("_np.copyto(") == 1 + source.count("_np.copyto(out, x)")
    assert "U.T, out=" not in source


@pytest.mark.parametrize(("steps", "copies"), [(3, 0), (4, 1)])
def test_a_copy_pays_from_four_products_on(steps: int, copies: int) -> None:
    """The products of U are those of the steps, as only the derivative by c, behind them, is asked for."""
    nodes = "\n".join(f'h{step} = "tanh(U @ h{step - 1})"' for step in range(1, steps + 1))
    text = 'inputs = {h0 = [90]}\nparameters = {U = [90, 90], c = [90]}\noutput = "a"\n[nodes]\n'
    source = bp.loads(f'{text}{nodes}\na = "sum(c*h{steps})"').compile(parameters=["c"]).source
    assert len(re.findall(r"_np\.copyto\(\w+, U\)", source)) == copies


@pytest.mark.parametrize(("rows", "columns", "copied"), [(50, 2, "B"), (2, 50, "A")])
def test_of_two_that_lie_in_different_orders_the_smaller_is_copied(rows: int, columns: int, copied: str) -> None:
    """A[a, i, j] and B[j, i, b] are matrices over i and j only if one of them is copied."""
    text = f"parameters = {{A = [{rows}, 3, 4], B = [4, 3, {columns}]}}\noutput = 'a'\n[nodes]\n"
    source = bp.loads(text + "s = 'einsum(\"aij,jib->ab\", A, B)'\na = 'sum(s*s)'\n").compile().source
    forward = source[source.index("# forward") : source.index("# derivatives")]
    assert re.findall(r"_np\.copyto\(\w+, (\w+)\)", forward) == [copied]


def test_a_sum_that_is_a_product_is_computed_once() -> None:
    """Over the batch, for a bias, and over pairs of entries: as a product with ones, and not again as a sum."""
    source = (
        bp.loads(
            'inputs = {x = [3]}\nparameters = {b = [3]}\noutput = "a"\n[nodes]\na = "sum(tanh(x + b)*exp(x + b))"\n'
        )
        .compile()
        .source
    )
    body = source[source.index("# forward") : source.index("return ", source.index("# forward"))]
    set_to = re.findall(r"^    (a|da_db\w*) = (_np\.\w+)", body, re.MULTILINE)
    assert [function for _, function in set_to] == ["_np.matmul", "_np.matmul"]
