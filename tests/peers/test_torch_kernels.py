"""Kernels on tensors: the same program, printed for PyTorch, against the plain truth and the kernel of NumPy."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import backpropsym as bp
from backpropsym.errors import BackpropsymError, UnknownNameError, ValuesError
from backpropsym.evaluate.differences import complex_step
from backpropsym.evaluate.reference import Reference
from backpropsym.kernels.api.compile import Kernel, compile_kernel
from backpropsym.kernels.backends.torch.dialect import _RULES
from backpropsym.kernels.ir import verifier
from backpropsym.ops.function import FUNCTIONS
from tests.peers.cases import BY_FORMULA, Case, batched_network, drawn_shapes, drawn_values, network
from tests.stream.generate import seeded


def assert_same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found[0], expected[0], rtol=tolerance, atol=1e-12)
    assert list(found[1]) == list(expected[1])
    for name, gradient in expected[1].items():
        np.testing.assert_allclose(found[1][name], gradient, rtol=tolerance, atol=1e-12, err_msg=name)


def kernels(net: bp.Network) -> tuple[Kernel, Kernel]:
    return bp.compile(net, engine="torch"), bp.compile(net)


def drawn(net: bp.Network, seed: int = 0, batch: int | None = None) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    leaves = {name: ((batch,) if batch else ()) + shape for name, shape in (net.inputs | net.targets).items()}
    return {name: random.normal(size=shape) for name, shape in (leaves | net.parameters).items()}


def test_every_operation_has_a_rule() -> None:
    assert set(_RULES) == set(verifier._RULES)


@pytest.mark.parametrize("case", BY_FORMULA.values(), ids=BY_FORMULA)
def test_a_case_is_the_plain_truth(case: Case) -> None:
    """Values of the reference interpreter, and differences of them; no rule of a kernel is used for either."""
    random = np.random.default_rng(7)
    shapes = drawn_shapes(case, random)
    graph = network(case, shapes)
    values = {**drawn_values(case, shapes, random), "weights": random.normal(size=graph["weights"].shape)}
    expected = complex_step(graph, values, "total", [name for name in shapes if name not in case.constant])
    value, gradients = compile_kernel(graph, engine="torch")(**values)
    assert_same((value, gradients), (Reference(graph, values).array("total"), expected))


@pytest.mark.parametrize("case", BY_FORMULA.values(), ids=BY_FORMULA)
def test_a_batch_is_that_of_numpy(case: Case) -> None:
    random = np.random.default_rng(8)
    shapes = drawn_shapes(case, random)
    graph = batched_network(case, shapes)
    own = {name: name for name in case.constant} | {f"{name}_in": name for name in shapes if name not in case.constant}
    columns = [drawn_values(case, shapes, random) for _ in range(3)]
    values: dict[str, Any] = {called: np.stack([each[name] for each in columns]) for called, name in own.items()}
    values |= {f"{name}_own": np.zeros(shape) for name, shape in shapes.items() if name not in case.constant}
    values["weights"] = random.normal(size=graph["weights"].shape)
    assert_same(compile_kernel(graph, engine="torch")(**values), compile_kernel(graph)(**values))


SPECIAL = (np.nan, 0.0, -0.0, np.inf, -np.inf, 1000.0, -1000.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_where_it_is_probed_and_where_it_is_no_number(name: str) -> None:
    function = FUNCTIONS[name]
    points = [*function.probes, *[(special,) * len(function.required) for special in SPECIAL]]
    for count in {len(point) for point in points}:
        chosen = [point for point in points if len(point) == count]
        inputs = {f"x{slot}": np.array(column) for slot, column in enumerate(zip(*chosen, strict=True))}
        first, *others = [f"w*{each}" for each in inputs]
        arguments = ", ".join([f"{first} > 0" if name == "where" else first, *others])
        declared = ", ".join(f"{each} = [{len(chosen)}]" for each in inputs)
        head = f'inputs = {{{declared}}}\nparameters = {{w = [{len(chosen)}]}}\noutput = "a"\n[nodes]\n'
        ours, theirs = kernels(bp.loads(f'{head}z = "{name}({arguments})"\na = "sum(z)"\n'))
        values = {**inputs, "w": np.ones(len(chosen))}
        assert_same(ours(**values), theirs(**values))
        finite = {each: np.where(np.isfinite(column), column, 0.5) for each, column in values.items()}
        assert_same(ours(**finite), theirs(**finite))


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int) -> None:
    case = seeded(seed)
    try:
        ours, theirs = kernels(case.net)
    except BackpropsymError:
        return
    values = {leaf.name: np.asarray(leaf.value, float) for leaf in case.leaves if leaf.name in ours.names}
    assert_same(ours(**values), theirs(**values))


SYMBOLIC = """
inputs = {x = ["n"], y = ["m"]}
parameters = {W = ["k", "n"], v = ["m"]}
output = "a"
[nodes]
h = "concat(tanh(W @ x), y*v)"
a = "mean(h*h)"
"""


def test_symbolic_sizes_come_from_the_tensors() -> None:
    ours, theirs = kernels(bp.loads(SYMBOLIC))
    random = np.random.default_rng(0)
    for n, m, k in ((2, 3, 4), (5, 1, 2)):
        leaves = {"x": (n,), "y": (m,), "W": (k, n), "v": (m,)}
        values: dict[str, Any] = {name: random.normal(size=shape) for name, shape in leaves.items()}
        assert_same(ours(**values), theirs(**values))


DENSE = bp.parse("x[3] -> dense(4, tanh) -> dense(2) -> mse")


def test_types_and_devices_are_those_that_are_given() -> None:
    kernel = bp.compile(DENSE, engine="torch")
    values = drawn(DENSE, batch=3)
    expected = bp.compile(DENSE)(**values)
    single = {name: torch.tensor(array, dtype=torch.float32, requires_grad=True) for name, array in values.items()}
    value, gradients = kernel(**{**single, "y": values["y"].tolist()})
    assert {value.dtype, *(each.dtype for each in gradients.values())} == {torch.float32}
    assert not any(each.requires_grad for each in (value, *gradients.values()))
    assert_same((value, gradients), expected, 1e-4)
    assert kernel(**{**single, "x": values["x"]})[0].dtype == torch.float64
    assert kernel(**{name: array.tolist() for name, array in values.items()})[0].dtype == torch.float64
    meta = {**single, "x": torch.empty((3, 3), device="meta")}
    with pytest.raises(ValuesError, match="several devices: .*x is on meta"):
        kernel(**meta)


def test_a_result_shares_memory_with_nothing() -> None:
    net = bp.loads('inputs = {x = [2]}\nparameters = {w = [2], u = [2]}\noutput = "a"\n[nodes]\na = "sum(w*x)"\n')
    kernel = bp.compile(net, engine="torch")
    x, w = torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    first = kernel(x=x, w=w)[1]
    first["w"].mul_(5.0)
    assert x.tolist() == [1.0, 1.0]
    assert kernel(x=x, w=w)[1]["w"].tolist() == [1.0, 1.0]
    assert first["u"].tolist() == [0.0, 0.0]


def test_steps_of_gradient_descent_are_those_of_autograd() -> None:
    values, kernel = drawn(DENSE, batch=5), bp.compile(DENSE, engine="torch")
    tensors = {name: torch.tensor(array) for name, array in values.items()}
    weights = {name: tensors[name].clone().requires_grad_() for name in DENSE.parameters}
    for _ in range(3):
        hidden = torch.tanh(tensors["x"] @ weights["W1"].T + weights["b1"]) @ weights["W2"].T + weights["b2"]
        loss = torch.nn.functional.mse_loss(hidden, tensors["y"])
        expected = torch.autograd.grad(loss, list(weights.values()))
        value, gradients = kernel(**{**tensors, **weights})
        torch.testing.assert_close(value, loss.detach())
        for name, right in zip(weights, expected, strict=True):
            torch.testing.assert_close(gradients[name], right)
            weights[name] = (weights[name] - 0.1 * gradients[name]).detach().requires_grad_()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(4)}, re.escape("x has the shape (4,)")),
        ({"x": torch.zeros(2, 3), "y": torch.zeros(3, 2)}, "the numbers of objects differ"),
        ({"x": torch.zeros(3, dtype=torch.complex64)}, "x is not a tensor of real numbers"),
        ({"x": ["a", "b", "c"]}, "x is not a tensor of real numbers"),
        ({"z": 1.0}, "no input, target or parameter 'z'"),
    ],
)
def test_mistakes_of_a_call(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValuesError, match=message):
        bp.compile(DENSE, engine="torch")(**{**drawn(DENSE), **change})
    with pytest.raises(ValuesError, match="no value is given for y, W1, b1"):
        bp.compile(DENSE, engine="torch")(x=torch.zeros(3))


def test_entries_are_chosen_by_whole_numbers_inside() -> None:
    net = bp.parse("x[3] -> dense(4) -> cross_entropy")
    kernel, values = bp.compile(net, engine="torch"), drawn(net)
    for wrong in (4, -1, 0.5):
        with pytest.raises(ValuesError, match="y chooses an entry, and is not a whole number from 0 to 3"):
            kernel(**{**values, "y": torch.tensor(wrong)})


def test_what_the_engine_does_not_have() -> None:
    for mode in ("forward", "paths"):
        with pytest.raises(UnknownNameError, match="engine torch is for the mode reverse"):
            bp.example("lecture").compile(mode, engine="torch")


def test_a_kernel_pickles_and_its_module_runs_alone(tmp_path: Path) -> None:
    kernel, values = bp.compile(DENSE, engine="torch"), drawn(DENSE, batch=2)
    assert_same(pickle.loads(pickle.dumps(kernel))(**values), kernel(**values))
    path = tmp_path / "grad.py"
    kernel.save(path)
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout + done.stderr
    namespace: dict[str, Any] = {"__name__": "saved"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    assert_same(namespace["kernel"](**values), kernel(**values))
    broken = kernel.source.replace("_torch.tanh", "_torch.sin")
    path.write_text(broken, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "FAILED" in done.stdout
