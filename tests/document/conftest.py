"""The lecture's network with any activation and any loss."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import pytest

from backpropsym.network import Network, loads

_TEXT = resources.files("backpropsym").joinpath("examples", "lecture.toml").read_text(encoding="utf-8")


def _lecture(f: str = "relu", loss: str = "square") -> Network:
    """The network with f and the loss chosen; the loss is "square" or "abstract"."""
    text = _TEXT.replace('f = "relu"', f'f = "{f}"')
    if loss == "abstract":
        text = text.replace('loss       = "(a - y)**2"', 'loss       = "L(a, y)"')
        text = text.replace("[functions]", '[functions]\n"L(a, y)" = "abstract"')
    return loads(text)


@pytest.fixture
def lecture() -> Callable[..., Network]:
    """The lecture's network with f and the loss chosen."""
    return _lecture
