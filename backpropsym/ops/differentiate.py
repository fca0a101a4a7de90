"""The derivative of a formula by each of its names: the path sum inside the formula itself.

Each part of a formula is a primitive whose derivative SymPy or the entry gives; a name's derivative is the sum,
over the places where it stands, of the products of derivatives on the way from the root. One sweep gives all names.
"""

from __future__ import annotations

from fractions import Fraction

from backpropsym.formula.algebra import add, div, mul, neg, power
from backpropsym.formula.tree import ONE, ZERO, Add, Call, Div, Expr, Mul, Name, Neg, Number, Pow, children, names
from backpropsym.ops.function import FUNCTIONS
from backpropsym.ops.function_table import FunctionTable


def partials(expr: Expr, table: FunctionTable) -> dict[str, Expr]:
    """d expr / d name for every name in `expr`, in the order of first use."""
    found: dict[str, list[Expr]] = {name: [] for name in names(expr)}
    _sweep(expr, ONE, found, table)
    return {name: add(terms) for name, terms in found.items()}


def partials_size(expr: Expr) -> int:
    """About how many parts the derivatives by all names have together, before equal terms are counted as one.

    A leaf's derivative has what stands beside it in each product, quotient, power and call on the way to the root.
    """
    total, _, _ = _beside_leaves(expr)
    return total


def _beside_leaves(expr: Expr) -> tuple[int, int, int]:
    """The sum over the leaves of `expr` of the parts of their derivatives; its leaves; its parts."""
    below = [_beside_leaves(part) for part in children(expr)]
    total, leaves, parts = (sum(column) for column in zip(*below, strict=True)) if below else (1, 1, 0)
    match expr:
        case Add() | Neg() | Name() | Number():
            beside = 0
        case Mul() | Div():
            beside = sum(own_leaves * (parts - own) for _, own_leaves, own in below)
        case _:
            beside = leaves * parts
    return total + beside, leaves, parts + 1


def _sweep(expr: Expr, adjoint: Expr, found: dict[str, list[Expr]], table: FunctionTable) -> None:
    """Add to `found` the derivative by each name below `expr`, `adjoint` being d root / d expr."""
    match expr:
        case Name(name):
            found[name].append(adjoint)
        case Add(terms):
            for term in terms:
                _sweep(term, adjoint, found, table)
        case Neg(operand):
            _sweep(operand, neg(adjoint), found, table)
        case Mul(factors):
            for index, factor in enumerate(factors):
                if not isinstance(factor, Number):
                    others = factors[:index] + factors[index + 1 :]
                    _sweep(factor, mul([adjoint, *others]), found, table)
        case Div(numerator, denominator):
            _sweep(numerator, div(adjoint, denominator), found, table)
            if names(denominator):
                whole = div(mul([adjoint, numerator]), power(denominator, Fraction(2)))
                _sweep(denominator, neg(whole), found, table)
        case Pow(base, exponent):
            inner = mul([adjoint, Number(exponent), power(base, exponent - 1)])
            _sweep(base, inner, found, table)
        case Call():
            _sweep_call(expr, adjoint, found, table)


def _sweep_call(expr: Call, adjoint: Expr, found: dict[str, list[Expr]], table: FunctionTable) -> None:
    if table[expr.function] is FUNCTIONS["where"]:
        _sweep_choice(expr, adjoint, found, table)
        return
    for index, argument in enumerate(expr.arguments):
        if names(argument):
            local = table.shortened(table.applied(table.partial(expr.function, index), expr))
            _sweep(argument, mul([adjoint, local]), found, table)


def _sweep_choice(expr: Call, adjoint: Expr, found: dict[str, list[Expr]], table: FunctionTable) -> None:
    """The derivative of a choice is the choice between the derivatives: what is not taken is never multiplied in."""
    condition, *branches = expr.arguments
    then, otherwise = (partials(branch, table) for branch in branches)
    for name in names(expr):
        inner = then.get(name, ZERO), otherwise.get(name, ZERO)
        chosen = inner[0] if inner[0] == inner[1] else Call(expr.function, (condition, *inner))
        found[name].append(mul([adjoint, chosen]))
