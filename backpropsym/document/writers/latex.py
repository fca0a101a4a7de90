r"""Formula trees as LaTeX mathematics: x_{1} \cdot f'(s_{1}) \cdot v_{11}. Needs amsmath."""

from __future__ import annotations

import re
from fractions import Fraction

from backpropsym.document.notation.names import Notation, plain
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.tree_writer import ATOM, POWER, PRODUCT, SUM, Writer
from backpropsym.formula.text import number_text
from backpropsym.formula.tree import Call, Div, Expr, Limits, Name, Number

_WORD = re.compile(r"\\mathrm\{[^{}]{2,}\}")
_TALL = re.compile(r"\\frac|\\begin|\\left|\\sqrt")
_COMPARISONS = {"<=": r"\le", ">=": r"\ge"}
_LONGEST_EXPONENT = 28
_LONGEST_RIGID = 200
_SLOPE = re.compile(r"([A-Za-z]\w*)'\((-?\d+)\)( = -?\d+(?![\w./]))?")
_SCIENTIFIC = re.compile(r"(-?[\d.]+)e([+-]?)0*(\d+)\Z")


def to_latex(expr: Expr, notation: Notation, thin: bool = False) -> str:
    """`expr` in LaTeX, in the order of the tree; `thin` writes products by a thin space instead of a dot."""
    return LatexWriter(notation, thin).write(expr)


class LatexWriter(Writer):
    """LaTeX with amsmath."""

    medium = 0
    dots = r"\cdots"
    times = r" \cdot "
    space = r" \, "
    arrow = r" \to "

    def level(self, expr: Expr) -> int:
        """How tightly `expr` binds as LaTeX sets it: a fraction needs brackets as the base of a power only."""
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

    def brackets(self, text: str) -> str:
        """`text` in round brackets that are as high as it."""
        if not _TALL.search(text):
            return f"({text})"
        # What stands between \left and \right cannot be broken across lines.
        return rf"\Bigl({text}\Bigr)" if len(text) > _LONGEST_RIGID else rf"\left({text}\right)"

    def option(self, key: str, text: str) -> str:
        """An argument that is given by its name, upright."""
        return rf"{plain(key).latex} = {text}"

    def quoted(self, text: str) -> str:
        """A text inside a formula, upright; the arrow of einsum is an arrow."""
        return r" \to ".join(rf"\text{{{latex_text(part)}}}" for part in text.split("->"))

    def words(self, text: str) -> str:
        """Plain words beside mathematics; slopes such as relu'(0) = 0 in them are mathematics."""
        parts, position = [], 0
        for slope in _SLOPE.finditer(text):
            parts += [
                _upright(text[position : slope.start()]),
                f"{self.function(slope[1])}'({slope[2]}){slope[3] or ''}",
            ]
            position = slope.end()
        return "".join([*parts, _upright(text[position:])])

    def number(self, value: Fraction) -> str:
        """A number; powers of ten written out."""
        text = number_text(value)
        if "/" in text:
            sign = "-" if value < 0 else ""
            return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
        return _scientific(text)

    def measured(self, value: float) -> str:
        """A number that was computed, to six digits."""
        return _scientific(super().measured(value))

    def derivative(self, of: str, by: str) -> str:
        """The quotient d of / d by."""
        return self.notation.derivative(of, by).latex

    def quotient(self, numerator: Expr, denominator: Expr, texts: list[str]) -> str:
        """One part over another; what is too long for a fraction bar is divided by a slash, in brackets."""
        if max(map(len, texts)) > _LONGEST_RIGID:
            return self.brackets(" / ".join(map(self.brackets, texts)))
        return rf"\frac{{{texts[0]}}}{{{texts[1]}}}"

    def power(self, base: str, exponent: Fraction) -> str:
        """A power with a constant exponent."""
        return f"{_carrying(base)}^{{{str(exponent)}}}"

    def compare(self, operator: str, left: str, right: str) -> str:
        """A comparison."""
        return f"{left} {_COMPARISONS.get(operator, operator)} {right}"

    def matrix_product(self, left: str, right: str) -> str:
        """The matrix product of two written operands, which names of several letters need a space to show."""
        return rf"{left} \, {right}" if _WORD.search(left + right) else f"{left} {right}"

    def call(self, function: str, arguments: list[str]) -> str:
        """A function applied."""
        return self.notation.function(function).latex + self.brackets(", ".join(arguments))

    def index(self, base: str, subscripts: list[str]) -> str:
        """An entry of a tensor; a base with an index of its own is set in brackets."""
        if self.notation.brackets:
            return f"{base}[{', '.join(subscripts)}]"
        inner = f"({base})" if "_" in base else base
        return f"{inner}_{{{','.join(subscripts)}}}"

    def limits(self, index: str, low: str, high: str) -> str:
        """The range of an index."""
        return rf"{index} = {low}, \dots, {high}"

    def ranged(self, limits: Limits) -> str:
        """A sum sign with its index."""
        return rf"\sum_{{{limits.index}={self.write(limits.low)}}}^{{{self.write(limits.high)}}}"

    def special(self, function: str, arguments: tuple[Expr, ...], texts: list[str]) -> str | None:
        """Branches, absolute values, roots and short powers of e by their signs."""
        match function:
            case "Sum":
                signs = (self.ranged(each) for each in arguments[1:] if isinstance(each, Limits))
                return f"{' '.join(signs)} {self.bracketed(arguments[0], texts[0], PRODUCT)}"
            case "KroneckerDelta":
                apart = " " if all(isinstance(each, Name | Number) for each in arguments) else ", "
                return rf"\delta_{{{apart.join(texts)}}}"
            case "transpose":
                return f"{_carrying(self.bracketed(arguments[0], texts[0], ATOM))}^{{\\top}}"
            case "outer":
                return f"{self.bracketed(arguments[0], texts[0], POWER)} \\, {_carrying(texts[1])}^{{\\top}}"
            case "entrywise":
                return r" \circ ".join(self.bracketed(a, t, ATOM) for a, t in zip(arguments, texts, strict=True))
            case "inside":
                return rf"[{texts[1]} \le {texts[0]} < {texts[2]}]" + (f" {texts[3]}" if texts[3] != "1" else "")
            case "present":
                return rf"\left({texts[3]} \text{{ where }} {texts[1]} \le {texts[0]} < {texts[2]}\right)"
            case "where":
                condition, then, otherwise = texts
                return (
                    rf"\begin{{cases}} {then} & \text{{if }} {condition} \\ "
                    rf"{otherwise} & \text{{otherwise}} \end{{cases}}"
                )
            case "abs":
                return rf"\left\lvert {texts[0]} \right\rvert"
            case "sqrt":
                return rf"\sqrt{{{texts[0]}}}"
            case "exp" if self.notation.writes_e() and not _TALL.search(texts[0]) and len(texts[0]) < _LONGEST_EXPONENT:
                return f"e^{{{texts[0]}}}"
            case _:
                return None


def _scientific(text: str) -> str:
    """1e-05 as a power of ten; other decimals as they are."""
    match = _SCIENTIFIC.match(text)
    if match is None:
        return text
    digits, sign, exponent = match.groups()
    power = f"10^{{{sign.replace('+', '')}{exponent}}}"
    return power if digits == "1" else rf"{digits} \cdot {power}"


def _upright(text: str) -> str:
    return rf"\text{{{latex_text(text)}}}" if text else ""


def _carrying(base: str) -> str:
    """`base` as it may carry an exponent: a name that has one already in brackets."""
    return rf"\left({base}\right)" if "^" in base and not base.endswith(")") else base
