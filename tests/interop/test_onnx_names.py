"""Values of ONNX models may have any name; models that are broken are errors of ours."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import backpropsym as bp
from backpropsym.errors import BackpropsymError
from backpropsym.formula.limits import MAX_NAME_CHARACTERS
from backpropsym.interop.onnx_model import import_onnx
from tests.hostile import TEXTS

_NAME = re.compile(r"[A-Za-z]\w*\Z", re.ASCII)


def model(names: list[str]) -> onnx.ModelProto:
    """A chain through values of these names, the second a stored array."""
    first, stored, *others = names
    nodes = [helper.make_node("Mul", [first, stored], [others[0]])]
    nodes += [helper.make_node("Tanh", [before], [after]) for before, after in zip(others, others[1:], strict=False)]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(first, TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info(others[-1], TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(np.float32([0.5, 1.0, 2.0]), stored)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def imported(names: list[str], folder: Path) -> bp.Network:
    path = folder / "model.onnx"
    onnx.save(model(names), path)
    found = import_onnx(path, "mse")
    net = bp.loads(found.text)
    for name in net.graph.named.nodes:
        assert _NAME.match(name)
        assert len(name) <= MAX_NAME_CHARACTERS
    x = np.array([1.0, 2.0, 3.0])
    kernel = bp.compile(net)
    values = kernel.intermediates({next(iter(net.inputs)): x, **found.parameters}, net.output)
    want = x * np.float32([0.5, 1.0, 2.0])
    for _ in names[3:]:
        want = np.tanh(want)
    assert np.allclose(values[net.output], want)
    return net


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 64, "y" * 65, "z" * 66, "z" * 67],
        ["x" * 500, "x" * 501, "x" * 502, "x" * 503],
        ["α", "β_weight", "λ", "Ω/h_output_0"],
        ["вход", "вес", "скрытый", "выход"],
        ["网络", "权重", "隐藏", "输出"],
        ["café", "naïve", "ﬁ", "x²"],
        ["lambda", "class", "None", "tanh"],
        ["/0/Gemm_output_0", "0.weight", "1", "::"],
        ["_", "__", "___", "____"],
        ["E", "I", "S", "np"],
        ["a b", "a-b", "a.b", "a/b"],
        ["A" + "_2" * 40, "A" + "_2" * 41, "A", "A_2"],
        ["loss", "y", "output", "inputs"],
        ["exp", "relu", "step", "where"],
    ],
    ids=lambda names: ascii(names[0][:20]),
)
def test_names_become_names_of_formulas(names: list[str], tmp_path: Path) -> None:
    assert len(imported(names, tmp_path).graph.named.nodes) == 6


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(min_size=1, max_size=90) | st.sampled_from(TEXTS), min_size=4, max_size=7, unique=True))
def test_any_text_is_a_name(names: list[str], tmp_path: Path) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in names]
    if len(set(names)) == len(names) and all(names):
        imported(names, tmp_path)


def test_many_values_of_one_name_take_time_in_proportion(tmp_path: Path) -> None:
    imported(["x", "w", *("·" * (number + 1) for number in range(1000))], tmp_path)


def test_a_model_with_a_broken_byte_is_an_error_of_ours(tmp_path: Path) -> None:
    """Bytes changed by chance: what still is a model is imported, everything else is told."""
    chance, whole = random.Random(0), model(["input", "weight", "hidden", "out"]).SerializeToString()
    path = tmp_path / "model.onnx"
    told = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(bytes(data))
        try:
            import_onnx(path)
        except BackpropsymError:
            told += 1
    assert told > 100
