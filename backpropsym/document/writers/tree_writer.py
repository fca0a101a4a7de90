"""Trees to text in any medium: one loop over the tree, one rule a kind of part, brackets decided once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Self

from backpropsym.document.notation.idioms import rooted, spoken
from backpropsym.document.notation.names import Notation, Symbol
from backpropsym.document.writers.lines import either, whole
from backpropsym.formula.limits import MAX_DEPTH
from backpropsym.formula.text import ATOM, POWER, PRODUCT, SIGN, SUM, number_text, precedence, to_text
from backpropsym.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Index,
    Limits,
    MatMul,
    Mul,
    Name,
    Neg,
    Number,
    Pow,
    Slice,
    Text,
    Tuple,
    children,
    depth,
)

__all__ = ["ATOM", "KEPT", "ONES", "POWER", "PRODUCT", "SIGN", "SUM", "Writer"]


ONES = "ones"
"""The option that says at which side of an array the vectors of ones stand that sum it: left, right, both, ..."""

KEPT = "keepdims"
"""The option that data needs and formulas for people leave out; a line below them says where it holds."""

DIGITS = 6
"""Of numbers that were computed, where nobody says how many."""

FEW_DIGITS = 4
"""Of one number among many."""


TURN = "6.283185307179586"
"""2 pi as formulas in doubles hold it; people read it by its letter."""


class Writer(ABC):
    """Writes trees in the order of their parts, with the fewest brackets that keep the meaning.

    Parameters
    ----------
    notation : how names and functions are written.
    thin : whether products are written by a space where that can be read, instead of by a sign.
    digits : of numbers that were computed; None for as many as is usual where they stand.
    """

    medium: ClassVar[int]
    times: ClassVar[str] = " * "
    space: ClassVar[str] = " "
    arrow: ClassVar[str] = " -> "
    minus: ClassVar[str] = "-"
    dots: ClassVar[str] = "..."
    at_most: ClassVar[str] = "<="
    where: ClassVar[str] = "where"
    ones: ClassVar[str] = ""
    turn: ClassVar[str] = ""
    stop: ClassVar[str] = ""
    """What stands before each sign at which a line may be broken; see `writers.lines`."""

    def __init__(self, notation: Notation, thin: bool = False, digits: int | None = None) -> None:
        self.notation = notation
        self.thin = thin
        self.digits = digits

    def like(self, notation: Notation | None = None, thin: bool | None = None) -> Self:
        """The same writer in another notation, or with other products."""
        return type(self)(notation or self.notation, self.thin if thin is None else thin, self.digits)

    def with_derivatives(self, derivatives: Mapping[str, tuple[str, str]], on_links: Collection[str] = ()) -> Self:
        """The same writer, for which further names stand for derivatives (of, by), some for those on links alone."""
        return self.like(self.notation.with_derivatives(derivatives, on_links))

    def with_adjoints(self, adjoints: Mapping[str, str]) -> Self:
        """The same writer, in which further names stand for the adjoints of nodes."""
        return self.like(self.notation.with_adjoints(adjoints))

    def for_arguments(self) -> Self:
        """The same writer for definitions of functions, whose arguments are no nodes."""
        return self.like(self.notation.for_arguments())

    def write(self, expr: Expr) -> str:
        """`expr` as text, however deep it is."""
        return whole(self.marked(expr))

    def marked(self, expr: Expr) -> str:
        """`expr` as text with a mark before each sign at which a line may be broken."""
        done: list[str] = []
        if depth(expr) <= MAX_DEPTH:
            expr = rooted(expr, self.notation.table)
            expr = spoken(expr, self.notation.entries) if self.notation.entries else expr
        stack: list[tuple[Expr, bool]] = [(expr, False)]
        while stack:
            part, ready = stack.pop()
            inner = children(part)
            if ready or not inner:
                count = len(inner)
                texts = done[len(done) - count :]
                del done[len(done) - count :]
                done.append(self.compose(part, texts))
            else:
                stack.append((part, True))
                stack.extend((child, False) for child in reversed(inner))
        return done[0]

    def compose(self, expr: Expr, texts: list[str]) -> str:
        """One part, given the texts of its direct parts."""
        match expr:
            case Name(name):
                return self._pick(self.notation.symbol(name))
            case Number() if self.turn and self.is_turn(expr):
                return self.turn
            case Number(value):
                return self.number(value)
            case Add(terms):
                return self.sum(terms, texts)
            case Mul(factors):
                return self.product(factors, texts)
            case Div(numerator, denominator):
                return self.quotient(numerator, denominator, texts)
            case Neg(operand):
                return self.minus + self._unsigned(operand, texts[0])
            case Pow(base, exponent):
                return self.power(self.bracketed(base, texts[0], ATOM), exponent)
            case Compare(operator, _, _):
                return self.compare(operator, texts[0], texts[1])
            case MatMul(left, right):
                tight = PRODUCT if isinstance(left, MatMul) else POWER
                parts = (self.bracketed(left, texts[0], tight), self.bracketed(right, texts[1], POWER))
                return self.matrix_product(*parts)
            case Index(base, _):
                return self.index(self.bracketed(base, texts[0], ATOM), texts[1:])
            case Limits(index, _, _):
                return self.limits(self._pick(self.notation.symbol(index)), texts[0], texts[1])
            case Text(value):
                return self.quoted(value)
            case Tuple():
                return self.brackets(", ".join(texts) + ("," if len(texts) == 1 else ""))
            case Slice():
                return to_text(expr)
            case Call():
                return self._call(expr, texts)
            case _:
                raise TypeError(f"{type(expr).__name__} has no written form")

    def level(self, expr: Expr) -> int:
        """How tightly `expr` binds as this writer writes it."""
        if self.ones and isinstance(expr, Call) and ONES in dict(expr.options):
            return PRODUCT
        if self.turn and self.is_turn(expr):
            return PRODUCT
        return precedence(expr)

    def bracketed(self, expr: Expr, text: str, at_least: int) -> str:
        """`text` of `expr`, in brackets where it binds less tightly than `at_least`."""
        return self.brackets(text) if self.level(expr) < at_least else text

    def sum(self, terms: Sequence[Expr], texts: Sequence[str]) -> str:
        """A sum; a term that starts with a minus is subtracted."""
        parts = [self.bracketed(terms[0], texts[0], PRODUCT)]
        for term, text in zip(terms[1:], texts[1:], strict=True):
            parts.append(self.signed(term, text))
        return "".join(parts)

    def signed(self, term: Expr, text: str) -> str:
        """A later term of a sum with the sign that joins it to those before."""
        text = self.bracketed(term, text, PRODUCT)
        if not text.startswith(self.minus):
            return f"{self.stop} + {text}"
        return f"{self.stop} {self.minus} {text[len(self.minus) :]}"

    def product(self, factors: Sequence[Expr], texts: Sequence[str]) -> str:
        """A product in the order of its factors."""
        pairs = enumerate(zip(factors, texts, strict=True))
        return self.joined(self.factor(factor, text, at == 0) for at, (factor, text) in pairs)

    def factor(self, factor: Expr, text: str, first: bool) -> str:
        """One factor of a product, in brackets where it needs them."""
        at_least = POWER if not first or (self.thin and isinstance(factor, Div)) else PRODUCT
        return self.bracketed(factor, text, at_least)

    def joined(self, factors: Iterable[str]) -> str:
        """Written factors as a product; two numbers never stand side by side without a sign."""
        result = ""
        for factor in factors:
            if not result:
                result = factor
            elif self.thin and not factor[0].isdigit():
                result += self.side_by_side(self.space) + factor
            else:
                result += self.stop + self.times + factor
        return result

    def side_by_side(self, space: str) -> str:
        """What stands between factors without a sign: room, and the sign where a line is broken there."""
        return self.stop + either(self.times.lstrip(), space) if self.stop else space

    def _unsigned(self, operand: Expr, text: str) -> str:
        """The operand of a minus; a second sign needs brackets."""
        if text.startswith(self.minus):
            return self.brackets(text)
        return self.bracketed(operand, text, PRODUCT)

    def _call(self, call: Call, texts: list[str]) -> str:
        if call.function not in self.notation.table.own and not call.options:
            written = self.special(call.function, call.arguments, texts)
            if written is not None:
                return written
        count, given = len(call.arguments), dict(call.options)
        side = given.get(ONES)
        if isinstance(side, Text) and (summed := self.summed(call.arguments[0], texts[0], side.value)):
            return summed
        hidden = (ONES,) if side else (KEPT,)
        options = zip(call.options, texts[count:], strict=True)
        named = [self.option(key, text) for (key, _), text in options if key not in hidden]
        return self.call(call.function, texts[:count] + named)

    def summed(self, array: Expr, text: str, side: str) -> str:
        """An array summed by vectors of ones at one of its sides; nothing where there is no sign for them."""
        one, top = self.ones, self.raised_top
        if not one:
            return ""
        body = self.bracketed(array, text, ATOM if side == "transposed" else POWER)
        match side:
            case "left":
                return f"{top(one)} {body}"
            case "left stretched":
                return f"{one} {top(one)} {body}"
            case "right stretched":
                return f"{body} {one} {top(one)}"
            case "transposed":
                return f"{top(body)} {one}"
            case "both":
                return f"{top(one)} {body} {one}"
            case _:
                return f"{body} {one}"

    def raised_top(self, text: str) -> str:
        """The transpose of a written array."""
        return f"{text}ᵀ"

    def _pick(self, symbol: Symbol) -> str:
        return symbol[self.medium]

    def name(self, name: str) -> str:
        """A node."""
        return self._pick(self.notation.symbol(name))

    def function(self, name: str) -> str:
        """A function, without arguments."""
        return self._pick(self.notation.function(name))

    def words(self, text: str) -> str:
        """Plain words beside mathematics."""
        return text

    def path(self, names: Iterable[str]) -> str:
        """A path from its start to its end."""
        return self.arrow.join(map(self.name, names))

    def typed(self, expr: Expr) -> str:
        """A formula as a person types it, where that is how formulas are written."""
        return self.marked(expr)

    def stated(self, text: str) -> str:
        """A verdict."""
        return self.words(text)

    @abstractmethod
    def bar(self, share: float) -> str:
        """A bar of a chart, as a share of the longest."""

    def option(self, key: str, text: str) -> str:
        """An argument that is given by its name."""
        return f"{key}={text}"

    def quoted(self, text: str) -> str:
        """A text inside a formula, such as the subscripts of einsum."""
        return f'"{text}"'

    def brackets(self, text: str) -> str:
        """`text` in round brackets."""
        return f"({text})"

    def number(self, value: Fraction) -> str:
        """A number."""
        return number_text(value)

    def is_turn(self, expr: Expr) -> bool:
        """Whether `expr` is 2 pi, and its letter stands for nothing else."""
        return isinstance(expr, Number) and number_text(expr.value) == TURN and self.notation.writes_pi()

    def measured(self, value: float, usual: int = DIGITS) -> str:
        """A number that was computed, to so many digits unless others are asked for; never minus zero."""
        return f"{value + 0.0:.{self.digits or usual}g}".replace("-", self.minus)

    def percent(self, share: float) -> str:
        """A share of a whole in hundredths; nothing where it is not a number."""
        return "" if math.isnan(share) else f"{100 * share:.1f} %"

    def compare(self, operator: str, left: str, right: str) -> str:
        """A comparison."""
        return f"{left} {operator} {right}"

    def matrix_product(self, left: str, right: str) -> str:
        """The matrix product of two written operands."""
        return f"{left} @ {right}"

    def special(self, function: str, arguments: tuple[Expr, ...], texts: list[str]) -> str | None:
        """A registered function that is written by signs of its own; None for all others."""
        return None

    @abstractmethod
    def derivative(self, of: str, by: str) -> str:
        """The quotient d of / d by."""

    @abstractmethod
    def of_entries(self, of: Expr, by: Expr) -> str:
        """The quotient of entries with their free indices."""

    @abstractmethod
    def quotient(self, numerator: Expr, denominator: Expr, texts: list[str]) -> str:
        """One part over another."""

    @abstractmethod
    def power(self, base: str, exponent: Fraction) -> str:
        """A power with a constant exponent."""

    @abstractmethod
    def call(self, function: str, arguments: list[str]) -> str:
        """A function applied."""

    @abstractmethod
    def index(self, base: str, subscripts: list[str]) -> str:
        """An entry of a tensor."""

    @abstractmethod
    def limits(self, index: str, low: str, high: str) -> str:
        """The range of an index."""

    @abstractmethod
    def ranged(self, limits: Limits) -> str:
        """A sum sign with its index and range."""
