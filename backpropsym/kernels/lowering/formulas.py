"""Formulas to values: shared arithmetic, on numbers and arrays alike."""

from __future__ import annotations

from collections.abc import Mapping

from backpropsym.errors import AbstractFunctionError
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow
from backpropsym.kernels.ir.values import Values, registered_name
from backpropsym.ops.function_table import FunctionTable

Environment = Mapping[str, int]


class FormulaLowering:
    """Formulas to values; functions that are defined by others are opened into primitives.

    Parameters
    ----------
    table : the functions.
    by_value : whether a derivative may use the stored value of its function (tanh' = 1 - value**2); else it is
        computed to full relative accuracy.
    values : where they go; default: into a new pool.
    """

    def __init__(self, table: FunctionTable, by_value: bool, values: Values | None = None) -> None:
        self.table = table
        self.by_value = by_value
        self.values = Values() if values is None else values
        self._applied: dict[tuple[str, tuple[int, ...], bool], int] = {}

    def formula(self, expr: Expr, known: Environment) -> int:
        """The value of `expr`, where `known` holds the values of its names."""
        values = self.values
        match expr:
            case Name(name):
                return known[name]
            case Number(value):
                return values.number(float(value))
            case Add(terms):
                total = self.formula(terms[0], known)
                for term in terms[1:]:
                    total = values.add(total, self.formula(term, known))
                return total
            case Mul() | Div():
                return self.times(values.number(1.0), expr, known)
            case Neg(operand):
                return values.negate(self.formula(operand, known))
            case Pow(base, exponent):
                return values.power(self.formula(base, known), exponent)
            case Compare(symbol, left, right):
                return values.compare(symbol, self.formula(left, known), self.formula(right, known))
            case Call(name):
                return self.apply(name, self._arguments(expr, known))
            case _:
                raise TypeError(f"{type(expr).__name__} has no scalar value")

    def times(self, start: int, expr: Expr, known: Environment) -> int:
        """`start` times `expr`, factor by factor from the left, so that products share what they begin with."""
        match expr:
            case Mul(factors):
                for factor in factors:
                    start = self.times(start, factor, known)
                return start
            case Div(numerator, denominator):
                return self.values.divide(self.times(start, numerator, known), self.formula(denominator, known))
            case Neg(operand):
                return self.values.negate(self.times(start, operand, known))
            case Call(name) if self.values.derivative and self.table.parent(name):
                body, inner = self._body(name, self._arguments(expr, known))
                if isinstance(body, Mul | Div | Neg | Call):
                    return self.times(start, body, inner)
        return self.values.multiply(start, self.formula(expr, known))

    def apply(self, name: str, arguments: tuple[int, ...]) -> int:
        """The value of a function."""
        primitive = self.table[name].primitive
        if primitive is not None:
            return self.values.call(registered_name(primitive), arguments)
        key = (name, arguments, self.values.derivative)
        if key not in self._applied:
            self._applied[key] = self.formula(*self._body(name, arguments))
        return self._applied[key]

    def _arguments(self, call: Call, known: Environment) -> tuple[int, ...]:
        return tuple(self.formula(argument, known) for argument in self.table.bind(call).values())

    def _body(self, name: str, arguments: tuple[int, ...]) -> tuple[Expr, Environment]:
        """The formula that computes a function at `arguments`, and the values of its names."""
        known = dict(zip(self.table[name].arguments, arguments, strict=True))
        parent = self.table.parent(name)
        if parent and self.by_value:
            function, argument = self.table[parent[0]], parent[1]
            if argument in function.by_value:
                stored = self.apply(function.name, arguments)
                return self.table.tree(function.by_value[argument]), {**known, "value": stored}
        body = self.table.numeric(name)
        if body is None:
            declared = parent[0] if parent else name
            raise AbstractFunctionError(
                f"{declared} is abstract: a kernel needs its numbers",
                fix=f'give it a formula under [functions], as in {declared} = "tanh"',
            )
        return body, known
