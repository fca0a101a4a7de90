"""Models in ONNX against onnx's own evaluator, value by value, and the gradients that follow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from typer.testing import CliRunner

import backpropsym as bp
from backpropsym.cli.app import app
from backpropsym.errors import NetworkError
from backpropsym.interop.onnx_model import import_onnx
from backpropsym.interop.onnx_ops import RULES

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32) * 0.5


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def saved(
    folder: Path,
    nodes: Sequence[Any],
    stored: dict[str, np.ndarray],
    inputs: dict[str, tuple[int | str, ...]],
    outputs: Sequence[str] = ("out",),
) -> Path:
    """A model in a file; the last axes of its outputs are left to inference."""
    graph = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape]) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    path = folder / "model.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    onnx.save(onnx.shape_inference.infer_shapes(model, data_prop=True), path)
    return path


def node(kind: str, inputs: str, output: str = "out", **options: Any) -> Any:
    return helper.make_node(kind, inputs.split(" "), [output], **options)


ONE = {
    "gemm": ([node("Gemm", "x W b", transB=1)], {"W": normal(3, 4), "b": normal(3)}, {"x": (4,)}),
    "gemm, not transposed": (
        [node("Gemm", "x W b", alpha=2.0, beta=0.5)],
        {"W": normal(4, 3), "b": normal(3)},
        {"x": (4,)},
    ),
    "gemm, no bias": ([node("Gemm", "x W", transB=1)], {"W": normal(3, 4)}, {"x": (4,)}),
    "matmul": (
        [node("MatMul", "x W h"[:-2], "h"), node("Add", "b h")],
        {"W": normal(4, 3), "b": normal(3)},
        {"x": (4,)},
    ),
    "matmul of rows": ([node("MatMul", "x W")], {"W": normal(4, 3)}, {"x": (5, 4)}),
    "a weight on the left": ([node("MatMul", "W x")], {"W": normal(3, 5)}, {"x": (5, 4)}),
    "two inputs": ([node("MatMul", "x y")], {}, {"x": (2, 3), "y": (3, 4)}),
    "arithmetic": (
        [
            node("Sub", "x c", "d"),
            node("Mul", "d d", "q"),
            node("Div", "q two", "h"),
            node("Pow", "h two", "p"),
            node("Neg", "p"),
        ],
        {"c": normal(1, 4), "two": np.float32(2.0).reshape(())},
        {"x": (4,)},
    ),
    "relu": ([node("Relu", "x")], {}, {"x": (4,)}),
    "activations": (
        [
            node("LeakyRelu", "x", "a", alpha=0.2),
            node("Elu", "a", "b", alpha=0.7),
            node("Gelu", "b", "c"),
            node("Softplus", "c", "d"),
            node("Tanh", "d", "e"),
            node("Sigmoid", "e", "f"),
            node("Selu", "f", "g"),
            node("Erf", "g", "h"),
            node("Exp", "h", "i"),
            node("Sqrt", "i", "j"),
            node("Reciprocal", "j", "k"),
            node("Mish", "k", "l"),
            node("Celu", "l", alpha=0.5),
        ],
        {},
        {"x": (6,)},
    ),
    "prelu": ([node("PRelu", "x slope")], {"slope": normal(4)}, {"x": (4,)}),
    "clip": ([node("Clip", "x low high")], {"low": np.float32(-0.5), "high": np.float32(0.4)}, {"x": (9,)}),
    "clip from below": ([node("Clip", "x low")], {"low": np.float32(-0.5)}, {"x": (9,)}),
    "softmax": ([node("Softmax", "x", axis=-1)], {}, {"x": (3, 4)}),
    "log_softmax": ([node("LogSoftmax", "x", axis=2)], {}, {"x": (3, 4)}),
    "convolution": (
        [node("Conv", "x K b", pads=[1, 1, 1, 1], strides=[2, 1])],
        {"K": normal(4, 2, 3, 3), "b": normal(4)},
        {"x": (2, 6, 5)},
    ),
    "convolution, sides that differ": (
        [node("Conv", "x K", pads=[0, 1, 2, 1], dilations=[2, 1])],
        {"K": normal(4, 2, 2, 3)},
        {"x": (2, 6, 5)},
    ),
    "convolution in groups": ([node("Conv", "x K", group=2)], {"K": normal(4, 1, 3)}, {"x": (2, 6)}),
    "max pool": (
        [node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])],
        {},
        {"x": (2, 6, 6)},
    ),
    "average pool": ([node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2])], {}, {"x": (2, 4, 6)}),
    "global pools": (
        [node("GlobalAveragePool", "x", "a"), node("GlobalMaxPool", "x", "m"), node("Concat", "a m", axis=1)],
        {},
        {"x": (2, 4, 6)},
    ),
    "batch norm": (
        [node("BatchNormalization", "x g b m v", epsilon=1e-3)],
        {"g": normal(2), "b": normal(2), "m": normal(2), "v": np.abs(normal(2)) + 0.5},
        {"x": (2, 3, 3)},
    ),
    "layer norm": (
        [node("LayerNormalization", "x g b", axis=-1)],
        {"g": normal(5), "b": normal(5)},
        {"x": (3, 5)},
    ),
    "shapes": (
        [
            node("Reshape", "x to", "r"),
            node("Transpose", "r", "t", perm=[0, 2, 1]),
            node("Unsqueeze", "t one", "u"),
            node("Squeeze", "u one", "s"),
            node("Flatten", "s"),
        ],
        {"to": numbers(0, 3, -1), "one": numbers(1)},
        {"x": (2, 6)},
    ),
    "means": (
        [
            node("ReduceMean", "x axes", "m", keepdims=1),
            node("Sub", "x m", "c"),
            node("ReduceSum", "c axes", keepdims=0),
        ],
        {"axes": numbers(2)},
        {"x": (3, 4)},
    ),
    "more functions": (
        [
            node("Cast", "x", "f", to=TensorProto.FLOAT),
            node("Abs", "f", "a"),
            node("Add", "a one", "p"),
            node("Log", "p", "l"),
            node("Sin", "l", "s"),
            node("Cos", "s", "c"),
            node("ReduceMax", "c axes", keepdims=0),
        ],
        {"one": np.ones(1, np.float32), "axes": numbers(-1)},
        {"x": (3, 4)},
    ),
    "a constant inside": (
        [
            helper.make_node("Constant", [], ["half"], value_float=0.5),
            node("Mul", "x half", "h"),
            node("Identity", "h", "i"),
            node("Dropout", "i"),
        ],
        {},
        {"x": (4,)},
    ),
    "names that are taken": (
        [
            node("Relu", "/l/x.1", "/l/relu_output_0"),
            node("Relu", "/l/relu_output_0", "loss"),
            node("Add", "loss lambda"),
        ],
        {"lambda": normal(4)},
        {"/l/x.1": (4,)},
    ),
}


@pytest.mark.parametrize("case", ONE, ids=str)
def test_values_are_those_of_the_model(case: str, tmp_path: Path) -> None:
    nodes, stored, inputs = ONE[case]
    path = saved(tmp_path, nodes, stored, inputs)
    given = {name: normal(3, *shape) for name, shape in inputs.items()}
    (expected,) = ReferenceEvaluator(str(path)).run(None, given)
    imported = import_onnx(path, "mse")
    net = bp.loads(imported.text)
    assert {name: array.shape for name, array in imported.parameters.items()} == dict(net.parameters)
    arrays = dict(zip(net.inputs, given.values(), strict=True))
    values = {**imported.parameters, **arrays, "y": np.zeros_like(expected)}
    if len(inputs) > 1:
        values["y_2"] = values.pop("y")
        values["y"] = given["y"]
    kernel = bp.compile(net)
    np.testing.assert_allclose(kernel.intermediates(values, [net.output])[net.output], expected, rtol=3e-5, atol=3e-6)
    assert kernel(**values)[0] == pytest.approx(float(np.mean(expected**2)), rel=1e-4)


def perceptron(folder: Path) -> Path:
    nodes = [node("Gemm", "x W1 b1", "s", transB=1), node("Relu", "s", "z"), node("Gemm", "z W2 b2", transB=1)]
    stored = {"W1": normal(5, 4), "b1": normal(5), "W2": normal(3, 5), "b2": normal(3)}
    return saved(folder, nodes, stored, {"x": (4,)})


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == exit_code, result.output
    return result.output


def test_the_command_writes_a_network_that_every_other_command_takes(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    run("import", str(perceptron(tmp_path)), "--loss", "cross_entropy", "-o", str(file))
    assert "softmax" in run("derive", str(file), "--wrt", "W1", "--form", "matrix")
    assert "proved" in run("check", str(file)) or "passed" in run("check", str(file))
    with np.load(tmp_path / "net.npz") as learned:
        assert sorted(learned) == ["W1", "W2", "b1", "b2"]
    assert bp.load(file).parameters == {"W1": (5, 4), "b1": (5,), "W2": (3, 5), "b2": (3,)}
    assert run("import", str(tmp_path / "model.onnx")).startswith('title = "model"')


def test_without_a_loss_the_output_is_there(tmp_path: Path) -> None:
    net = bp.loads(import_onnx(perceptron(tmp_path)).text)
    assert net.loss is None
    assert net.targets == {}
    assert net.derive("out", wrt="W1").count == 1


@pytest.mark.parametrize(
    ("nodes", "stored", "shape", "message"),
    [
        ([node("Einsum", "x", equation="bi->b")], {}, (4,), "the operator Einsum of out cannot be imported"),
        ([node("Softmax", "x", axis=1)], {}, (3, 4), "another axis than the last"),
        ([node("Concat", "x x", axis=0)], {}, (4,), "an axis that mixes objects"),
        ([node("Transpose", "x", perm=[1, 0])], {}, (4,), "moves the axis of the batch"),
        ([node("Relu", "x")], {}, ("n",), "the input x has a size that is no number"),
        ([node("MaxPool", "x", kernel_shape=[2], ceil_mode=1)], {}, (2, 5), "ceil_mode"),
        ([node("Relu", "x"), node("Tanh", "x", "second")], {}, (4,), "the model has 2 outputs: out, second"),
    ],
)
def test_what_cannot_be_imported_is_named(
    nodes: list[Any], stored: dict[str, np.ndarray], shape: tuple[int | str, ...], message: str, tmp_path: Path
) -> None:
    outputs = ["out", "second"] if len(nodes) > 1 else ["out"]
    with pytest.raises(NetworkError, match=message):
        import_onnx(saved(tmp_path, nodes, stored, {"x": shape}, outputs))


@pytest.mark.parametrize("data", [b"", b"no model", b"\x00" * 100])
def test_other_files_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert "is not a model in ONNX" in run("import", str(path), exit_code=2)
    assert "cannot be read" in run("import", str(tmp_path / "nowhere.onnx"), exit_code=2)
    assert "end the name in .toml" in run(
        "import", str(perceptron(tmp_path)), "-o", str(tmp_path / "a.json"), exit_code=2
    )


def test_the_documentation_lists_every_operator() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "interop.md").read_text()
    assert [kind for kind in RULES if f"`{kind}`" not in text] == []


def test_every_operator_is_compared() -> None:
    kinds = {each.op_type for nodes, _, _ in ONE.values() for each in nodes}
    assert set(RULES) - kinds == set()
