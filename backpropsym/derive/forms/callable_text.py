"""Matrix notation as calls of functions alone, for programs: what SymPy's `parse_expr` reads."""

from __future__ import annotations

from backpropsym.formula.tree import Call, Expr, Index, MatMul, Name, Slice, Text, Tuple, children, number, rebuild


def callable_products(expr: Expr) -> Expr:
    """Matrix notation as calls of functions without options, quotes or slices, which SymPy's `parse_expr` reads.

    Options follow the arguments, axes as such, `sum(x, axes(1))`, so that `max(x, axes(1))` is no maximum of two, and
    no tuple stands in a comparison, which SymPy refuses. Subscripts of einsum are NumPy's lists of numbers, and
    `x[0:2]` is `slices(x, (0, 2, 1))`, an empty pair of brackets for an axis that stays whole.
    """
    parts = tuple(map(callable_products, children(expr)))
    match expr:
        case MatMul():
            return Call("matmul", parts)
        case Call("einsum", (Text(subscripts), *_)):
            inputs, output = subscripts.split("->")
            letters = sorted({*inputs, *output} - {","})
            *lists, result = (
                Tuple(tuple(number(letters.index(each)) for each in group)) for group in (*inputs.split(","), output)
            )
            pairs = zip(parts[1:], lists, strict=True)
            return Call("einsum", (*(each for pair in pairs for each in pair), result))
        case Call(function, arguments, options) if options:
            values = zip((key for key, _ in options), parts[len(arguments) :], strict=True)
            return Call(function, (*parts[: len(arguments)], *(_option(key, value) for key, value in values)))
        case Index(base, subscripts) if not isinstance(base, Name) or any(isinstance(at, Slice) for at in subscripts):
            return Call("slices", (parts[0], *map(_bounds, parts[1:])))
    return rebuild(expr, parts) if parts else expr


def _option(key: str, value: Expr) -> Expr:
    if key != "axis":
        return value
    return Call("axes", value.parts if isinstance(value, Tuple) else (value,))


def _bounds(subscript: Expr) -> Expr:
    """(start, stop, step) as Python's range has them: counting down to the first entry stops at -1."""
    if not isinstance(subscript, Slice):
        return subscript
    if subscript.start is None:
        return Tuple(())
    stop = -1 if subscript.stop is None else subscript.stop
    return Tuple((number(subscript.start), number(stop), number(subscript.step)))
