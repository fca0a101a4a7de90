"""Second derivatives against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import backpropsym as bp

ACTIVATIONS = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": functional.gelu, "relu": torch.relu}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_hessians_of_dense_networks_are_those_of_torch(name: str) -> None:
    net = bp.parse(f"x[3] -> dense(4, {name}) -> dense(3) -> cross_entropy")
    random = np.random.default_rng(3)
    parameters = {key: random.normal(size=shape) for key, shape in net.parameters.items()}
    x, y = random.normal(size=3), 2
    sizes = [array.size for array in parameters.values()]

    def loss(flat: Any) -> Any:
        parts = (part.reshape(array.shape) for part, array in zip(flat.split(sizes), parameters.values(), strict=True))
        w1, b1, w2, b2 = parts
        scores = w2 @ ACTIVATIONS[name](w1 @ torch.tensor(x) + b1) + b2
        return functional.cross_entropy(scores[None], torch.tensor([y]))

    flat = torch.tensor(np.concatenate([array.ravel() for array in parameters.values()]))
    expected = torch.autograd.functional.hessian(loss, flat).numpy()
    found = net.hessian().evaluate(x=x, y=y, **parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
