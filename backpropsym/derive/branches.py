"""On which side of its branches a formula is."""

from __future__ import annotations

from typing import Any

import numpy as np

from backpropsym.ops.arithmetic import Arithmetic
from backpropsym.ops.function import Primitive


class Branches(Arithmetic):
    """Real arithmetic that notes on which side of every switch each point is."""

    def __init__(self) -> None:
        self.sides: list[Any] = []

    def apply(self, primitive: Primitive, arguments: tuple[Any, ...]) -> Any:
        """The value of a primitive."""
        if primitive.switch is not None:
            self.sides.append(np.sign(primitive.switch(*arguments)))
        return super().apply(primitive, arguments)

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        """Which branch a comparison chooses."""
        self.sides.append(np.sign(np.real(left) - np.real(right)))
        return super().compare(symbol, left, right)
