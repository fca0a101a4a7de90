"""The expression tree of a formula: small, immutable, ours.

SymPy derives and holds what is shown of a derivative; a node's formula lives here, where nothing reorders,
merges or simplifies what the person wrote, and where a tree of any origin stays bounded.

Sums and products are n-ary, so that a sum of a hundred terms has depth one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Expr:
    """A formula. `span` is where it stands in the text it was read from; it takes no part in equality."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A node, a placeholder of a function, or an index."""

    name: str


@dataclass(frozen=True, slots=True)
class Add(Expr):
    """A sum of two or more terms, in the order written. A difference is a sum with a `Neg`."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Mul(Expr):
    """A product of two or more factors, in the order written."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Div(Expr):
    """A quotient."""

    numerator: Expr
    denominator: Expr


@dataclass(frozen=True, slots=True)
class Neg(Expr):
    """Unary minus."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Pow(Expr):
    """A power with a constant exponent."""

    base: Expr
    exponent: Fraction


@dataclass(frozen=True, slots=True)
class MatMul(Expr):
    """The matrix product `left @ right`, as NumPy defines it for one object."""

    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Index(Expr):
    """`base[subscripts]`."""

    base: Expr
    subscripts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """A comparison, `<`, `<=`, `>` or `>=`; it stands inside `where` only."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Limits(Expr):
    """`(index, low, high)` of an indexed sum, both ends included."""

    index: str
    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A quoted text, such as the subscripts of `einsum`."""

    value: str


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    """`start:stop:step` inside brackets, as in Python; None where a bound is left out."""

    start: int | None
    stop: int | None
    step: int


@dataclass(frozen=True, slots=True)
class Tuple(Expr):
    """`(2, 1)` as an argument or an option of an op over axes."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A registered function, op or layer applied to arguments; `options` are the keywords as written."""

    function: str
    arguments: tuple[Expr, ...]
    options: tuple[tuple[str, Expr], ...] = ()


ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))


def number(value: int | Fraction) -> Number:
    """`value` as a leaf."""
    return Number(Fraction(value))


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of `expr`, in the order written."""
    if isinstance(expr, Name | Number):
        return ()  # most parts of a formula, and the last ones that the patterns below would reach
    match expr:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Div(numerator, denominator):
            return (numerator, denominator)
        case Neg(operand):
            return (operand,)
        case Pow(base, _):
            return (base,)
        case MatMul(left, right) | Compare(_, left, right):
            return (left, right)
        case Index(base, subscripts):
            return (base, *subscripts)
        case Limits(_, low, high):
            return (low, high)
        case Tuple(parts):
            return parts
        case Call(_, arguments, options):
            return (*arguments, *(value for _, value in options))
        case _:
            return ()


def rebuild(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """`expr` with its direct parts replaced by `parts`, in the order of `children`."""
    match expr:
        case Add():
            return Add(parts, span=expr.span)
        case Mul():
            return Mul(parts, span=expr.span)
        case Div():
            return Div(parts[0], parts[1], span=expr.span)
        case Neg():
            return Neg(parts[0], span=expr.span)
        case Pow(_, exponent):
            return Pow(parts[0], exponent, span=expr.span)
        case MatMul():
            return MatMul(parts[0], parts[1], span=expr.span)
        case Compare(operator, _, _):
            return Compare(operator, parts[0], parts[1], span=expr.span)
        case Index():
            return Index(parts[0], parts[1:], span=expr.span)
        case Limits(index, _, _):
            return Limits(index, parts[0], parts[1], span=expr.span)
        case Tuple():
            return Tuple(parts, span=expr.span)
        case Call(function, arguments, options):
            count = len(arguments)
            named = tuple((key, part) for (key, _), part in zip(options, parts[count:], strict=True))
            return Call(function, parts[:count], named, span=expr.span)
        case _:
            return expr


def walk(expr: Expr) -> Iterator[Expr]:
    """Every part of `expr`, parents before children, left to right."""
    stack = [expr]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(children(part)))


def names(expr: Expr) -> tuple[str, ...]:
    """The distinct names in `expr`, in the order of first use."""
    return tuple(dict.fromkeys(part.name for part in walk(expr) if isinstance(part, Name)))


def node_names(expr: Expr, hidden: Collection[str] = ()) -> tuple[str, ...]:
    """The distinct names in `expr` that are not indices: neither in `hidden` nor bound by a sum's limits."""
    found: dict[str, None] = {}
    stack: list[tuple[Expr, frozenset[str]]] = [(expr, frozenset(hidden))]
    while stack:
        part, inside = stack.pop()
        if isinstance(part, Name) and part.name not in inside:
            found[part.name] = None
            continue
        below = children(part)
        indices = [child.index for child in below if isinstance(child, Limits)]
        inner = inside.union(indices) if indices else inside
        stack.extend((child, inner) for child in reversed(below) if not isinstance(child, Limits))
    return tuple(found)


def called(expr: Expr) -> tuple[str, ...]:
    """The distinct functions that `expr` calls, in the order of first use."""
    return tuple(dict.fromkeys(part.function for part in walk(expr) if isinstance(part, Call)))


def size(expr: Expr) -> int:
    """The number of parts of `expr`, itself included."""
    return sum(1 for _ in walk(expr))


def depth(expr: Expr) -> int:
    """The number of levels of `expr`; 1 for a leaf."""
    deepest, stack = 0, [(expr, 1)]
    while stack:
        part, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in children(part))
    return deepest


def nested_exponent(expr: Expr) -> Fraction:
    """The largest product of the absolute exponents of powers inside powers; 1 if there are no powers."""
    largest, stack = Fraction(1), [(expr, Fraction(1))]
    while stack:
        part, product = stack.pop()
        if isinstance(part, Pow):
            product *= max(abs(part.exponent), Fraction(1))
            largest = max(largest, product)
        stack.extend((child, product) for child in children(part))
    return largest


def substitute(expr: Expr, replacements: Mapping[str, Expr]) -> Expr:
    """`expr` with every name in `replacements` replaced, all at once."""
    if isinstance(expr, Name):
        return replacements.get(expr.name, expr)
    parts = children(expr)
    if not parts:
        return expr
    return rebuild(expr, tuple(substitute(part, replacements) for part in parts))
