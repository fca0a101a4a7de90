"""Subscripts in formulas of entries: sums of whole multiples of indices and sizes, and of one value of whole numbers.

One rule for every place where a position is computed, so that each position is a whole number, and its range is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from backpropsym.formula.affine import affine
from backpropsym.formula.algebra import add, mul
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Div, Expr, Index, Name, Number, children, rebuild, walk
from backpropsym.ops.shapes import refuse
from backpropsym.ops.sizes import Dimension, size_difference, size_product, size_sum


@dataclass(frozen=True, slots=True)
class Span:
    """The values of an index: `size` whole numbers from `low`."""

    low: Dimension
    size: Dimension

    @property
    def high(self) -> Dimension:
        """The largest value."""
        return size_sum([self.low, self.size, -1])


@dataclass(frozen=True, slots=True)
class Subscript:
    """A position: a sum of whole multiples.

    Attributes
    ----------
    expr : the formula of the position, without divisions and fractions.
    rest : coefficients of indices and sizes by name, the constant under "".
    data : the value that chooses by data, a name or an entry; None where there is none.
    factor : its coefficient, which is not 0.
    """

    expr: Expr
    rest: Mapping[str, int]
    data: Expr | None = None
    factor: int = 0

    def reach(self, spans: Mapping[str, Span]) -> tuple[Dimension, Dimension]:
        """The smallest and largest value of all but what is chosen by data."""
        lows: list[Dimension] = []
        highs: list[Dimension] = []
        for index, value in self.rest.items():
            span = spans.get(index)
            ends = [span.low, span.high] if span else [index or 1] * 2
            ends = [size_product([value, end]) for end in ends]
            lows.append(ends[value < 0])
            highs.append(ends[value >= 0])
        return size_sum(lows), size_sum(highs)


def both_spans(left: Span, right: Span, index: str, subscript: Expr) -> Span:
    """The values that two ranges share."""
    later, sooner = size_difference(left.low, right.low), size_difference(left.high, right.high)
    if isinstance(later, str) or isinstance(sooner, str):
        message = f"the index {index} runs to {left.high} and to {right.high}, which cannot be compared"
        raise refuse(message, fix="declare both axes with the same symbol", span=subscript.span)
    low, high = left.low if later >= 0 else right.low, left.high if sooner <= 0 else right.high
    return Span(low, size_sum([high, size_product([-1, low]), 1]))


def data_in(expr: Expr, nodes: Collection[str], indices: Collection[str] = ()) -> tuple[Expr, ...]:
    """The values in a subscript that choose by data: names of nodes, and entries of nodes."""
    found: dict[str, Expr] = {}
    _marked(expr, nodes, indices, found)
    return tuple(found.values())


def read_subscript(expr: Expr, nodes: Collection[str], indices: Collection[str] = ()) -> Subscript | None:
    """A subscript as a sum of whole multiples; None where it is none, or holds two values that choose by data.

    Parameters
    ----------
    nodes : the names that are nodes, unless they are among `indices`; all other names are sizes.
    """
    found: dict[str, Expr] = {}
    coefficients = affine(_marked(expr, nodes, indices, found))
    if coefficients is None or any(value.denominator > 1 for value in coefficients.values()):
        return None
    kept = {name: int(value) for name, value in coefficients.items() if value}
    data = [name for name in kept if name in found]
    if len(data) > 1:
        return None
    rest = {name: value for name, value in kept.items() if name not in found}
    if len(kept) < len(coefficients) or any(isinstance(part, Div) or _is_fraction(part) for part in walk(expr)):
        terms = (mul([Number(Fraction(value)), found.get(name) or Name(name)]) for name, value in kept.items() if name)
        expr = add([*terms, Number(Fraction(kept.get("", 0)))])
    return Subscript(expr, rest, found[data[0]], kept[data[0]]) if data else Subscript(expr, rest)


def _is_fraction(expr: Expr) -> bool:
    return isinstance(expr, Number) and expr.value.denominator > 1


def _marked(expr: Expr, nodes: Collection[str], indices: Collection[str], found: dict[str, Expr]) -> Expr:
    """The formula with a name for each value that chooses by data, which `found` gets by that name."""
    match expr:
        case Name(name) if name in nodes and name not in indices:
            found[name] = expr
        case Index():
            found[to_text(expr)] = expr
            return Name(to_text(expr))
    parts = children(expr)
    return rebuild(expr, tuple(_marked(part, nodes, indices, found) for part in parts)) if parts else expr
