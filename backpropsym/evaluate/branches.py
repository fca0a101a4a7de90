"""On which side of its branches a formula is."""

from __future__ import annotations

import numpy as np

from backpropsym.arrays import Array, Numbers, Numeric
from backpropsym.evaluate.arithmetic import Arithmetic, evaluate, real_part
from backpropsym.formula.tree import Expr
from backpropsym.ops.function import Primitive
from backpropsym.ops.function_table import FunctionTable


class Branches(Arithmetic):
    """Real arithmetic that notes on which side of every switch each point is."""

    def __init__(self) -> None:
        self.sides: list[Array] = []

    def apply(self, primitive: Primitive, arguments: tuple[Numeric, ...]) -> Numeric:
        """The value of a primitive."""
        if primitive.switch is not None:
            self.sides.append(np.sign(primitive.switch(*arguments)))
        return super().apply(primitive, arguments)

    def compare(self, symbol: str, left: Numeric, right: Numeric) -> Numeric:
        """Which branch a comparison chooses."""
        self.sides.append(np.sign(real_part(left) - real_part(right)))
        return super().compare(symbol, left, right)


def at_switch(formula: Expr, values: Numbers, table: FunctionTable) -> bool:
    """Whether a switch of a formula is exactly between its sides, at some entry."""
    branches = Branches()
    with np.errstate(all="ignore"):
        evaluate(formula, values, table, branches)
    return any(np.any(np.asarray(side) == 0) for side in branches.sides)
