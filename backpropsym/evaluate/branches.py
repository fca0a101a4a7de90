"""On which side of its branches a formula is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backpropsym.evaluate.arithmetic import Arithmetic, evaluate
from backpropsym.formula.tree import Expr
from backpropsym.ops.function import Primitive
from backpropsym.ops.function_table import FunctionTable


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


def at_switch(formula: Expr, values: Mapping[str, Any], table: FunctionTable) -> bool:
    """Whether a switch of a formula is exactly between its sides, at some entry."""
    branches = Branches()
    with np.errstate(all="ignore"):
        evaluate(formula, values, table, branches)
    return any(np.any(np.asarray(side) == 0) for side in branches.sides)
