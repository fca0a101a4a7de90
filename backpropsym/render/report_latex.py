r"""A derivation as a LaTeX fragment: an align* in which each path has the colour that it has in the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backpropsym.derive.derivation import Derivation, NumericTerm
from backpropsym.formula.tree import ONE
from backpropsym.render.conventions import conventions, spelled_out
from backpropsym.render.latex import LatexWriter
from backpropsym.render.lines import broken, width
from backpropsym.render.notation import Notation
from backpropsym.render.pieces import equations, terms
from backpropsym.render.scene import PALETTE

PACKAGES = ("amsmath", "xcolor")
COLUMN = 62
"""Room for a formula in an article's column, in letters."""

LANDSCAPE = 108
"""Room for a formula on a landscape A4 page, in letters."""


@dataclass(frozen=True)
class LatexView:
    """How a derivation is shown in LaTeX: numbers for the numeric form, and the room on a line in letters."""

    values: Mapping[str, Any] | None = None
    room: int = COLUMN


def latex(derivation: Derivation, form: str = "paths", view: LatexView | None = None) -> str:
    """`derivation` in `form` as LaTeX that stands in a document with amsmath and xcolor.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    packages = " ".join(rf"\usepackage{{{package}}}" for package in PACKAGES)
    return f"% In the preamble: {packages}\n{_Fragment(derivation, view or LatexView()).body(form)}"


def colour_name(number: int) -> str:
    """The xcolor name of the path with this number, counted from 1."""
    return f"bpPath{(number - 1) % len(PALETTE) + 1}"


def colour_definitions(count: int) -> str:
    """One definition for each colour that `count` paths use, the same as in the picture."""
    used = PALETTE[:count]
    return "".join(
        rf"\definecolor{{{colour_name(number)}}}{{HTML}}{{{colour[1:]}}}" + "\n"
        for number, colour in enumerate(used, 1)
    )


def coloured(text: str, number: int) -> str:
    """`text` in the colour of a path."""
    return rf"\textcolor{{{colour_name(number)}}}{{{text}}}"


class _Fragment:
    def __init__(self, derivation: Derivation, view: LatexView) -> None:
        self.derivation = derivation
        self.view = view
        self.notation = Notation.of(derivation.graph)
        self.writer = LatexWriter(self.notation)
        self.thin = LatexWriter(self.notation, thin=True)

    def body(self, form: str) -> str:
        derivation = self.derivation
        if derivation.count == 0 or derivation.of == derivation.wrt:
            return _align([f"{self.name(derivation)} &= {int(derivation.of == derivation.wrt)}"])
        forms: dict[str, Callable[[], str]] = {
            "numeric": self.numeric,
            "factored": self.factored,
            "expanded": self.expanded,
            "backward": lambda: self.programme("backward"),
            "forward": lambda: self.programme("forward"),
        }
        return forms.get(form, self.paths)() + self.facts(form)

    def name(self, derivation: Derivation) -> str:
        return self.writer.derivative(derivation.of, derivation.wrt)

    def facts(self, form: str) -> str:
        """Conventions, and what f' stands for, as a paragraph under the formulas."""
        derivation = self.derivation
        locals_ = (derivation.local[link] for link in derivation.links()) if form != "expanded" else ()
        table = derivation.graph.functions
        found = [*conventions(derivation, self.writer), *spelled_out(locals_, table, self.writer)]
        if not found:
            return ""
        listed = ",\n".join(f"${fact}$" for fact in found)
        return f"{{\\raggedright\\noindent Here\n{listed}.\\par}}\n"

    def parts(self) -> tuple[list[str], Derivation]:
        """The lines that keep the factor of the loss apart, and the derivation that is left."""
        outer = self.derivation.outer
        if outer is None:
            return [], self.derivation
        first, inner = outer
        names = self.writer.times.join(map(self.name, outer))
        value = self.thin.write(first.tree("factored"))
        return [f"{self.name(self.derivation)} &= {names}", *self.equation(self.name(first), value)], inner

    def equation(self, left: str, right: str) -> list[str]:
        """left = right, in as many lines as it needs."""
        room = max(self.view.room - width(left), self.view.room // 3)
        first, *others = broken(right, room)
        return [f"{left} &= {first}", *(rf"&\quad {{}}{line}" for line in others)]

    def paths(self) -> str:
        lines, inner = self.parts()
        count = inner.count
        lines += self.sum(self.name(inner), [self.writer.write(tree) for tree in terms(inner, "paths")])
        routes = [
            line for number, path in enumerate(inner.space, 1) for line in self.route(number, self.writer.path(path))
        ]
        return colour_definitions(count) + _align(lines) + _align(routes)

    def sum(self, left: str, written: Sequence[str]) -> list[str]:
        """left = the sum of terms, each in its colour on lines of its own, with its number at the margin."""
        room = max(self.view.room - width(left), self.view.room // 3)
        lines = []
        for number, term in enumerate(written, 1):
            sign, unsigned = ("-", term[1:]) if number > 1 and term.startswith("-") else ("+", term)
            start = f"{left} &= " if number == 1 else rf"&\quad {{}}{sign} "
            first, *others = broken(unsigned, room)
            pieces = [start + coloured(first, number)]
            pieces += [rf"&\qquad {coloured('{}' + line, number)}" for line in others]
            pieces[-1] += rf" \tag*{{{coloured(f'({number})', number)}}}"
            lines += pieces
        return lines

    def route(self, number: int, path: str) -> list[str]:
        """A path by its nodes, beside its number."""
        nodes = path.split(self.writer.arrow)
        rows, row = [], nodes[0]
        for node in nodes[1:]:
            longer = row + self.writer.arrow + node
            if width(longer) > self.view.room:
                rows.append(row)
                row = self.writer.arrow.lstrip() + node
            else:
                row = longer
        first, *others = [*rows, row]
        label = rf"\text{{({number})}}"
        lines = [f"{coloured(label, number)} \\quad & {coloured(first, number)}"]
        return lines + [rf"& \quad {coloured('{}' + line, number)}" for line in others]

    def factored(self) -> str:
        lines, inner = self.parts()
        return _align(lines + self.equation(self.name(inner), self.thin.write(inner.tree("factored"))))

    def expanded(self) -> str:
        trees = terms(self.derivation, "expanded")
        lines = self.sum(self.name(self.derivation), [self.writer.write(each) for each in trees])
        return colour_definitions(len(trees)) + _align(lines)

    def programme(self, direction: str) -> str:
        sides = equations(self.derivation.programme(direction), self.writer)
        return _align((line for left, right in sides for line in self.equation(left, right)), "[0.8ex]")

    def numeric(self) -> str:
        derivation = self.derivation
        listed = list(derivation.numeric(self.view.values)) if terms(derivation, "paths") else []
        total = derivation.evaluate(**dict(self.view.values or {}))
        lines = []
        for number, each in enumerate(listed, 1):
            lines += self.numeric_term(number, each)
        values = [self.writer.measured(each.value) for each in listed]
        whole = " + ".join(f"({value})" if value.startswith("-") else value for value in values)
        result = f"{whole} = {self.writer.measured(total)}" if len(values) > 1 else self.writer.measured(total)
        return colour_definitions(len(listed)) + _align(lines) + _align(self.equation(self.name(derivation), result))

    def numeric_term(self, number: int, each: NumericTerm) -> list[str]:
        """A term, its numbers below, its value and its share."""
        pairs = [pair for pair in zip(each.term.derivatives, each.numbers, strict=True) if pair[0] != ONE]
        digits = [self.writer.measured(value) for _, value in pairs] or ["1"]
        product = self.writer.times.join(f"({value})" if value.startswith("-") else value for value in digits)
        share = "" if each.share != each.share else rf" \quad ({100 * each.share:.1f}\,\%)"
        start, *more = broken(self.writer.write(each.term.tree), self.view.room)
        first, *others = broken(f"{product} = {self.writer.measured(each.value)}{share}", self.view.room)
        label = coloured(rf"\text{{({number})}}", number)
        lines = [f"{label} \\quad & {coloured(start, number)}"]
        lines += [rf"& \quad {coloured('{}' + line, number)}" for line in more]
        lines += [rf"& \quad {{}}= {coloured(first, number)}"]
        return lines + [rf"& \qquad {coloured('{}' + line, number)}" for line in others]


def _align(lines: Iterable[str], apart: str = "") -> str:
    body = f" \\\\{apart}\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"
