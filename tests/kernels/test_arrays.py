"""Kernels of tensors: random shapes against the reverse sweep, memory between calls, and safety far from zero."""

from __future__ import annotations

import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.graph.graph import Role
from backpropsym.kernels.api.compile import compile_kernel
from backpropsym.kernels.runtime import array_memory
from backpropsym.spec.toml import parse_network
from tests.derive.arrays.networks import numbers

IMAGES = "x[1,12,12] -> conv2d(3, 3) -> relu -> max_pool(2) -> flatten -> dense(4) -> cross_entropy"
DENSE = "x[6] -> dense(5, sigmoid) -> layer_norm -> gelu -> dense(3) -> cross_entropy"


def _convolution(random: np.random.Generator) -> str:
    """A random convolution and pool, with stride, padding, dilation and overlapping windows."""
    width, dilation, padding = (int(random.integers(1, high)) for high in (4, 3, 3))
    stride, step, pool = (int(random.integers(1, 4)) for _ in range(3))
    channels, filters = int(random.integers(1, 4)), int(random.integers(1, 4))
    options = f"stride={stride}, padding={padding}, dilation={dilation}, bias=b"
    kind = random.choice(["max_pool", "avg_pool"])
    return "\n".join(
        [
            f"inputs = {{x = [{channels}, 11, 9]}}",
            f"parameters = {{K = [{filters}, {channels}, {width}, {width}], b = [{filters}], G = [{channels}, 1, 2]}}",
            'output = "a"',
            "[nodes]",
            f'c = "relu(conv2d(x*G[0, 0, 1], K, {options}))"',
            f'p = "{kind}(c, {min(pool, 2)}, stride={step})"',
            'a = "sum(p*p) + mean(c) + max(max(x*G[0, 0, 0], axis=1))"',
        ]
    )


def _products(random: np.random.Generator) -> str:
    """A random contraction of up to three operands, one of which differs from object to object."""
    letters = "ijkl"
    sizes = {letter: int(random.integers(1, 5)) for letter in letters}
    groups = ["".join(random.permutation(list(letters))[: random.integers(1, 4)]) for _ in range(3)]
    used = sorted(set("".join(groups)))
    output = "".join(random.permutation(used)[: random.integers(0, 4)])
    shapes = [[sizes[letter] for letter in group] for group in groups]
    return "\n".join(
        [
            f"inputs = {{x = {shapes[0]}}}",
            f"parameters = {{u = {shapes[1]}, v = {shapes[2]}, w = {shapes[0]}}}",
            'output = "a"',
            "[nodes]",
            f"""e = 'einsum("{",".join(groups)}->{output}", tanh(x*w), u, v)'""",
            'a = "sum(e*e) + sum(e)"' if output else 'a = "e*e + e"',
        ]
    )


@pytest.mark.parametrize("batch", [None, 1, 5])
@pytest.mark.parametrize("make", [_convolution, _products])
@pytest.mark.parametrize("seed", range(12))
def test_random_networks_agree_with_the_reverse_sweep(make: Any, seed: int, batch: int | None) -> None:
    graph = parse_network(make(np.random.default_rng(seed)))
    values = numbers(graph, np.random.default_rng(seed + 100), batch)
    network = ArrayNetwork(graph, values, batch)
    value = network.forward("a")
    adjoints = network.reverse("a", np.full_like(value, 1.0 / (batch or 1), dtype=float))
    kernel = compile_kernel(graph)
    for _ in range(2):
        found, gradients = kernel(**values)
        assert found == pytest.approx(float(np.mean(value)), rel=1e-11)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(gradient, adjoints[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("batch", [(), (1,), (7,)])
def test_an_output_of_one_entry_is_an_objective(batch: tuple[int, ...]) -> None:
    net = bp.parse("x[5] -> dense(4, tanh) -> dense(1)")
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(*batch, 5)), net.init(seed=1)
    hidden = np.tanh(x @ weights["W1"].T + weights["b1"])
    output = hidden @ weights["W2"].T + weights["b2"]
    kernel = net.compile()
    value, gradients = kernel(x=x, **weights)
    assert value == pytest.approx(float(np.mean(output)), rel=1e-14)
    adjoint = (1 - hidden**2) * weights["W2"][0]
    expected = {"W1": adjoint[..., None] * x[..., None, :], "b1": adjoint, "W2": hidden[..., None, :]}
    for name, each in expected.items():
        mean = each.mean(axis=0) if batch else each
        np.testing.assert_allclose(gradients[name], mean, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gradients["b2"], [1.0], rtol=1e-15)
    for name, each in kernel.gradients({"x": x, **weights})[1].items():
        np.testing.assert_allclose(each, gradients[name], rtol=1e-13, atol=1e-15)


def _numbers(net: bp.Network, batch: int, seed: int, dtype: type = float) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    found = {name: random.normal(size=shape).astype(dtype) for name, shape in net.parameters.items()}
    found |= {name: random.normal(size=(batch, *shape)).astype(dtype) for name, shape in net.inputs.items()}
    for name, shape in net.targets.items():
        found[name] = random.normal(size=(batch, *shape)).astype(dtype) if shape else random.integers(0, 3, size=batch)
    return found


@pytest.mark.parametrize("architecture", [IMAGES, DENSE])
def test_results_that_are_held_are_never_overwritten(architecture: str) -> None:
    net = bp.parse(architecture)
    kernel = net.compile()
    calls = [_numbers(net, 4, seed) for seed in range(7)]
    held = [kernel(**values) for values in calls]
    views = [{name: each.reshape(-1)[:2] for name, each in kernel(**values)[1].items()} for values in calls]
    for values, (value, gradients), parts in zip(calls, held, views, strict=True):
        expected = bp.parse(architecture).compile()(**values)
        assert value == expected[0]
        for name, each in gradients.items():
            np.testing.assert_array_equal(each, expected[1][name])
            np.testing.assert_array_equal(parts[name], expected[1][name].reshape(-1)[:2])


@pytest.mark.parametrize("architecture", [IMAGES, DENSE])
def test_batches_and_precisions_may_change_from_call_to_call(architecture: str) -> None:
    net = bp.parse(architecture)
    kernel = net.compile()
    for batch in (3, 1, 8, 3, 2, 5, 1):
        for dtype in (np.float32, np.float64):
            values = _numbers(net, batch, batch, dtype)
            value, gradients = kernel(**values)
            expected = bp.parse(architecture).compile()(**values)
            assert value == expected[0]
            for name, each in gradients.items():
                assert each.dtype == dtype
                np.testing.assert_array_equal(each, expected[1][name])


def test_threads_do_not_share_a_workspace() -> None:
    net = bp.parse(IMAGES)
    kernel = net.compile()
    calls = [_numbers(net, 16, seed) for seed in range(4)]
    expected = [bp.parse(IMAGES).compile()(**values) for values in calls]
    wrong: list[str] = []

    def work(index: int) -> None:
        for _ in range(30):
            value, gradients = kernel(**calls[index])
            same = value == expected[index][0]
            same = same and all(np.array_equal(gradients[name], each) for name, each in expected[index][1].items())
            wrong.extend([] if same else [str(index)])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


RECURRENT = "\n".join(
    [
        "inputs = {x = [6, 40]}",
        "targets = {y = [80]}",
        "parameters = {W = [160, 40], U = [160, 80]}",
        'output = "h5"',
        'loss = "mse(h5, y)"',
        "[nodes]",
        'h0 = "tanh((W @ x[0])[:80])"',
        *(f'g{t} = "reshape(W @ x[{t}] + U @ h{t - 1}, 2, 80)"\nh{t} = "tanh(g{t}[0])*g{t}[1]"' for t in range(1, 6)),
    ]
)
ATTENTION = """
inputs = {x = [32, 24]}
targets = {y = [32, 24]}
parameters = {Q = [24, 24], K = [24, 24], V = [24, 24]}
output = "a"
loss = "mse(a, y)"
[nodes]
a = "attention(x @ Q, x @ K, x @ V)"
"""
MEMORY = {
    "dense": "x[200] -> dense(300, relu) -> dense(10) -> cross_entropy",
    "norm": "x[200] -> dense(300) -> layer_norm -> gelu -> dense(10) -> cross_entropy",
    "images": "x[1,28,28] -> conv2d(8, 5) -> relu -> max_pool(2) -> flatten -> dense(10) -> cross_entropy",
    "recurrent": RECURRENT,
    "attention": ATTENTION,
}


@pytest.mark.parametrize("name", MEMORY)
def test_repeated_calls_make_no_new_large_arrays(name: str) -> None:
    net = bp.loads(MEMORY[name]) if "[nodes]" in MEMORY[name] else bp.parse(MEMORY[name])
    kernel, values = net.compile(), _numbers(net, 64, 0, np.float32)
    for _ in range(4):
        value, gradients = kernel(**values)
    tracemalloc.start()
    held, peaks = [], []
    for _ in range(5):
        tracemalloc.reset_peak()
        held.append(tracemalloc.get_traced_memory()[0])
        value, gradients = kernel(**values)
        peaks.append(tracemalloc.get_traced_memory()[1] - held[-1])
    tracemalloc.stop()
    assert np.isfinite(value) and gradients
    assert held[-1] - held[1] < 4096, "a flat line"
    assert max(peaks) < 6 * 8 * 12288, "blocks of the error function at most"


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("size", [1000.0, -1000.0])
def test_no_nan_far_from_zero(function: str, size: float) -> None:
    text = 'inputs = {x = [3]}\nparameters = {w = [3], v = [3]}\noutput = "a"\n[nodes]\n'
    graph = parse_network(text + f'a = "sum({function}(w*x)*v) + logsumexp(w*x) + sum(sigmoid(w*x)) + sum(gelu(w*x))"')
    x = np.array([[size, 0.0, -size], [size, size, size]])
    value, gradients = compile_kernel(graph)(x=x, w=np.ones(3), v=np.zeros(3))
    assert np.isfinite(value)
    assert all(np.isfinite(each).all() for each in gradients.values())


def test_numbers_that_differ_in_a_sign_alone() -> None:
    """Numbers are made into arrays once, by a name that comes from their digits."""
    text = 'parameters = {w = [4]}\noutput = "a"\n[nodes]\n'
    text += 'a = "sum(w*1e22) + sum(w*1e-22) + sum(w*w*3.5) - sum(w*w*w*-3.5) + sum(w/1e+22) + sum(w/1e-22)"'
    w = np.array([1.0, -2.0, 3.0, 0.5])
    gradient = compile_kernel(parse_network(text))(w=w)[1]["w"]
    np.testing.assert_allclose(gradient, 2e22 + 2e-22 + 7.0 * w + 10.5 * w * w, rtol=1e-14)


def test_a_branch_that_is_not_taken_leaves_nothing_behind() -> None:
    """The derivative of exp overflows where relu does not look."""
    text = 'inputs = {x = [2]}\nparameters = {w = [2]}\noutput = "a"\n[nodes]\na = "sum(where(x > 0, w*x, exp(-w*x)))"'
    gradients = compile_kernel(parse_network(text))(x=np.array([[1000.0, 2000.0]]), w=-np.ones(2))[1]
    np.testing.assert_array_equal(gradients["w"], [1000.0, 2000.0])


@pytest.mark.parametrize("architecture", [IMAGES, DENSE])
def test_a_saved_module_needs_only_numpy(architecture: str, tmp_path: Path) -> None:
    net = bp.parse(architecture)
    net.compile().save(tmp_path / "grad.py")
    values = _numbers(net, 3, 0)
    np.savez(tmp_path / "values.npz", **values)
    program = "import sys, numpy, grad; v = numpy.load('values.npz'); r = grad.kernel(**v); assert 'sympy' not in "
    program += "sys.modules; numpy.savez('found.npz', value=r[0], **r[1])"
    for command in (["-c", program], ["-W", "error", "grad.py"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    found, expected = np.load(tmp_path / "found.npz"), net.compile()(**values)
    assert float(found["value"]) == expected[0]
    for name in net.graph.names(Role.PARAMETER):
        np.testing.assert_array_equal(found[name], expected[1][name])


LONG = {
    "sums": "x[3] -> dense(4, tanh) -> dense(2) -> mse",
    "classes": "x[1,8,8] -> conv2d(2, 3) -> relu -> max_pool(2) -> flatten -> dense(3) -> cross_entropy",
    "shared": """
inputs = {x = [2]}
parameters = {w = [2], v = []}
output = "a"
[nodes]
a = "sum(tanh(w*x))*v + sum(w*w)"
""",
}


@pytest.mark.parametrize("count", [150, 331])
@pytest.mark.parametrize("name", LONG)
def test_a_long_batch_by_parts(name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over all objects, whatever the parts, of which the last is shorter; no part writes over another."""
    net = bp.loads(LONG[name]) if "[nodes]" in LONG[name] else bp.parse(LONG[name])
    values = _numbers(net, count, 0, np.float64)
    whole = net.compile()(**values)
    given = {key: array.copy() for key, array in values.items()}
    monkeypatch.setattr(array_memory, "MOST_BYTES", 0)
    monkeypatch.setattr(array_memory, "LEAST_OBJECTS", 50)
    kernel = net.compile()
    memory = array_memory.Memory
    runs: list[int] = []
    run = memory.run
    monkeypatch.setattr(memory, "run", lambda self, *rest: (runs.append(rest[-1]["_n"]), run(self, *rest))[1])
    for _ in range(2):
        value, gradients = kernel(**values)
        assert value == pytest.approx(whole[0], rel=1e-12)
        for key, each in whole[1].items():
            np.testing.assert_allclose(gradients[key], each, rtol=1e-10, atol=1e-13)
    assert sum(runs) == 2 * count
    assert max(runs) <= 50
    for key, array in given.items():
        np.testing.assert_array_equal(values[key], array)


def test_a_long_batch_takes_the_memory_of_a_part() -> None:
    net = bp.parse("x[50] -> dense(400, tanh) -> dense(1) -> mse")
    values = _numbers(net, 40_000, 0, np.float32)
    kernel = net.compile()
    tracemalloc.start()
    kernel(**values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000 * 400 * 4, "one array of all hidden values would be larger"


def test_gradient_of_a_scalar_laid_into_an_array_is_a_number() -> None:
    """NumPy broadcasts (1,) and (), so that only the shapes tell them apart."""
    text = 'inputs = ["x"]\nparameters = {w = [], v = [2]}\noutput = "a"\n[nodes]\na = "stack(w, x*w) @ v"\n'
    kernel = compile_kernel(parse_network(text))
    for x in (2.0, np.array([1.0, 3.0])):
        value, gradients = kernel(x=x, w=3.0, v=np.array([5.0, 7.0]))
        assert (value, gradients["w"], np.shape(gradients["w"])) == (57.0, 19.0, ())
