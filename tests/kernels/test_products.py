"""What a kernel gives besides gradients: against finite differences, against single objects, and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import BackpropsymError
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Role
from backpropsym.kernels.api.compile import Kernel, compile_kernel
from backpropsym.spec.toml import parse_network
from tests.kernels.networks import dense, numbers_of
from tests.kernels.test_arrays import _convolution, _products

ARCHITECTURES = (
    "x[6] -> dense(5, sigmoid) -> layer_norm -> gelu -> dense(3) -> cross_entropy",
    "x[1,8,8] -> conv2d(2, 3) -> tanh -> max_pool(2) -> flatten -> dense(3) -> cross_entropy",
    "x[1,6,6] -> conv2d(2, 3, padding=1) -> softplus -> avg_pool(2) -> flatten -> dense(2) -> mse",
    "x[4] -> residual(dense(5, silu) -> dense(4)) -> softmax -> mse",
)
SMOOTH_FORMULAS = (
    "logsumexp(u*x)",
    "sum(var(outer(u, x), axis=1))",
    "norm(u + x)",
    "mean(max(outer(u, x), axis=0))",
    "sum(concat(tanh(u), x)*concat(x, u*u))",
    "sum(softmax(u*x)*log_softmax(x + u))",
    "sum(softplus(u - u + x - x))",
    "sum((outer(u, x) @ x)[1:3])",
    "u[0]*x[1]**3 + u[2]/(1 + x[0]**2)",
)


def network(formula: str) -> bp.Network:
    text = f'inputs = {{x = [4]}}\nparameters = {{u = [4]}}\noutput = "a"\n[nodes]\na = "{formula}"\n'
    return bp.loads(text.replace("outer(u, x)", "reshape(u, 4, 1)*reshape(x, 1, 4)"))


def numbers(net: Any, batch: int | None, seed: int = 0, dtype: type = float) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    lead = () if batch is None else (batch,)
    graph = getattr(net, "graph", net)
    found: dict[str, Any] = {}
    for node in graph.nodes.values():
        if node.op is None and node.role is not Role.CONSTANT:
            shape = (lead if node.role is not Role.PARAMETER else ()) + node.shape
            whole = node.role is Role.TARGET and not node.shape and graph.loss
            found[node.name] = random.integers(0, 2, shape) if whole else random.normal(size=shape).astype(dtype)
    return found


def nets() -> dict[str, Any]:
    found: dict[str, Any] = {text: bp.parse(text) for text in ARCHITECTURES}
    found |= {text: network(text) for text in SMOOTH_FORMULAS}
    found |= {f"convolution {seed}": parse_network(_convolution(np.random.default_rng(seed))) for seed in range(4)}
    found |= {f"products {seed}": parse_network(_products(np.random.default_rng(seed))) for seed in range(6)}
    return found | {"scalars": dense(3, 3)}


NETS = nets()


def compiled(net: Any) -> tuple[Any, Kernel]:
    graph = getattr(net, "graph", net)
    return graph, compile_kernel(graph)


def moving(graph: Any) -> tuple[str, ...]:
    """The leaves that may move: what chooses a class may not."""
    return graph.names(Role.INPUT, Role.PARAMETER)


def directions(values: dict[str, Any], leaves: tuple[str, ...], seed: int = 9) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=np.shape(values[name])) for name in leaves}


def along(values: dict[str, Any], tangents: dict[str, Any], step: float) -> dict[str, Any]:
    return {name: each + step * tangents[name] if name in tangents else each for name, each in values.items()}


def inner(left: dict[str, Any], right: dict[str, Any]) -> float:
    return float(sum(np.sum(left[name] * right[name]) for name in right))


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("name", NETS)
def test_tangents_and_cotangents_are_dual_and_agree_with_differences(name: str, batch: int | None) -> None:
    graph, kernel = compiled(NETS[name])
    values = numbers(graph, batch)
    tangents = directions(values, moving(graph))
    nodes = tuple(dict.fromkeys((graph.output, graph.objective)))
    pushed = kernel.jvp(values, tangents, nodes)
    cotangents = directions(kernel.intermediates(values, nodes), nodes)
    pulled = kernel.vjp(values, cotangents, tuple(tangents))
    assert inner(cotangents, pushed) == pytest.approx(inner(pulled, tangents), rel=1e-9, abs=1e-9)
    ahead = kernel.intermediates(along(values, tangents, 1e-6), nodes)
    behind = kernel.intermediates(along(values, tangents, -1e-6), nodes)
    for node in nodes:
        numeric = (np.asarray(ahead[node]) - behind[node]) / 2e-6
        np.testing.assert_allclose(pushed[node], numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("name", NETS)
def test_hessian_products_agree_with_differences_of_gradients(name: str, batch: int | None) -> None:
    graph, kernel = compiled(NETS[name])
    values = numbers(graph, batch, seed=3)
    leaves = moving(graph)
    direction = directions(values, leaves)
    found = kernel.hvp(values, direction, leaves)
    ahead = kernel.gradients(along(values, direction, 1e-6), leaves)[1]
    behind = kernel.gradients(along(values, direction, -1e-6), leaves)[1]
    for leaf in leaves:
        numeric = (np.asarray(ahead[leaf]) - behind[leaf]) / 2e-6
        scale = max(1.0, float(np.max(np.abs(numeric))))
        np.testing.assert_allclose(found[leaf], numeric, rtol=1e-4, atol=2e-6 * scale)
    other = directions(values, leaves, seed=11)
    crossed = inner(kernel.hvp(values, other, leaves), direction)
    assert inner(found, other) == pytest.approx(crossed, rel=1e-8, abs=1e-8)


def test_hessian_products_are_those_of_the_gradient_network() -> None:
    net = bp.parse("x[2] -> dense(3, tanh) -> dense(1) -> mse")
    values = numbers(net, None)
    kernel = net.compile()
    columns = [kernel.hvp(values, {"W1": unit}, "W1")["W1"].ravel() for unit in np.eye(6).reshape(6, 3, 2)]
    second = np.asarray(net.hessian("loss", wrt="W1").evaluate(**values), float).reshape(6, 6)
    np.testing.assert_allclose(np.array(columns), second, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NETS)
def test_each_object_has_the_gradients_it_has_alone(name: str) -> None:
    graph, kernel = compiled(NETS[name])
    values, leaves = numbers(graph, 3), moving(graph)
    value, gradients = kernel.per_object(values, leaves)
    mean, summed = kernel(**values)
    assert np.mean(value) == pytest.approx(mean)
    for leaf, gradient in summed.items():
        np.testing.assert_allclose(np.mean(gradients[leaf], axis=0), gradient, rtol=1e-9, atol=1e-11)
    varying = graph.names(Role.INPUT, Role.TARGET)
    for index in range(3):
        alone = {each: array[index] if each in varying else array for each, array in values.items()}
        expected = kernel.gradients(alone, leaves)
        assert value[index] == pytest.approx(expected[0])
        for leaf in leaves:
            np.testing.assert_allclose(gradients[leaf][index], expected[1][leaf], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("name", [*ARCHITECTURES, "products 0", "products 3", "scalars"])
def test_rows_and_columns_of_jacobians_are_products(name: str, batch: int | None) -> None:
    graph, kernel = compiled(NETS[name])
    values = numbers(graph, batch)
    node = graph.output
    for leaf in moving(graph)[:4]:
        tangents = directions(values, (leaf,))
        found = np.asarray(kernel.jacobian(values, node, leaf))
        rank = len(graph[leaf].shape)
        objects = () if batch is None or node not in graph.batched else (batch,)
        assert found.shape == (*objects, *graph[node].shape, *graph[leaf].shape)
        rows = found.reshape((*objects, -1, int(np.prod(graph[leaf].shape))))
        lead = np.ndim(values[leaf]) > rank
        moved = np.reshape(tangents[leaf], (batch, -1) if lead and objects else (-1,))
        pushed = np.einsum("nij,nj->ni", rows, moved) if lead and objects else rows @ moved
        expected = np.reshape(kernel.jvp(values, tangents, node)[node], pushed.shape)
        np.testing.assert_allclose(pushed, expected, rtol=1e-9, atol=1e-10)


def test_a_tall_and_a_wide_jacobian_by_hand() -> None:
    text = 'inputs = {x = [3]}\nparameters = ["w"]\noutput = "a"\n[nodes]\nh = "w*x**2"\na = "sum(h)"\n'
    kernel = bp.loads(text).compile()
    values = {"x": np.array([1.0, 2.0, 3.0]), "w": 2.0}
    np.testing.assert_array_equal(kernel.jacobian(values, "h", "w"), [1.0, 4.0, 9.0])
    np.testing.assert_array_equal(kernel.jacobian(values, "h", "x"), np.diag([4.0, 8.0, 12.0]))
    np.testing.assert_array_equal(kernel.jacobian(values, "a", "x"), [4.0, 8.0, 12.0])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_single_precision_stays_single_and_arrays_stay_as_they_are(name: str) -> None:
    graph, kernel = compiled(NETS[name])
    values = numbers(graph, 3, dtype=np.float32)
    kept = {each: np.copy(array) for each, array in values.items()}
    for array in values.values():
        array.flags.writeable = False
    leaves = moving(graph)
    tangents = {each: array.astype(np.float32) for each, array in directions(values, leaves).items()}
    found = {**kernel.hvp(values, tangents, leaves), **kernel.jvp(values, tangents, graph.output)}
    found |= {f"object {each}": array for each, array in kernel.per_object(values)[1].items()}
    found |= {f"J {each}": kernel.jacobian(values, graph.output, each) for each in leaves[:2]}
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    for each, array in values.items():
        np.testing.assert_array_equal(array, kept[each])


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, ">f8", ">f4"])
def test_floats_of_every_length(dtype: Any) -> None:
    """Half and extended precision, and floats of the other byte order, choose between branches as doubles do."""
    graph, kernel = compiled(bp.parse("x[3] -> dense(4, relu) -> dense(3, leaky_relu) -> dense(2) -> mse"))
    values = numbers(graph, 3)
    leaves = moving(graph)
    expected = kernel.gradients(values, leaves)[1]
    given = {name: array.astype(dtype) for name, array in values.items()}
    for name, gradient in kernel.gradients(given, leaves)[1].items():
        assert gradient.dtype == np.dtype(dtype).newbyteorder("=")
        tolerance = 0.05 if dtype is np.float16 else 1e-5
        np.testing.assert_allclose(np.asarray(gradient, float), expected[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("part", [None, 2])
@pytest.mark.parametrize("weak", [0.5, 1, [0.5, 2], (1, 2)], ids=repr)
def test_numbers_of_python_leave_the_precision_to_arrays(weak: Any, part: int | None) -> None:
    """As in NumPy: a Python number, or a list of them, takes the type of the arrays that it meets."""
    shape = [2] if isinstance(weak, list | tuple) else []
    net = bp.loads(
        f'inputs = {{x = [2]}}\nparameters = {{w = {shape}, v = [2]}}\noutput = "a"\n[nodes]\na = "sum(tanh(w*x*v))"\n'
    )
    kernel, array = net.compile(objects_at_once=part), np.ones((5, 2), np.float32)
    values = {"x": array, "w": weak, "v": array[0]}
    leaves, moved = ["x", "w", "v"], {"w": weak, "x": [1.0, 2.0]}
    found = [*kernel(**values)[1].values(), *kernel.gradients(values, leaves)[1].values()]
    found += [*kernel.per_object(values, leaves)[1].values(), *kernel.intermediates(values).values()]
    found += [*kernel.jvp(values, moved).values(), *kernel.hvp(values, moved, leaves).values()]
    found += [*kernel.vjp(values, {"a": 1.0}, leaves).values(), kernel.jacobian(values, "a", "w")]
    assert {each.dtype for each in found if isinstance(each, np.ndarray)} == {np.dtype(np.float32)}
    double = [*kernel(**{**values, "v": array[0].astype(float)})[1].values()]
    assert {each.dtype for each in double if isinstance(each, np.ndarray)} == {np.dtype(np.float64)}


def test_an_input_shared_by_all_objects_has_one_derivative() -> None:
    net = parse_network('inputs = ["x", "z"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "tanh(w*x*z)"\n')
    kernel = compile_kernel(net)
    values = {"x": np.array([0.5, -1.0, 2.0]), "z": 0.7, "w": 1.3}
    slope = 1 - np.tanh(1.3 * 0.7 * values["x"]) ** 2
    _, gradients = kernel.gradients(values, ["x", "z"])
    np.testing.assert_allclose(gradients["x"], slope * 0.91 / 3)
    assert gradients["z"] == pytest.approx(np.mean(slope * 1.3 * values["x"]))
    np.testing.assert_allclose(kernel.per_object(values, "z")[1]["z"], slope * 1.3 * values["x"])
    assert kernel.vjp(values, {"a": np.ones(3)}, "z")["z"] == pytest.approx(np.sum(slope * 1.3 * values["x"]))


def test_nodes_by_name_are_those_of_the_network() -> None:
    net = bp.example("lecture")
    kernel, values = net.compile(), dict(net.values)
    found = kernel.intermediates(values)
    assert list(found) == ["s1", "s2", "z1", "z2", "u1", "u2", "h1", "h2", "a", "loss"]
    assert found == {name: forward(net.graph, values, "loss")[name] for name in found}
    batch = kernel.intermediates({**values, "x1": np.array([1.0, -2.0])}, ["z1", "a"])
    assert {name: np.shape(each) for name, each in batch.items()} == {"z1": (2,), "a": (2,)}
    assert batch["a"][0] == kernel.intermediates({**values, "x1": 1.0}, "a")["a"]


def test_functions_that_hide_registered_ones_do_not_reach_derivatives() -> None:
    text = 'inputs = {x = [3]}\nparameters = {u = [3]}\noutput = "a"\n[functions]\nexp = "x**3"\n[nodes]\n'
    graph = parse_network(text + 'a = "logsumexp(u*x)"\n')
    kernel, values = compile_kernel(graph), numbers(graph, None)
    gradient = kernel(**values)[1]["u"]
    assert kernel.jvp(values, {"u": np.ones(3)})["a"] == pytest.approx(np.sum(gradient))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda k, v: k.gradients(v, "w12x"), "no input, target or parameter is called 'w12x'"),
        (lambda k, v: k.gradients(v, "a"), "no input, target or parameter is called 'a'"),
        (lambda k, v: k.jvp(v, {}), "no direction"),
        (lambda k, v: k.jvp(v, {"w11": [1.0, 2.0]}), "has the shape"),
        (lambda k, v: k.vjp(v, {"b": 1.0}), "no node is called 'b'"),
        (lambda k, v: k.vjp(v, {"a": [[1.0]]}), "cotangent_a has the shape"),
        (lambda k, v: k.jacobian(v, "a", "nothing"), "no input, target or parameter"),
        (lambda k, v: k.jacobian({}, "a", "w11"), "no value is given"),
        (lambda k, v: k.hvp({**v, "x1": "text"}, {"w11": 1.0}), "x1 is not"),
        (lambda k, v: k.per_object({**v, "unknown": 1.0}), "unknown"),
    ],
)
def test_mistakes(call: Any, message: str) -> None:
    net = bp.example("lecture")
    with pytest.raises(BackpropsymError, match=message):
        call(net.compile(), dict(net.values))


def test_many_scalars() -> None:
    graph = dense(6, 5)
    values = numbers_of(graph, 1)
    kernel = compile_kernel(graph)
    gradients = kernel(**values)[1]
    direction = {name: 1.0 for name in gradients}
    assert kernel.jvp(values, direction)[graph.objective] == pytest.approx(sum(gradients.values()), rel=1e-10)
