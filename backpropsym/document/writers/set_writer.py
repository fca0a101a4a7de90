"""Mathematics that is set in two dimensions: what LaTeX and Typst have in common, over trees.

A syntax of this kind says how it writes a fraction, scripts, words and a few signs; what is a fraction, what needs
brackets and where a line may be broken is decided here.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from backpropsym.document.notation.names import plain
from backpropsym.document.writers.lines import STOP, whole
from backpropsym.document.writers.tree_writer import ATOM, DIGITS, POWER, PRODUCT, SUM, Writer
from backpropsym.formula.text import number_text
from backpropsym.formula.tree import Call, Div, Expr, Limits, Name, Number

_LONGEST_EXPONENT = 28
LONGEST_RIGID = 200
"""A longer part is set so that it can be broken across lines: not in a fraction, nor in brackets that stretch."""

LONGEST_BAR = 14.0
"""Ems of a bar as long as it can be."""

_SLOPE = re.compile(r"([A-Za-z]\w*)'\((-?\d+)\)( = -?\d+(?![\w./]))?")
_SCIENTIFIC = re.compile(r"(-?[\d.]+)e([+-]?)0*(\d+)\Z")


class SetWriter(Writer):
    """Writes mathematics that is set with fractions, scripts and signs.

    Attributes
    ----------
    fraction, raised, lowered, stretched, root, absolute, branches, sum_sign : templates of a part over another, of what
        stands above and below a base, of brackets as high as what is in them, of a root, an absolute value, one of two
        formulas (then, condition, otherwise), and a sum sign with its index and limits.
    bold, filled : templates of a verdict, and of a bar by its length in ems.
    circle, low_dots, high_dots, slash, top, delta, partial, percent_sign, by : signs.
    list_comma : between numbers in a list.
    gap : a space between words and numbers.
    tall : finds what is higher than a line in a written formula.
    word : finds a name of several letters in it.
    """

    stop = STOP
    fraction: ClassVar[str]
    raised: ClassVar[str]
    lowered: ClassVar[str]
    stretched: ClassVar[str]
    root: ClassVar[str]
    absolute: ClassVar[str]
    branches: ClassVar[str]
    sum_sign: ClassVar[str]
    bold: ClassVar[str]
    filled: ClassVar[str]
    circle: ClassVar[str]
    low_dots: ClassVar[str]
    high_dots: ClassVar[str]
    slash: ClassVar[str]
    top: ClassVar[str]
    delta: ClassVar[str]
    partial: ClassVar[str]
    percent_sign: ClassVar[str]
    by: ClassVar[str]
    list_comma: ClassVar[str]
    gap: ClassVar[str]
    tall: ClassVar[re.Pattern[str]]
    word: ClassVar[re.Pattern[str]]

    @abstractmethod
    def carrying(self, base: str) -> str:
        """`base` as it may carry an exponent: a name that has one already in brackets."""

    @abstractmethod
    def upright(self, text: str) -> str:
        """Plain words, in which nothing is mathematics."""

    @abstractmethod
    def matrix(self, rows: Sequence[Sequence[str]], brackets: str = "()") -> str:
        """Rows of cells in brackets."""

    @abstractmethod
    def stacked(self, first: str, second: str) -> str:
        """Two lines, one below the other."""

    @abstractmethod
    def width(self, text: str) -> int:
        """About how many letters wide a written formula is set."""

    def level(self, expr: Expr) -> int:
        """How tightly `expr` binds as it is set: a fraction needs brackets as the base of a power only."""
        if isinstance(expr, Div) or (isinstance(expr, Number) and expr.value >= 0 and "/" in number_text(expr.value)):
            return POWER
        if isinstance(expr, Number) and expr.value >= 0 and "e" in number_text(expr.value):
            return PRODUCT
        if isinstance(expr, Name) and self.notation.stands_for_derivative(expr.name):
            return POWER
        if isinstance(expr, Call) and expr.function not in self.notation.table.own:
            if expr.function in ("where", "Sum"):
                return SUM
            if expr.function in ("outer", "entrywise"):
                return PRODUCT
            if expr.function == "exp":
                return POWER
        return super().level(expr)

    def option(self, key: str, text: str) -> str:
        """An argument that is given by its name, upright."""
        return f"{self._pick(plain(key))} = {text}"

    def quoted(self, text: str) -> str:
        """A text inside a formula, upright; the arrow of einsum is an arrow."""
        return self.arrow.join(map(self.upright, text.split("->")))

    def words(self, text: str) -> str:
        """Plain words beside mathematics; slopes such as relu'(0) = 0 in them are mathematics."""
        parts, position = [], 0
        for slope in _SLOPE.finditer(text):
            parts += [self.upright(text[position : slope.start()])]
            parts += [f"{self.function(slope[1])}'({slope[2]}){slope[3] or ''}"]
            position = slope.end()
        return "".join([*parts, self.upright(text[position:])])

    def stated(self, text: str) -> str:
        """A verdict, in bold."""
        return self.bold.format(self.upright(text))

    def bar(self, share: float) -> str:
        """A bar of a chart, filled."""
        return self.filled.format(f"{LONGEST_BAR * share:.2f}")

    def number(self, value: Fraction) -> str:
        """A number; powers of ten written out."""
        text = number_text(value)
        if "/" in text:
            return ("-" if value < 0 else "") + self.fraction.format(str(abs(value.numerator)), str(value.denominator))
        return self._scientific(text)

    def measured(self, value: float, usual: int = DIGITS) -> str:
        """A number that was computed; powers of ten written out."""
        return self._scientific(super().measured(value, usual))

    def percent(self, share: float) -> str:
        """A share of a whole in hundredths; nothing where it is not a number."""
        return super().percent(share).replace(" %", self.percent_sign)

    def _scientific(self, text: str) -> str:
        """1e-05 as a power of ten; other decimals as they are."""
        match = _SCIENTIFIC.match(text)
        if match is None:
            return text
        digits, sign, exponent = match.groups()
        power = self.raised.format("10", sign.replace("+", "") + exponent)
        return power if digits == "1" else f"{digits}{self.times}{power}"

    def derivative(self, of: str, by: str) -> str:
        """The quotient d of / d by."""
        return self._pick(self.notation.derivative(of, by))

    def of_entries(self, of: Expr, by: Expr) -> str:
        """The quotient of entries with their free indices."""
        return self.fraction.format(self.partial + self.write(of), self.partial + self.write(by))

    def quotient(self, numerator: Expr, denominator: Expr, texts: list[str]) -> str:
        """One part over another; what is too long for a fraction bar is divided by a slash, in brackets."""
        above, below = map(whole, texts)
        if max(len(above), len(below)) > LONGEST_RIGID:
            return self.brackets(f"{STOP} {self.slash} ".join(map(self.brackets, texts)))
        return self.fraction.format(above, below)

    def power(self, base: str, exponent: Fraction) -> str:
        """A power with a constant exponent."""
        return self.raised.format(self.carrying(base), str(exponent).replace("/", self.slash))

    def matrix_product(self, left: str, right: str) -> str:
        """The matrix product of two written operands, which names of several letters need a space to show."""
        space = self.space if self.word.search(left + right) else " "
        return f"{left}{self.side_by_side(space)}{right}"

    def index(self, base: str, subscripts: list[str]) -> str:
        """An entry of a tensor; a base with an index of its own is set in brackets."""
        if self.notation.brackets:
            return f"{base}[{', '.join(subscripts)}]"
        return self.lowered.format(self.brackets(base) if "_" in base else base, whole(",".join(subscripts)))

    def limits(self, index: str, low: str, high: str) -> str:
        """The range of an index."""
        return f"{index} = {low}, {self.low_dots}, {high}"

    def ranged(self, limits: Limits) -> str:
        """A sum sign with its index."""
        return self.sum_sign.format(self.name(limits.index), self.write(limits.low), self.write(limits.high))

    def special(self, function: str, arguments: tuple[Expr, ...], texts: list[str]) -> str | None:
        """Branches, absolute values, roots and short powers of e by their signs."""
        match function:
            case "Sum":
                signs = (self.ranged(each) for each in arguments[1:] if isinstance(each, Limits))
                return f"{' '.join(signs)} {self.bracketed(arguments[0], texts[0], PRODUCT)}"
            case "KroneckerDelta":
                apart = " " if all(isinstance(each, Name | Number) for each in arguments) else ", "
                return self.lowered.format(self.delta, whole(apart.join(texts)))
            case "transpose":
                return self.raised.format(self.carrying(self.bracketed(arguments[0], texts[0], ATOM)), self.top)
            case "outer":
                left, right = self.bracketed(arguments[0], texts[0], POWER), self.carrying(texts[1])
                return f"{left}{self.side_by_side(self.space)}{self.raised.format(right, self.top)}"
            case "entrywise":
                pairs = zip(arguments, texts, strict=True)
                return f"{STOP} {self.circle} ".join(self.bracketed(argument, text, ATOM) for argument, text in pairs)
            case "inside":
                held = f"[{whole(self.between(*texts[:3]))}]"
                return held + (f"{self.side_by_side(' ')}{texts[3]}" if texts[3] != "1" else "")
            case "present":
                at, low, high, then = map(whole, texts)
                return self.stretched.format(f"{then} {self.upright(' where ')} {self.between(at, low, high)}")
            case "where":
                condition, then, otherwise = map(whole, texts)
                return self.branches.format(then, condition, otherwise)
            case "abs":
                return self.absolute.format(whole(texts[0]))
            case "sqrt":
                return self.root.format(whole(texts[0]))
            case "exp" if self._short_exponent(whole(texts[0])):
                return self.raised.format("e", whole(texts[0]))
            case _:
                return None

    def raised_top(self, text: str) -> str:
        """The transpose of a written array."""
        return self.raised.format(self.carrying(text), self.top)

    def between(self, at: str, low: str, high: str) -> str:
        """The condition that an index is inside."""
        return f"{low} {self.at_most} {at} < {high}"

    def _short_exponent(self, text: str) -> bool:
        return self.notation.writes_e() and not self.tall.search(text) and len(text) < _LONGEST_EXPONENT
