"""The sign of the operation that a node is: × for a product, + for a sum, f for f(s)."""

from __future__ import annotations

from backpropsym.document.writers.tree_writer import Writer
from backpropsym.formula.tree import Add, Call, Compare, Div, Expr, Mul, Name, Neg, Number, Pow

_PLACE = r"\,\cdot\,"


def sign(formula: Expr, writer: Writer) -> str:
    r"""LaTeX of one operation of nodes; its numbers stand with it, as in `\times 2` and `+ 1`.

    A formula of several operations has none.
    """
    match formula:
        case Mul(factors) if _flat(factors):
            return _with_number(r"\times", factors, writer)
        case Add((one, Neg(Name()))) if _flat((one,)):
            return f"{writer.write(one)} - {_PLACE}" if isinstance(one, Number) else "-"
        case Add(terms) if _flat(terms):
            return _with_number("+", terms, writer)
        case Div(Number() as above, Name()):
            return f"{writer.write(above)} / {_PLACE}"
        case Div(Name(), below) if _flat((below,)):
            return f"/ {writer.write(below)}" if isinstance(below, Number) else r"\div"
        case Pow(Name(), exponent):
            return rf"(\cdot)^{{{writer.number(exponent)}}}"
        case Neg(Name()):
            return "-"
        case Call(function, arguments) if _flat(arguments):
            return writer.function(function)
        case _:
            return ""


def _flat(parts: tuple[Expr, ...]) -> bool:
    """Whether all are leaves, or such with a sign."""
    inner = (part.operand if isinstance(part, Neg) else part for part in parts)
    return all(isinstance(part, Name | Number | Compare) for part in inner)


def _with_number(mark: str, parts: tuple[Expr, ...], writer: Writer) -> str:
    """A sign between parts, and after it the numbers among them."""
    numbers = [writer.write(part) for part in parts if isinstance(part, Number)]
    return " ".join([mark, *numbers[:1]])
