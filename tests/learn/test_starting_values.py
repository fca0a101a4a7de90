"""Where parameters start: biases at 0, scales at 1, weights at random, so that all can be learned."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.learn.starting_values import random_numbers
from backpropsym.spec.layers import LAYERS

BIAS, NORM = {"b1": 0.0}, {"W1": 1.0, "b1": 0.0}
STARTS = {
    "dense": ("x[4] -> dense(3, tanh)", BIAS),
    "bilinear": ("x[4] -> bilinear(3)", BIAS),
    "conv1d": ("x[2,5] -> conv1d(3, 2)", BIAS),
    "conv2d": ("x[2,5,5] -> conv2d(3, 2)", BIAS),
    "conv3d": ("x[1,3,3,3] -> conv3d(2, 2)", BIAS),
    "conv_transpose1d": ("x[2,5] -> conv_transpose1d(3, 2)", BIAS),
    "conv_transpose2d": ("x[2,3,3] -> conv_transpose2d(3, 2)", BIAS),
    "conv_transpose3d": ("x[1,2,2,2] -> conv_transpose3d(2, 2)", BIAS),
    "layer_norm": ("x[3,4] -> layer_norm", NORM),
    "rms_norm": ("x[3,4] -> rms_norm", {"W1": 1.0}),
    "group_norm": ("x[4,5] -> group_norm(2)", NORM),
    "instance_norm": ("x[4,5] -> instance_norm", NORM),
    "batch_norm": ("x[4,5] -> batch_norm", NORM),
    "prelu": ("x[4] -> prelu", {"W1": 0.25}),
    "embedding": ("x[3] -> embedding(4, 2)", {}),
    "multi_head_attention": ("x[3,4] -> multi_head_attention(2)", {f"b1{key}": 0.0 for key in "qkvo"}),
    "rnn": ("x[3,4] -> rnn(2)", BIAS),
    "gru": ("x[3,4] -> gru(2)", BIAS | {"c1": 0.0}),
    "lstm": ("x[3,4] -> lstm(2)", BIAS),
}
WITHOUT = {"max_pool", "avg_pool", "dropout", "attention"}


def test_every_layer_with_parameters_is_tested() -> None:
    assert set(LAYERS) == set(STARTS) | WITHOUT


@pytest.mark.parametrize("layer", STARTS)
def test_parameters_of_layers_start_as_people_expect(layer: str) -> None:
    """Vectors and numbers as listed, and all have slopes but the bias of keys, which softmax cancels."""
    text, starts = STARTS[layer]
    net = bp.parse(f"{text} -> mse")
    initial = net.init(seed=3)
    assert {name: set(value.ravel()) for name, value in initial.items() if value.ndim < 2} == {
        name: {start} for name, start in starts.items()
    }
    _, slopes = net.compile()(**random_numbers(net.graph, 3, ()))
    assert {name for name, slope in slopes.items() if not np.any(slope)} <= {"b1k"}


def test_scales_written_by_hand_start_at_one_and_what_is_contracted_at_random() -> None:
    shapes = "[inputs]\nx = [3]\n[parameters]\nscale = [3]\nshift = [3]\nw = [3]\np = []\nslope = []\n"
    nodes = 'h = "scale*tanh(x) - shift"\ns = "w @ elu(h, slope)"\na = "p*s"\n'
    initial = bp.loads(f'output = "a"\n{shapes}[nodes]\n{nodes}').init(seed=1)
    assert initial["scale"].tolist() == [1.0] * 3
    assert initial["shift"].tolist() == [0.0] * 3
    assert initial["slope"] == 1.0
    assert np.all(initial["w"] != 0.0) and initial["p"] != 0.0


def test_a_network_of_numbers_starts_as_one_of_arrays_does() -> None:
    text = 'inputs = ["x"]\nparameters = ["w", "b"]\noutput = "a"\n[nodes]\na = "tanh(w*x + b)"\n'
    initial = bp.loads(text).init(seed=1)
    assert initial["b"] == 0.0 and initial["w"] != 0.0
