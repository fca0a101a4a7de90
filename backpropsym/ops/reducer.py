"""What a reduction over axes is: everything about one reduction in one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from backpropsym.errors import UnknownNameError
from backpropsym.formula.algebra import add, div, mul, neg, power
from backpropsym.formula.parse import Signature, parse_formula
from backpropsym.formula.tree import ONE, Add, Call, Div, Expr, Mul, Name, Neg, Number, Pow, children, rebuild
from backpropsym.ops.function import FUNCTIONS, Formula
from backpropsym.ops.function_table import FunctionTable

FOLDS = ("sum", "max", "min", "shift")
"""What every number system and backend computes over axes by itself; of equal extremes the first.

`shift` is the maximum, or 0 where that is not finite: what exponents are shifted by, so that they do not overflow.
"""
_V = TypeVar("_V")


@dataclass(frozen=True)
class Reducer:
    """A reduction of n entries x to one number y.

    Formulas are texts over these three names; a reduction of one argument in them, as `mean(x)`, is over all entries.

    Attributes
    ----------
    meaning : what it is, in words.
    numbers : the same in NumPy, given an array, `axis` and `keepdims`. It is written without the formulas here, since
        the readers of printed formulas compute with it, and checks compare these with what the formulas give.
    definition : y by other reductions, or by itself for a fold.
    stable : the same for numbers, where the definition overflows or cancels.
    derivative : dy/dx, times n if it is `averaged`; empty for an extreme: 1 at the first extreme entry, else 0.
    accurate : the same for numbers, to full relative accuracy.
    extreme : the comparison by which an entry of an extreme surpasses another; empty for all others.
    weights : the word of matrix notation for the derivative, where it has one.
    alone : y of a single entry, where the definition does not simplify to it.
    repeats : the result y for n copies of the entries, over y and n; with it the reduction may run over indices.
    source : where the definition is from; default: NumPy.
    """

    name: str
    meaning: str
    numbers: Callable[..., Any]
    definition: str
    derivative: str = ""
    averaged: bool = False
    stable: str = ""
    accurate: str = ""
    extreme: Literal["", ">", "<"] = ""
    weights: str = ""
    alone: str = ""
    repeats: str = ""
    source: str = ""

    @property
    def numeric(self) -> str:
        """How numbers are computed."""
        return self.stable or self.definition

    @property
    def linear(self) -> bool:
        """Whether the derivative is the same for all entries."""
        return not self.extreme and factored(self.derivative)[1] == ONE

    def of_one(self, entry: Expr, table: FunctionTable) -> Expr:
        """The reduction of a single entry."""
        return computed(
            self.alone or self.definition,
            {"x": entry, "n": ONE},
            lambda expr, known: filled(expr, known, table),
            lambda fold, body, known, inside: filled(body, known, table),
            table,
        )


class _Reducers(dict[str, Reducer]):
    def __missing__(self, name: str) -> Reducer:
        raise UnknownNameError(f"no reduction is registered as {name}", fix=f"use {', '.join(self)}")


REDUCERS = _Reducers()
"""The reductions by name; for one that is not there an `UnknownNameError`."""


def computed(
    formula: Formula,
    known: Mapping[str, _V],
    value: Callable[[Expr, Mapping[str, _V]], _V],
    fold: Callable[[str, Expr, Mapping[str, _V], bool], _V],
    table: FunctionTable,
    outside: Callable[[Expr, Mapping[str, _V]], _V] | None = None,
) -> _V:
    """A formula of an entry in any kind of values: numbers, arrays or formulas.

    Parameters
    ----------
    known : what n is, and x and y where the formula has them outside of reductions.
    value : a formula of names that are known.
    fold : the fold of a formula over all entries; last, whether single entries are computed with it.
    outside : the value of what is left when all reductions are computed; default: as `value`.
    """
    values = dict(known)

    def held(expr: Expr, inside: bool) -> Expr:
        if not _reduces(expr):
            parts = children(expr)
            return rebuild(expr, tuple(held(part, inside) for part in parts)) if parts else expr
        assert isinstance(expr, Call)
        if expr.function in FOLDS:
            found = fold(expr.function, held(expr.arguments[0], True), values, inside)
        else:
            definition = filled(REDUCERS[expr.function].definition, {"x": expr.arguments[0]}, table)
            found = value(held(definition, inside), values)
        name = f"_{len(values)}"
        values[name] = found
        return Name(name)

    return (outside or value)(held(table.registered(read(formula)), False), values)


def filled(
    formula: Formula,
    values: Mapping[str, Expr],
    table: FunctionTable,
    reduced: Callable[[str, Expr], Expr] = lambda name, body: Call(name, (body,)),
) -> Expr:
    """A formula of an entry with `values` put in; `reduced` writes a reduction of a formula over all entries."""

    def put(expr: Expr) -> Expr:
        parts = [put(part) for part in children(expr)]
        match expr:
            case Name(name):
                return values.get(name, expr)
            case Call(name) if _reduces(expr):
                return reduced(name, parts[0])
            case Add():
                return add(parts)
            case Mul():
                return mul(parts)
            case Div():
                return div(*parts)
            case Neg():
                return neg(parts[0])
            case Pow(_, exponent):
                return power(parts[0], exponent)
        return rebuild(expr, tuple(parts)) if parts else expr

    return put(table.registered(read(formula)))


def factored(formula: str) -> tuple[Number, Expr]:
    """A formula as a number times the rest."""
    match read(formula):
        case Mul((Number() as scale, *rest)):
            return scale, mul(rest)
        case Number() as scale:
            return scale, ONE
        case expr:
            return ONE, expr


def _reduces(expr: Expr) -> bool:
    """Whether a part of an entry's formula is a reduction over all entries."""
    return isinstance(expr, Call) and len(expr.arguments) == 1 and (expr.function in REDUCERS or expr.function in FOLDS)


def read(formula: Formula) -> Expr:
    """A formula of an entry as a tree."""
    return formula if isinstance(formula, Expr) else _parsed(formula)


@cache
def _parsed(formula: str) -> Expr:
    signatures = {name: function.signature for name, function in FUNCTIONS.items()}
    for name in (*REDUCERS, *FOLDS):
        signatures[name] = Signature(name, ("x",), {}, variadic=name in FUNCTIONS)
    return parse_formula(formula, signatures)
