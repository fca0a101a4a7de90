r"""A derivation as a LaTeX fragment: an align* in which each path has the colour that it has in the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.registry import form_of
from backpropsym.derive.terms import NumericTerm
from backpropsym.document.derivation.conventions import conventions, spelled_out
from backpropsym.document.derivation.listed_parts import equations, terms
from backpropsym.document.notation.names import Notation
from backpropsym.document.palette import PALETTE
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.latex_lines import broken, width
from backpropsym.formula.tree import ONE

PACKAGES = ("amsmath", "xcolor")
COLUMN = 62
"""Room for a formula in an article's column, in letters."""

LANDSCAPE = 108
"""Room for a formula on a landscape A4 page, in letters."""


@dataclass(frozen=True)
class LatexView:
    """How a derivation is shown in LaTeX.

    Attributes
    ----------
    values : numbers for the numeric form.
    room : the room on a line, in letters.
    braces : whether a brace under each term of the explicit sum names its path.
    """

    values: Values | None = None
    room: int = COLUMN
    braces: bool = False


def latex(derivation: Derivation, form: str = "paths", view: LatexView | None = None) -> str:
    """`derivation` in `form` as LaTeX that stands in a document with amsmath and xcolor.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    return f"% In the preamble: {preamble()}\n{_Fragment(derivation, view or LatexView()).body(form)}"


def preamble() -> str:
    """The lines that a document needs before its beginning."""
    return " ".join(rf"\usepackage{{{package}}}" for package in PACKAGES)


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
        form_of(form)
        derivation = self.derivation
        if derivation.count == 0 or derivation.of == derivation.wrt:
            return align([f"{self.name(derivation)} &= {int(derivation.of == derivation.wrt)}"])
        forms: dict[str, Callable[[], str]] = {
            "paths": self.paths,
            "numeric": self.numeric,
            "factored": self.factored,
            "expanded": self.expanded,
            "backward": lambda: self.programme("backward"),
            "forward": lambda: self.programme("forward"),
        }
        return (forms[form]() if form in forms else self.formula(form)) + self.facts(form)

    def name(self, derivation: Derivation) -> str:
        return self.writer.derivative(derivation.of, derivation.wrt)

    def facts(self, form: str) -> str:
        """Conventions, and what f' stands for, as a paragraph under the formulas."""
        derivation = self.derivation
        locals_ = (derivation.local[link] for link in derivation.links()) if form != "expanded" else ()
        table = derivation.graph.functions
        found = [*conventions(derivation, self.writer), *spelled_out(locals_, table, self.writer)]
        return facts_paragraph(found)

    def parts(self) -> tuple[list[str], Derivation]:
        """The lines that keep the factor of the loss apart, and the derivation that is left."""
        outer = self.derivation.outer
        if outer is None:
            return [], self.derivation
        first, inner = outer
        names = self.writer.times.join(map(self.name, outer))
        value = self.thin.write(first.tree("factored"))
        return [f"{self.name(self.derivation)} &= {names}", *equation(self.name(first), value, self.view.room)], inner

    def paths(self) -> str:
        lines, inner = self.parts()
        count = inner.count
        written = [self.writer.write(tree) for tree in terms(inner, "paths")]
        paths = [self.writer.path(path) for path in inner.space]
        if self.view.braces:
            return colour_definitions(count) + align(lines + braced(self.name(inner), written, paths, self.view.room))
        lines += summed(self.name(inner), written, self.view.room)
        return colour_definitions(count) + align(lines) + align(routes(paths, self.writer.arrow, self.view.room))

    def formula(self, form: str) -> str:
        """A form without a page of its own: its formula."""
        return align(
            equation(self.name(self.derivation), self.writer.write(self.derivation.tree(form)), self.view.room)
        )

    def factored(self) -> str:
        lines, inner = self.parts()
        return align(lines + equation(self.name(inner), self.thin.write(inner.tree("factored")), self.view.room))

    def expanded(self) -> str:
        trees = terms(self.derivation, "expanded")
        lines = summed(self.name(self.derivation), [self.writer.write(each) for each in trees], self.view.room)
        return colour_definitions(len(trees)) + align(lines)

    def programme(self, direction: str) -> str:
        sides = equations(self.derivation.programme(direction), self.writer)
        return align((line for left, right in sides for line in equation(left, right, self.view.room)), "[0.8ex]")

    def numeric(self) -> str:
        derivation = self.derivation
        listed = list(derivation.numeric(self.view.values)) if terms(derivation, "paths") else []
        total = derivation.evaluate(**dict(self.view.values or {}))
        lines = []
        for number, each in enumerate(listed, 1):
            lines += self.numeric_term(number, each)
        values = [self.writer.measured(each.value) for each in listed]
        added = " + ".join(f"({value})" if value.startswith("-") else value for value in values)
        result = f"{added} = {self.writer.measured(total)}" if len(values) > 1 else self.writer.measured(total)
        return (
            colour_definitions(len(listed))
            + align(lines)
            + align(equation(self.name(derivation), result, self.view.room))
        )

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


def equation(left: str, right: str, room: int) -> list[str]:
    """left = right for an align environment, in as many lines as it needs."""
    first, *others = broken(right, max(room - width(left), room // 3))
    return [f"{left} &= {first}", *(rf"&\quad {{}}{line}" for line in others)]


def summed(left: str, written: Sequence[str], room: int) -> list[str]:
    """left = the sum of terms, each in its colour on lines of its own, with its number at the margin."""
    room = max(room - width(left), room // 3)
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


def braced(left: str, written: Sequence[str], paths: Sequence[str], room: int) -> list[str]:
    """left = the sum of terms, each over a brace with its path; in parts, each over its own, where it is too long."""
    room = max(room - width(left), room // 3)
    lines = []
    for number, (term, path) in enumerate(zip(written, paths, strict=True), 1):
        sign, unsigned = ("-", term[1:]) if number > 1 and term.startswith("-") else ("+", term)
        start = f"{left} &= " if number == 1 else rf"&\quad {{}}{sign} "
        first, *others = broken(unsigned, room)
        name = rf"\text{{({number})}}\ {path}"
        last = rf"\underbrace{{{others.pop() if others else first}}}_{{{name}}}"
        pieces = [first, *others, last] if len(broken(unsigned, room)) > 1 else [last]
        lines.append(start + coloured(pieces[0], number))
        lines += [rf"&\qquad {coloured('{}' + line, number)}" for line in pieces[1:]]
    return lines


def routes(paths: Iterable[str], arrow: str, room: int) -> list[str]:
    """Paths by their nodes, each beside its number and in its colour."""
    return [line for number, path in enumerate(paths, 1) for line in _route(number, path, arrow, room)]


def _route(number: int, path: str, arrow: str, room: int) -> list[str]:
    nodes = path.split(arrow)
    rows, row = [], nodes[0]
    for node in nodes[1:]:
        longer = row + arrow + node
        if width(longer) > room:
            rows.append(row)
            row = arrow.lstrip() + node
        else:
            row = longer
    first, *others = [*rows, row]
    label = rf"\text{{({number})}}"
    lines = [f"{coloured(label, number)} \\quad & {coloured(first, number)}"]
    return lines + [rf"& \quad {coloured('{}' + line, number)}" for line in others]


def facts_paragraph(facts: Sequence[str]) -> str:
    """What a reader must know, as a paragraph under the formulas."""
    listed = ",\n".join(f"${fact}$" for fact in facts)
    return f"{{\\raggedright\\noindent Here\n{listed}.\\par}}\n" if facts else ""


def align(lines: Iterable[str], apart: str = "") -> str:
    """An align* environment."""
    body = f" \\\\{apart}\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"
