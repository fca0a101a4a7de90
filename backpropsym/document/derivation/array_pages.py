"""A derivation between tensors, line by line, for a terminal and for LaTeX."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from rich.text import Text

from backpropsym.derive.array_derivation import equation_of, step, steps
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.forms.adjoint_programme import MatrixEquation, matrix_programme
from backpropsym.derive.forms.registry import array_form_of
from backpropsym.derive.terms import Term
from backpropsym.document.derivation.conventions import conventions, spelled_out
from backpropsym.document.derivation.latex import (
    LatexView,
    align,
    braced,
    colour_definitions,
    equation,
    facts_paragraph,
    routes,
    summed,
)
from backpropsym.document.derivation.terminal_parts import TextView, heading, next_steps, numbered, where_lines, widest
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.document.writers.unicode import AsciiWriter, UnicodeWriter
from backpropsym.formula.tree import Expr, Index, Name, names

MAX_SIDE = 8
"""A matrix with more rows or columns than this shows the first ones and the last in LaTeX."""

MAX_SLICES = 6
MAX_STEPS = 4
"""Of more steps inside layers than this a report defines the first ones."""

MATRIX_FORMS = ("matrix", "backward")
INDEX_FORMS = ("paths", "index")


def matrix_equations(derivation: Derivation) -> tuple[MatrixEquation, ...]:
    """The backward programme of a derivation in matrix notation."""
    return matrix_programme(derivation.graph, derivation.of, [derivation.wrt], derivation.of_at)


def adjoint_names(equations: Iterable[MatrixEquation]) -> dict[str, str]:
    """What the symbols of equations are adjoints of."""
    return {each.symbol: each.label for each in equations}


class _Page:
    """What every medium lists of one derivation."""

    def __init__(self, derivation: Derivation, form: str, writer: Writer, limit: int) -> None:
        array_form_of(form)
        self.derivation = derivation
        self.form = form
        if form in MATRIX_FORMS:
            writer = writer.with_adjoints(adjoint_names(matrix_equations(derivation)))
        self.writer = writer
        self.limit = limit

    def paths(self) -> list[tuple[str, ...]]:
        """The paths that are listed."""
        return list(itertools.islice(self.derivation.space, self.limit))

    def terms(self) -> list[Term]:
        """One term a path, as a person writes it."""
        return [self.derivation.term(path, readable=True) for path in self.paths()]

    def equations(self) -> list[tuple[str, str]]:
        """Left and right side of each equation in matrix notation."""
        return [(self._left(each), self.writer.write(each.right)) for each in matrix_equations(self.derivation)]

    def _left(self, equation: MatrixEquation) -> str:
        if equation.node == self.derivation.wrt:
            return self.writer.derivative(self.derivation.ends[0], equation.node)
        return self.writer.write(Name(equation.symbol))

    def factors(self) -> Iterator[Expr]:
        """Every formula that is shown."""
        if self.form in MATRIX_FORMS:
            yield from (each.right for each in matrix_equations(self.derivation))
        elif self.form not in (*INDEX_FORMS, "numeric"):
            yield self.formula()
        else:
            yield from (factor for term in self.terms() for factor in term.derivatives)

    def formula(self) -> Expr:
        """The whole derivative in a form without a page of its own."""
        return self.derivation.tree(self.form)

    def steps(self) -> tuple[list[str], int]:
        """What the steps inside layers are that the formulas name and nobody wrote, and how many are left out."""
        found = steps(self.derivation.graph, (name for shown in self.factors() for name in names(shown)))
        equations = (
            equation_of(self.derivation.graph, self.derivation.graph[name])
            if self.form in MATRIX_FORMS
            else step(self.derivation.graph, name, readable=True)
            for name in found[:MAX_STEPS]
        )
        shown = [f"{self.writer.write(left)} = {self.writer.write(right)}" for left, right in equations]
        return shown, len(found) - len(shown)


def entry_title(derivation: Derivation, writer: Writer) -> str:
    """The derivative that is derived, entry by entry, with its free indices."""
    of, wrt = derivation.ends
    if isinstance(writer, LatexWriter):
        above, below = (
            writer.write(Index(Name(name), tuple(map(Name, indices))) if indices else Name(name))
            for name, indices in ((of, derivation.of_indices), (wrt, derivation.indices))
        )
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    sign = "d" if isinstance(writer, AsciiWriter) else "∂"
    tails = [f"[{','.join(indices)}]" if indices else "" for indices in (derivation.of_indices, derivation.indices)]
    return f"{sign}{writer.name(of)}{tails[0]}/{sign}{writer.name(wrt)}{tails[1]}"


def index_sum(term: Term, writer: Writer) -> str:
    """A term behind the signs of its sums, with its conditions."""
    latex = isinstance(writer, LatexWriter)
    at_most = r"\le" if latex else "<=" if isinstance(writer, AsciiWriter) else "≤"
    sums = " ".join(writer.ranged(limits) for limits in term.sums)
    held = ", ".join(f" {at_most} ".join(map(writer.write, condition)) for condition in term.conditions)
    text = f"{sums} {writer.write(term.summand)}".strip()
    where = r"\quad\text{where }" if latex else "where"
    return f"{text}  {where} {held}" if held else text


class TensorText(_Page):
    """A derivation between tensors on a terminal, each path in the colour that it has in the picture."""

    def __init__(self, derivation: Derivation, form: str, view: TextView) -> None:
        notation = Notation.of(derivation.graph)
        super().__init__(derivation, form, AsciiWriter(notation) if view.ascii else UnicodeWriter(notation), view.limit)
        self.view = view

    def page(self) -> Text:
        """The whole text."""
        if not self.derivation.count:
            of, wrt = self.derivation.of, self.derivation.wrt
            return Text(f"{self.title} = 0", style="bold").append(
                f"\n\n  there is no path from {self.writer.name(wrt)} to {self.writer.name(of)}\n", style="not bold"
            )
        if self.form == "numeric":
            return self.numeric()
        if self.form in MATRIX_FORMS:
            return self.matrix()
        return self.index() if self.form in INDEX_FORMS else self.whole()

    @property
    def title(self) -> str:
        """The derivative, its free indices in brackets."""
        of, wrt = self.derivation.ends
        if not array_form_of(self.form).entries:
            return self.writer.derivative(of, wrt)
        return entry_title(self.derivation, self.writer)

    def index(self) -> Text:
        """One row a path."""
        count = self.derivation.count
        texts = [index_sum(term, self.writer) for term in self.terms()]
        rows = [(self.writer.path(path), text) for path, text in zip(self.paths(), texts, strict=True)]
        table = numbered(rows, self.view.width)
        many = "path" if count == 1 else "paths"
        page = self.head(f"{self.title} = sum over {count_text(count)} layer {many}", table) + Text("\n\n") + table
        if count > len(rows):
            page.append(f"  and {count_text(count - len(rows))} more: --limit N lists more\n", style="dim")
        return page + self.foot()

    def whole(self) -> Text:
        """One formula."""
        body = Text(f"  {self.title} = {self.writer.write(self.formula())}\n")
        return self.head(f"{self.title} in the form {self.form}", body) + Text("\n\n") + body + self.foot()

    def matrix(self) -> Text:
        """One row an adjoint, from the derived node back."""
        pairs = self.equations()
        width = max(len(left) for left, _ in pairs)
        body = Text("".join(f"  {left:<{width}} = {right}\n" for left, right in pairs))
        return self.head(f"{self.title} in matrix notation", body) + Text("\n\n") + body + self.foot()

    def numeric(self) -> Text:
        """The numbers, an entry a parameter."""
        found = np.asarray(self.derivation.evaluate(**dict(self.view.values or {})))
        shape = f", shape ({', '.join(map(str, found.shape))})" if found.shape else ""
        text = np.array2string(
            found, precision=6, suppress_small=False, threshold=200, max_line_width=self.view.width - 4
        )
        body = Text("\n".join(f"  {line}" for line in text.splitlines()) + "\n")
        return self.head(f"{self.title}{shape}", body) + Text("\n\n") + body + self.foot()

    def head(self, left: str, body: Text) -> Text:
        """The heading over `body`."""
        return heading(left, ", ".join(conventions(self.derivation, self.writer)), self.view.width, widest(body))

    def foot(self) -> Text:
        """What f' stands for, and what to try next."""
        where = Text() if self.form == "numeric" else self.where()
        steps = next_steps(self.derivation, self.view)
        return Text("\n") + where + steps if where or steps else Text()

    def where(self) -> Text:
        """What the derivatives of functions and the steps inside layers stand for."""
        shown, more = self.steps()
        lines = [*shown, f"{more:,} more steps inside layers are not shown"] if more else shown
        return where_lines(self.factors(), self.derivation, self.writer, lines)


class TensorLatex(_Page):
    """A derivation between tensors in LaTeX with amsmath and xcolor."""

    def __init__(self, derivation: Derivation, form: str, limit: int, view: LatexView | None = None) -> None:
        super().__init__(derivation, form, LatexWriter(Notation.of(derivation.graph)), limit)
        view = view or LatexView()
        self.room, self.values, self.braces = view.room, view.values, view.braces

    @property
    def title(self) -> str:
        """The derivative, its free indices as subscripts."""
        of, wrt = self.derivation.ends
        if self.form == "numeric" or not array_form_of(self.form).entries:
            return self.writer.derivative(of, wrt)
        return entry_title(self.derivation, self.writer)

    def body(self) -> str:
        """The colours, the formulas and the conventions."""
        if not self.derivation.count:
            return align([f"{self.title} &= 0"])
        if self.form == "numeric":
            found = np.asarray(self.derivation.evaluate(**dict(self.values or {})))
            return align(self.numbers(found))
        if self.form in MATRIX_FORMS:
            lines = [line for left, right in self.equations() for line in equation(left, right, self.room)]
            return align(lines, "[0.6ex]") + self.facts()
        if self.form not in INDEX_FORMS:
            return align(equation(self.title, self.writer.write(self.formula()), self.room)) + self.facts()
        texts = [index_sum(term, self.writer) for term in self.terms()]
        paths = [self.writer.path(path) for path in self.paths()]
        lines = braced(self.title, texts, paths, self.room) if self.braces else summed(self.title, texts, self.room)
        left = self.derivation.count - len(texts)
        if left > 0:
            lines.append(rf"&\quad {{}}+ \cdots \text{{ ({count_text(left)} more)}}")
        listed = "" if self.braces else align(routes(paths, self.writer.arrow, self.room))
        return colour_definitions(len(texts)) + align(lines) + listed + self.facts()

    def facts(self) -> str:
        """Conventions, and what f' and the steps inside layers stand for."""
        found = conventions(self.derivation, self.writer)
        found += spelled_out(self.factors(), self.derivation.graph.functions, self.writer)
        shown, more = self.steps()
        left = [rf"\text{{and {more:,} more steps inside layers}}"] if more else []
        return facts_paragraph([*found, *shown, *left])

    def numbers(self, found: npt.NDArray[np.float64]) -> list[str]:
        """The derivative in numbers: a matrix, or of more axes one for each position of the first ones."""
        if found.ndim <= 2:
            return [f"{self.title} &= {self.matrix_of(found)}"]
        lines = []
        places = list(np.ndindex(*found.shape[:-2]))
        for place in places[:MAX_SLICES]:
            at = ",".join(map(str, place))
            lines.append(rf"\Bigl({self.title}\Bigr)_{{{at}}} &= {self.matrix_of(found[place])}")
        if len(places) > MAX_SLICES:
            lines.append(rf"&\;\;\vdots \quad \text{{({len(places) - MAX_SLICES:,} more)}}")
        return lines

    def matrix_of(self, found: npt.NDArray[np.float64]) -> str:
        """Numbers of shape (), (n,) or (m, n) as a matrix, a vector as a column."""
        if not found.ndim:
            return self.writer.measured(float(found))
        columns = found.reshape(-1, 1) if found.ndim == 1 else found
        rows = [" & ".join(_shortened([self.number(value) for value in row], r"\cdots")) for row in columns]
        dots = " & ".join([r"\vdots"] * (rows[0].count("&") + 1)) if rows else ""
        return r"\begin{pmatrix} " + r" \\ ".join(_shortened(rows, dots)) + r" \end{pmatrix}"

    def number(self, value: float) -> str:
        """A number to four digits."""
        return self.writer.measured(float(f"{value:.4g}"))


def _shortened(parts: Sequence[str], dots: str) -> list[str]:
    """`parts`, or the first ones and the last."""
    return list(parts) if len(parts) <= MAX_SIDE else [*parts[: MAX_SIDE - 2], dots, parts[-1]]
