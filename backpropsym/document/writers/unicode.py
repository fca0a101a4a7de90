"""Formula trees as readable text: x₁ · f′(s₁) · v₁₁ in Unicode, or plain ASCII."""

from __future__ import annotations

from fractions import Fraction

from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.tree_writer import ATOM, POWER, PRODUCT, SUM, Writer
from backpropsym.formula.letters import SUPERSCRIPTS
from backpropsym.formula.text import number_text, to_text
from backpropsym.formula.tree import Call, Div, Expr, Limits, Name
from backpropsym.ops.kinds import size_of

LONGEST_BAR = 24
"""Letters of a bar as long as it can be."""

_ABOVE = str.maketrans(dict(SUPERSCRIPTS))
_COMPARISONS = {"<=": "≤", ">=": "≥"}


def to_unicode(expr: Expr, notation: Notation, thin: bool = False) -> str:
    """`expr` in Unicode, in the order of the tree; `thin` writes products by a space instead of a dot."""
    return UnicodeWriter(notation, thin).write(expr)


class TextWriter(Writer):
    """What Unicode and ASCII have in common: everything stands on one line."""

    dots = "..."
    summation = "sum"
    differential = "d"
    block = "#"

    def typed(self, expr: Expr) -> str:
        """A formula in the formula language."""
        return to_text(expr)

    def bar(self, share: float) -> str:
        """A bar of a chart, in letters."""
        return self.block * max(1, round(LONGEST_BAR * share))

    def quotient(self, numerator: Expr, denominator: Expr, texts: list[str]) -> str:
        """One part over another; a quotient over something shows in brackets which is which."""
        above = self.bracketed(numerator, texts[0], POWER if self.is_quotient(numerator) else PRODUCT)
        return f"{above}/{self.bracketed(denominator, texts[1], POWER)}"

    def is_quotient(self, expr: Expr) -> bool:
        """Whether `expr` is written with a slash at its top."""
        return isinstance(expr, Div) or (isinstance(expr, Name) and self.notation.stands_for_derivative(expr.name))

    def derivative(self, of: str, by: str) -> str:
        """The quotient d of / d by."""
        return self._pick(self.notation.derivative(of, by))

    def of_entries(self, of: Expr, by: Expr) -> str:
        """The quotient of entries with their free indices."""
        return f"{self.differential}{self.write(of)}/{self.differential}{self.write(by)}"

    def call(self, function: str, arguments: list[str]) -> str:
        """A function applied."""
        return f"{self.function(function)}({', '.join(arguments)})"

    def index(self, base: str, subscripts: list[str]) -> str:
        """An entry of a tensor."""
        return f"{base}[{','.join(subscripts)}]"

    def limits(self, index: str, low: str, high: str) -> str:
        """The range of an index."""
        return f"({index}, {low}, {high})"

    def ranged(self, limits: Limits) -> str:
        """A sum sign with its index."""
        size = size_of(limits)
        if size is None:
            return f"{self.summation} {limits.index}={self.write(limits.low)}..{self.write(limits.high)}"
        return f"{self.summation} {limits.index}<{size}"


class AsciiWriter(TextWriter):
    """The formula language itself, with spaces around every sign."""

    medium = 2
    times = " * "
    space = " * "
    arrow = " -> "

    def power(self, base: str, exponent: Fraction) -> str:
        """A power with a constant exponent."""
        text = str(exponent) if exponent.denominator < 10 else number_text(exponent)
        return f"{base}**{text if text.isdigit() else f'({text})'}"


class UnicodeWriter(TextWriter):
    """Unicode's subscripts, superscripts and signs."""

    medium = 1
    summation = "∑"
    differential = "∂"
    at_most = "≤"
    times = " · "
    arrow = " → "
    dots = "…"
    minus = "−"
    block = "█"
    ones = "1"
    turn = "2π"

    def words(self, text: str) -> str:
        """Plain words beside mathematics, with true primes and minus signs."""
        return text.replace("'(", "′(").replace(" -", f" {self.minus}").replace("(-", f"({self.minus}")

    def number(self, value: Fraction) -> str:
        """A number."""
        return number_text(value).replace("-", self.minus)

    def power(self, base: str, exponent: Fraction) -> str:
        """A power with a constant exponent."""
        if exponent.denominator > 1:
            return f"{base}^({str(exponent).replace('-', self.minus)})"
        return base + str(exponent).translate(_ABOVE)

    def compare(self, operator: str, left: str, right: str) -> str:
        """A comparison."""
        return f"{left} {_COMPARISONS.get(operator, operator)} {right}"

    def matrix_product(self, left: str, right: str) -> str:
        """The matrix product of two written operands, side by side."""
        return f"{left} {right}"

    def level(self, expr: Expr) -> int:
        """How tightly `expr` binds: a root reaches as far as a power."""
        if isinstance(expr, Call) and expr.function in ("outer", "entrywise"):
            return PRODUCT
        if isinstance(expr, Call) and expr.function == "Sum":
            return SUM
        if isinstance(expr, Name) and self.notation.stands_for_derivative(expr.name):
            return POWER
        if isinstance(expr, Call) and expr.function == "sqrt" and "sqrt" not in self.notation.table.own:
            return POWER
        return super().level(expr)

    def special(self, function: str, arguments: tuple[Expr, ...], texts: list[str]) -> str | None:
        """Absolute values, roots and the signs of matrices and indices."""
        match function:
            case "Sum":
                signs = (self.ranged(each) for each in arguments[1:] if isinstance(each, Limits))
                return f"{' '.join(signs)} {self.bracketed(arguments[0], texts[0], PRODUCT)}"
            case "KroneckerDelta":
                return f"δ[{','.join(texts)}]"
            case "transpose":
                return f"{texts[0]}ᵀ" if isinstance(arguments[0], Name) else f"({texts[0]})ᵀ"
            case "outer":
                return f"{self.bracketed(arguments[0], texts[0], POWER)} {texts[1]}ᵀ"
            case "entrywise":
                return " ⊙ ".join(self.bracketed(a, t, ATOM) for a, t in zip(arguments, texts, strict=True))
            case "inside":
                return f"[{texts[1]} ≤ {texts[0]} < {texts[2]}]" + (f" {texts[3]}" if texts[3] != "1" else "")
            case "present":
                return f"({texts[3]} where {texts[1]} ≤ {texts[0]} < {texts[2]})"
        if function == "abs" and "|" not in texts[0]:
            return f"|{texts[0]}|"
        if function == "sqrt":
            return f"√{texts[0]}" if isinstance(arguments[0], Name) or texts[0].isdigit() else f"√({texts[0]})"
        return None
