"""Formulas in Python: handles that record arithmetic as trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import SupportsFloat, TypeAlias

from backpropsym.errors import FormulaError, counted, did_you_mean
from backpropsym.formula import limits
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Text,
    depth,
    nested_exponent,
    number,
)
from backpropsym.ops import registry  # noqa: F401  (the import registers the compositions)
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.lowering import COMPOSITIONS

Operand: TypeAlias = "Handle | SupportsFloat"
"""What may stand in a formula: a handle, or a number of Python, NumPy or `fractions`."""


class Handle:
    """A formula under construction: a node, a number, or what arithmetic made of them.

    Raises
    ------
    FormulaError : the formula has too many levels.
    """

    __slots__ = ("expr", "levels")
    __array_ufunc__ = None

    def __init__(self, expr: Expr, levels: int | None = None) -> None:
        self.expr = expr
        self.levels = depth(expr) if levels is None else levels
        if self.levels > limits.MAX_DEPTH:
            raise FormulaError(
                f"the formula has more than {limits.MAX_DEPTH} levels",
                fix='name a part of it as a node: net.node("s", ...)',
            )

    def _longer(self, expr: Expr, *added: Expr) -> Handle:
        """`expr`, which is this formula continued by further terms or factors."""
        own = self.levels if type(expr) is type(self.expr) else self.levels + 1
        return Handle(expr, max(own, *(1 + depth(node) for node in added)))

    def __repr__(self) -> str:
        return f"<{to_text(self.expr)}>"

    def __add__(self, other: Operand) -> Handle:
        term = tree(other)
        return self._longer(Add((*_terms(self.expr), term)), term)

    def __radd__(self, other: Operand) -> Handle:
        return self if _is_zero(other) else Handle(Add((tree(other), self.expr)))

    def __sub__(self, other: Operand) -> Handle:
        term = Neg(tree(other))
        return self._longer(Add((*_terms(self.expr), term)), term)

    def __rsub__(self, other: Operand) -> Handle:
        return Handle(Add((tree(other), Neg(self.expr))))

    def __mul__(self, other: Operand) -> Handle:
        factors = self.expr.factors if isinstance(self.expr, Mul) else (self.expr,)
        factor = tree(other)
        return self._longer(Mul((*factors, factor)), factor)

    def __rmul__(self, other: Operand) -> Handle:
        return Handle(Mul((tree(other), self.expr)))

    def __truediv__(self, other: Operand) -> Handle:
        return Handle(Div(self.expr, tree(other)))

    def __rtruediv__(self, other: Operand) -> Handle:
        return Handle(Div(tree(other), self.expr))

    def __matmul__(self, other: Operand) -> Handle:
        return Handle(MatMul(self.expr, tree(other)))

    def __neg__(self) -> Handle:
        return Handle(Neg(self.expr))

    def __pow__(self, exponent: float | Fraction) -> Handle:
        power = tree(exponent)
        if not isinstance(power, Number) or abs(power.value) > limits.MAX_EXPONENT:
            raise FormulaError(
                "the exponent is not a constant of moderate size",
                fix=f"use a number between -{limits.MAX_EXPONENT} and {limits.MAX_EXPONENT}, or exp(p*log(x))",
            )
        raised = Pow(self.expr, power.value)
        if nested_exponent(raised) > limits.MAX_EXPONENT:
            raise FormulaError(
                "powers of powers are too large",
                fix=f"keep the product of the exponents within {limits.MAX_EXPONENT}, or use bp.exp",
            )
        return Handle(raised)

    def __rpow__(self, base: Operand) -> Handle:
        raise FormulaError("the exponent is not a constant", fix="use bp.exp(p*log(base))")

    def __abs__(self) -> Handle:
        return Handle(Call("abs", (self.expr,)))

    def __lt__(self, other: Operand) -> Handle:
        return Handle(Compare("<", self.expr, tree(other)))

    def __le__(self, other: Operand) -> Handle:
        return Handle(Compare("<=", self.expr, tree(other)))

    def __gt__(self, other: Operand) -> Handle:
        return Handle(Compare(">", self.expr, tree(other)))

    def __ge__(self, other: Operand) -> Handle:
        return Handle(Compare(">=", self.expr, tree(other)))

    def __bool__(self) -> bool:
        raise FormulaError("a formula is neither true nor false", fix="use bp.where(x > 0, a, b)")

    def __iter__(self) -> Iterator[Handle]:
        raise FormulaError("a formula has no parts to go through", fix='declare several names: net.input("x1 x2")')

    def __getitem__(self, subscripts: Operand | tuple[Operand, ...]) -> Handle:
        parts = subscripts if isinstance(subscripts, tuple) else (subscripts,)
        return Handle(Index(self.expr, tuple(map(tree, parts))))


def tree(value: Operand) -> Expr:
    """The tree of a handle or a number.

    Raises
    ------
    FormulaError : neither a handle nor a finite number.
    """
    if isinstance(value, Handle):
        return value.expr
    try:
        if isinstance(value, bool | str):
            raise TypeError
        return number(value if isinstance(value, int | Fraction) else Fraction(repr(float(value))))
    except (TypeError, ValueError, OverflowError):
        raise FormulaError(
            f"{value!r} cannot stand in a formula",
            fix="use nodes, numbers and functions of them",
        ) from None


def _option(value: Operand | str) -> Expr:
    """An option of an op: a text, a switch, or what may stand in a formula."""
    return Text(value) if isinstance(value, str) else tree(int(value) if isinstance(value, bool) else value)


def builder(name: str, arity: int, required: int) -> Callable[..., Handle]:
    """The Python form of a function of the formula language: handles in, a handle out."""

    def apply(*arguments: Operand) -> Handle:
        if not required <= len(arguments) <= arity:
            wanted = counted(arity, "argument") if required == arity else f"{required} to {arity} arguments"
            raise FormulaError(f"{name} takes {wanted}, found {len(arguments)}")
        return Handle(Call(name, tuple(map(tree, arguments))))

    apply.__name__ = name
    apply.__doc__ = f"`{name}` of the formula language, applied to handles or numbers."
    return apply


def registered(name: str) -> Callable[..., Handle]:
    """The Python form of a registered function or op over axes; KeyError where there is none."""
    composition = COMPOSITIONS.get(name)
    if composition is None:
        function = FUNCTIONS[name]
        return builder(name, len(function.arguments), len(function.required))

    def apply(*arguments: Operand | str, **options: Operand | str) -> Handle:
        known = composition.signature.options
        for key in options:
            if key not in known:
                raise FormulaError(f"{name} has no option {key}", fix=did_you_mean(key, known, "leave it out"))
        parts = tuple(Text(argument) if isinstance(argument, str) else tree(argument) for argument in arguments)
        return Handle(Call(name, parts, tuple((key, _option(value)) for key, value in options.items())))

    apply.__name__ = name
    apply.__doc__ = composition.compose.__doc__
    return apply


def _terms(expr: Expr) -> tuple[Expr, ...]:
    return expr.terms if isinstance(expr, Add) else (expr,)


def _is_zero(value: object) -> bool:
    return isinstance(value, int) and value == 0


def handle(name: str) -> Handle:
    """A handle on a node."""
    return Handle(Name(name))


def name_of(value: Handle | str) -> str:
    """The name that a handle or a text stands for."""
    return value if isinstance(value, str) else to_text(tree(value))
