"""How an op over axes is registered, and what several families of them share."""

from __future__ import annotations

from collections.abc import Callable

from backpropsym.formula.algebra import add, neg
from backpropsym.formula.parse import Signature
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Call, Expr, Name
from backpropsym.ops.lowering import COMPOSITIONS, Composition, Lowering, Value
from backpropsym.ops.shapes import refuse

Compose = Callable[[Lowering, Call], Value]


def compose(
    name: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    variadic: bool = False,
    reduces: bool = False,
    limits: bool = False,
) -> Callable[[Compose], Compose]:
    """Register the decorated function as the composition `name`."""

    def register(function: Compose) -> Compose:
        signature = Signature(name, arguments, {}, options, variadic, reduces, limits)
        COMPOSITIONS[name] = Composition(name=name, signature=signature, compose=function)
        return function

    return register


def vector(lowering: Lowering, expr: Expr, call: Call) -> Value:
    """An argument with at least one axis, as a node."""
    value = lowering.value(expr)
    if not value.shape:
        raise refuse(f"{call.function} needs axes, and {to_text(expr)} is a scalar", span=call.span)
    return Value(Name(lowering.name(value)), value.shape)


def difference(left: Expr, right: Expr) -> Expr:
    """left - right."""
    return add([left, neg(right)])


def square(x: Expr) -> Expr:
    """x squared, as a call of the registered function."""
    return Call("square", (x,))
