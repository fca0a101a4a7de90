"""Gradient descent against torch.optim.SGD, step by step."""

import numpy as np
import pytest
import torch

import backpropsym as bp
from backpropsym.learn.descent import Plan


def test_twenty_steps_of_sgd() -> None:
    net = bp.parse("x[6] -> dense(5, tanh) -> dense(3) -> cross_entropy")
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=(40, 6)), "y": random.integers(0, 3, 40)}
    found = net.train(data, plan=Plan(rate=0.5, steps=20))
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in net.init(0).items()}
    optimizer = torch.optim.SGD(weights.values(), lr=0.5)
    for step in found.descent.history:
        hidden = torch.tanh(torch.tensor(data["x"]) @ weights["W1"].T + weights["b1"])
        outputs = hidden @ weights["W2"].T + weights["b2"]
        loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(data["y"]))
        assert step.objective == pytest.approx(loss.item(), rel=1e-12)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in weights.items():
        np.testing.assert_allclose(found.parameters[name], value.detach().numpy(), rtol=1e-10, atol=1e-13)
