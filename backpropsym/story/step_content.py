"""What a derivation has to say to each step, between scalars and between tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple

from backpropsym.arrays import Numeric, Values
from backpropsym.derive.analyses.operation_counts import factored_sum, path_sum
from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.adjoint_programme import MatrixEquation, matrix_programme
from backpropsym.derive.terms import NumericTerm
from backpropsym.document.derivation.adjoint_sums import adjoint_sum
from backpropsym.document.derivation.array_page import adjoint_names
from backpropsym.document.derivation.conventions import conventions, kept_axes, spelled_out
from backpropsym.document.derivation.entries import entry_quotient, index_sum
from backpropsym.document.derivation.matrix_notation import MatrixNotation
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import Breakable, broken
from backpropsym.document.writers.mathematics import marked, written
from backpropsym.document.writers.tree_writer import FEW_DIGITS, Writer
from backpropsym.document.writers.unicode import UnicodeWriter
from backpropsym.errors import LimitError, NotScalarError
from backpropsym.formula.tree import ONE, Expr, Name
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name
from backpropsym.picture.scene import HighlightedPath
from backpropsym.story.shortened import elided, ends, shortened
from backpropsym.story.steps import EQUALS, NOTHING, Column, Line, LinePart, Maths, Prose

MAX_LINES = 5
"""A factored form of more lines is left to the backward pass."""


class Equation(NamedTuple):
    """A line of a pass, and the node that it computes."""

    node: str
    line: Line


class Numbers(NamedTuple):
    """A term in numbers: as a product worked out, `= 2 * 3 = 6`, and its value alone."""

    worked: Maths
    value: Maths


class StepContent(ABC):
    """Answers what each step asks of one derivation, in LaTeX and in plain text at once.

    Attributes
    ----------
    alike : whether nodes of one layer are computed alike, so that a few stand for all.
    graph : the network that is derived in, of numbers where an entry is; `network` is the whole one, of arrays too.
    """

    alike: ClassVar[bool] = True
    trivial: Maths | None = None
    total: Maths | None = None

    def __init__(self, derivation: Derivation, digits: int | None = None) -> None:
        self._derivation: Derivation = derivation
        self.graph: Graph = derivation.graph
        self.network: Graph = derivation.network
        notation = Notation.of(derivation.graph)
        self._writers: tuple[Writer, Writer] = (
            LatexWriter(notation, digits=digits),
            UnicodeWriter(notation.on_pages(), digits=digits),
        )
        self.count = derivation.count
        self.start = derivation.wrt
        self.output = derivation.graph.output
        if not derivation.count:
            self.trivial = Maths("0", "0")
        elif not derivation.between_arrays and derivation.wrt == derivation.of:
            self.trivial = Maths("1", "1")

    @property
    @abstractmethod
    def derivative(self) -> Maths:
        """The quotient that is derived."""

    @property
    def of(self) -> Maths:
        """What is derived."""
        return self._name(self._derivation.of)

    @property
    def wrt(self) -> Maths:
        """What it is derived by."""
        return self._name(self._derivation.wrt)

    @abstractmethod
    def term(self, highlight: HighlightedPath) -> Maths:
        """The term of a path."""

    @abstractmethod
    def forward(self, drawn: Iterable[str] = ()) -> Iterator[Equation]:
        """What each node is, in the order in which they are computed; between entries also those that are drawn."""

    @abstractmethod
    def backward(self) -> Iterator[Equation]:
        """The derivative by each node, from the output back."""

    def numbers(self, highlights: Sequence[HighlightedPath]) -> Mapping[int, Numbers]:
        """The terms in numbers by the numbers of their paths, where numbers are asked for."""
        return {}

    def factored_lines(self, max_width: int) -> Column:
        """The factored form, where there is one that is worth a step."""
        return ()

    def saved(self) -> tuple[Prose, ...]:
        """What is gained by computing shared factors once."""
        return ()

    @abstractmethod
    def links(self, highlight: HighlightedPath) -> tuple[Prose, ...]:
        """What to say of each link of a path."""

    def path(self, highlight: HighlightedPath) -> Maths:
        """A path by its nodes."""
        names = [highlight.names[i] for i in ends(len(highlight.names))]
        return Maths(*(elided([w.name(n) for n in names], len(highlight.names), w.arrow, w) for w in self._writers))

    def facts(self, lead: str = "") -> Prose:
        """What a reader must know beside the terms: f = relu, f'(0) = 0."""
        found = list(zip(*map(self._facts, self._writers), strict=True))
        parts: list[str | Maths] = [lead] if found else []
        for place, fact in enumerate(found):
            parts += [", "] * bool(place) + [Maths(*fact)]
        return tuple(parts)

    def _facts(self, writer: Writer) -> list[str]:
        return conventions(self._derivation, writer)

    def _name(self, name: str) -> Maths:
        return Maths(*(writer.name(name) for writer in self._writers))

    def _write(self, tree: Expr) -> Maths:
        return Maths(*(shortened(tree, writer) for writer in self._writers))

    def _line(self, node: str, left: Maths, right: Maths, value: float | None = None) -> Equation:
        """left = right, and its value where there is one."""
        pieces = [LinePart(right)]
        if value is not None:
            pieces += [LinePart(EQUALS), LinePart(self._measured(value))]
        return Equation(node, Line(left, EQUALS, tuple(pieces)))

    def _measured(self, value: float) -> Maths:
        latex, shown = (writer.measured(value, FEW_DIGITS) for writer in self._writers)
        return Maths(latex.replace("-", "{-}", 1) if latex.startswith("-") else latex, shown)


class ScalarContent(StepContent):
    """Between scalars: neurons, or entries of tensors."""

    def __init__(self, derivation: Derivation, values: Values | None = None, digits: int | None = None) -> None:
        super().__init__(derivation, digits)
        self._derivation: Derivation = derivation
        self._values = values
        self._adjoints = {} if values is None or not self.count else derivation.adjoint_values(values)
        if values is not None:
            self.total = self._measured(float(derivation.evaluate(**dict(values))))

    @property
    def derivative(self) -> Maths:
        """The quotient that is derived."""
        return Maths(*(writer.derivative(self._derivation.of, self._derivation.wrt) for writer in self._writers))

    def term(self, highlight: HighlightedPath) -> Maths:
        """The product of the local derivatives, in path order."""
        return self._write(self._derivation.term(highlight.names).tree)

    def links(self, highlight: HighlightedPath) -> tuple[Prose, ...]:
        """The local derivatives along a path, one each."""
        term = self._derivation.term(highlight.names)
        found = []
        for source, target, tree in zip(highlight.names, highlight.names[1:], term.derivatives, strict=False):
            left = Maths(*(writer.derivative(target, source) for writer in self._writers))
            found.append((left, " = ", self._write(tree)))
        return tuple(found)

    def numbers(self, highlights: Sequence[HighlightedPath]) -> Mapping[int, Numbers]:
        """The terms in numbers by the numbers of their paths, where numbers are asked for."""
        if self._values is None:
            return {}
        wanted = {highlight.names: highlight.number for highlight in highlights}
        return {
            wanted[numeric.term.path]: self._worked(numeric)
            for numeric in self._derivation.terms_in_numbers(wanted, self._values)
        }

    def _worked(self, each: NumericTerm) -> Numbers:
        value = self._measured(each.value)
        factors = [n for n, tree in zip(each.numbers, each.term.derivatives, strict=True) if tree != ONE]
        if len(factors) < 2:
            return Numbers(Maths(rf"{{}} = {value.latex}", f"= {value.plain}"), value)
        products = []
        for writer, index, start in zip(self._writers, (0, 1), ("{} ", ""), strict=True):
            texts = [self._measured(factors[i])[index] for i in ends(len(factors))]
            bracketed = [f"({text})" if text.startswith(("-", "−", "{-}")) else text for text in texts]
            product = elided(bracketed, len(factors), writer.stop + writer.times, writer)
            products.append(Breakable(f"{start}= {product} = {value[index]}"))
        return Numbers(Maths(*products), value)

    def _facts(self, writer: Writer) -> list[str]:
        """Besides, what derivatives such as tanh' in the terms stand for."""
        return super()._facts(writer) + spelled_out(self._factors, self.graph.functions, writer)

    @cached_property
    def _factors(self) -> tuple[Expr, ...]:
        """The right sides of the backward pass, which hold every local derivative on a path."""
        if not self.count or self._derivation.of == self._derivation.wrt:
            return ()
        steps = self._derivation.programme("backward")
        return tuple(map(steps.right_side, steps.equations))

    def forward(self, drawn: Iterable[str] = ()) -> Iterator[Equation]:
        """What each node is, in the order in which they are computed; between entries also those that are drawn."""
        formulas = self._derivation.formulas(drawn)
        found = {} if self._values is None else self._derivation.node_values(self._values, formulas)
        for name, formula in formulas.items():
            yield self._line(name, self._name(name), self._write(formula), _number(found.get(name)))

    def backward(self) -> Iterator[Equation]:
        """The derivative by each node, from the output back."""
        if not self.count or self._derivation.of == self._derivation.wrt:
            return
        steps = self._derivation.programme("backward")
        meaning = {steps.symbols[steps.varying(each)]: (each.of, each.by) for each in steps.equations}
        writers = [writer.with_derivatives(meaning) for writer in self._writers]
        for equation in steps.equations[1:]:
            name = steps.varying(equation)
            left = Maths(*(writer.derivative(equation.of, equation.by) for writer in writers))
            right = Maths(*(shortened(steps.right_side(equation), writer) for writer in writers))
            yield self._line(name, left, right, _number(self._adjoints.get(name)))

    def factored_lines(self, max_width: int) -> Column:
        """The factored form; with the factor of the loss kept apart where there is one."""
        if self.count < 2:
            return ()
        thin = LatexWriter(self._writers[0].notation, thin=True)
        lines: list[Line] = []
        parts = self._derivation.outer or (self._derivation,)
        if len(parts) > 1:
            product = Maths(*(w.times.join(w.derivative(each.of, each.wrt) for each in parts) for w in self._writers))
            lines.append(Line(self.derivative, EQUALS, (LinePart(product),)))
        for part in parts:
            try:
                tree = part.tree("factored")
            except LimitError:
                return ()
            latex, left = thin.marked(tree), Maths(*(w.derivative(part.of, part.wrt) for w in self._writers))
            rows = broken(latex, max_width - width(left.latex), width)
            text = self._writers[1].write(tree)
            lines.append(Line(left, EQUALS, (LinePart(Maths(rows[0], text)),)))
            lines += [Line(NOTHING, NOTHING, (LinePart(Maths(rf"\quad {{}}{row}", "")),)) for row in rows[1:]]
        return tuple(lines) if len(lines) <= MAX_LINES else ()

    def saved(self) -> tuple[Prose, ...]:
        """What is gained by computing shared factors once."""
        shared = factored_sum(self._derivation)
        if shared is None or self.count < 2:
            return ()
        whole = path_sum(self._derivation).multiplications
        text = f"Path by path the sum takes {whole:,} multiplications; with shared bricks {shared.multiplications:,}."
        return ((text,),)


class TensorContent(StepContent):
    """Between tensors: terms in index notation, the backward pass in matrix notation."""

    alike = False

    def __init__(self, derivation: Derivation) -> None:
        super().__init__(derivation)
        self._derivation: Derivation = derivation

    @property
    def derivative(self) -> Maths:
        """The quotient that is derived, with its free indices."""
        return Maths(*(written(entry_quotient(self._derivation), writer) for writer in self._writers))

    def term(self, highlight: HighlightedPath) -> Maths:
        """The path's sum over its bound indices."""
        term = self._derivation.term(highlight.names, readable=True)
        return Maths(*(Breakable(marked(index_sum(term), writer)) for writer in self._writers))

    def links(self, highlight: HighlightedPath) -> tuple[Prose, ...]:
        """What each node on the path is."""
        nodes = (self.graph[name] for name in highlight.names)
        found = (equation_of(self.graph, node) for node in nodes if node.op)
        written = self._matrices.written
        return tuple((self._write(left), " = ", self._write(written(right))) for left, right in found)

    def forward(self, drawn: Iterable[str] = ()) -> Iterator[Equation]:
        """What each node is in matrix notation, in the order in which they are computed."""
        needed = self.graph.ancestors(self._derivation.of)
        for name in self.graph.order:
            node = self.graph[name]
            if node.named and node.op is not None and name in needed:
                left, right = equation_of(self.graph, node)
                yield self._line(name, self._write(left), self._write(self._matrices.written(right)))

    def backward(self) -> Iterator[Equation]:
        """The adjoints in matrix notation, entry by entry where it has no sign; none where what is derived has axes."""
        derivation = self._derivation
        writers = [writer.with_adjoints(adjoint_names(self._programme)) for writer in self._writers]
        for equation in self._programme:
            entries = adjoint_sum(self.graph, equation, self._programme)
            if entries and equation.node == derivation.wrt:
                left = self.derivative
            elif entries:
                left = Maths(*(writer.write(entries.left) for writer in writers))
            elif equation.node == derivation.wrt:
                left = Maths(*(writer.derivative(derivation.of, equation.node) for writer in writers))
            else:
                left = Maths(*(writer.write(Name(equation.symbol)) for writer in writers))
            formula = self._matrices.written(equation.right)
            right = Maths(*(written(entries.right, w) if entries else shortened(formula, w) for w in writers))
            yield self._line(equation.node, left, right)

    @cached_property
    def _matrices(self) -> MatrixNotation:
        try:
            return MatrixNotation(self.graph, {each.symbol: each.node for each in self._programme})
        except LimitError:
            return MatrixNotation(self.graph)

    @cached_property
    def _programme(self) -> tuple[MatrixEquation, ...]:
        """The backward pass in matrix notation; empty where what is derived has axes, or is an entry."""
        derivation = self._derivation
        whole = derivation.of_at is None and derivation.wrt_at is None and self.count
        try:
            return matrix_programme(self.graph, derivation.of, [derivation.wrt]) if whole else ()
        except NotScalarError:
            return ()

    def _facts(self, writer: Writer) -> list[str]:
        """Besides, which sums of the backward pass keep their axis."""
        try:
            found = self._programme
        except LimitError:
            found = ()
        shown = (self._matrices.written(each.right) for each in found)
        return super()._facts(writer) + [written(part, writer) for part in kept_axes(shown)]

    @property
    def of(self) -> Maths:
        """What is derived, or its entry."""
        return self._name(entry_name(self._derivation.of, self._derivation.of_at or ()))

    @property
    def wrt(self) -> Maths:
        """What it is derived by, or its entry."""
        return self._name(entry_name(self._derivation.wrt, self._derivation.wrt_at or ()))


def _number(value: Numeric | None) -> float | None:
    """A number at one object; None for none and for a batch."""
    return float(value) if value is not None and getattr(value, "ndim", 0) == 0 else None


def step_content(derivation: Derivation, values: Values | None = None, digits: int | None = None) -> StepContent:
    """Who tells of a derivation; with numbers, of so many digits, where there are `values`, between scalars only."""
    return TensorContent(derivation) if derivation.between_arrays else ScalarContent(derivation, values, digits)
