"""The whole story of a network on a page or two: picture, both passes, one gradient path by path, the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from backpropsym.arrays import Values
from backpropsym.checks.report import Report
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.graph.graph import Graph, Role
from backpropsym.picture.content.highlighted_paths import MAX_HIGHLIGHTED
from backpropsym.picture.drawing import Drawing
from backpropsym.story.step_content import StepContent, step_content
from backpropsym.story.steps import NOTHING, Column, Line, LinePart, Maths, Prose, Step
from backpropsym.story.story import line_width, story

MAX_WIDTH = 96
"""Letters side by side on a page."""

MAX_WHOLE = 26
"""Up to so many rows of equations in all, as many beside one another as fit, two pages hold every equation."""

MAX_ROWS = 6
"""Of more, so many rows of each list are shown."""

_BETWEEN = 6

MAX_CHECKED = 12
"""The most rows of the table of the check, or so many where a network is shown whole."""

MAX_CHECKED_WHOLE = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section.

    Attributes
    ----------
    halves : whether the page ends before it, where all does not fit on one.
    """

    prose: Prose
    halves: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of text."""

    prose: Prose


@dataclass(frozen=True, slots=True)
class Formulas:
    """Equations below one another; `together` on one page."""

    lines: Column
    together: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing; `name` tells it from the others of the same handout."""

    name: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[Maths | str, ...], ...]


Part = Heading | Paragraph | Formulas | Picture | Table


@dataclass(frozen=True, slots=True)
class Handout:
    """What stands on the sheet, from the top down."""

    title: str
    parts: tuple[Part, ...]

    @property
    def pictures(self) -> Iterator[Picture]:
        """The pictures, in their order."""
        return (part for part in self.parts if isinstance(part, Picture))


def handout(
    graph: Graph,
    derivations: Mapping[str, Derivation],
    shown: str,
    drawings: tuple[Drawing, Drawing],
    report: Report,
    values: Values | None = None,
    digits: int | None = None,
) -> Handout:
    """The sheet of a network.

    Parameters
    ----------
    derivations : the derivative of the objective by every parameter.
    shown : the parameter whose derivative is shown path by path.
    drawings : the network, and the network with the paths from `shown` highlighted.
    report : the check of the network.
    digits : of numbers in formulas; None for 4.
    """
    parts = _Parts(graph, derivations, shown, values, digits)
    found: list[Part] = [
        Picture("network", drawings[0]),
        Paragraph(parts.counted()),
        Heading(("Forward pass",)),
        Formulas(parts.cut(parts.forward())),
        *parts.remarks(),
        Heading(("Backward pass: every gradient",)),
        *parts.gradients(),
        *parts.paths(drawings[1]),
        Heading(("Check",)),
        *_checked(report, MAX_CHECKED_WHOLE if parts.whole else MAX_CHECKED),
    ]
    return Handout(graph.title or "A network", tuple(found))


def most_paths(derivations: Mapping[str, Derivation]) -> str:
    """The first parameter with the most paths; more than a picture shows count as many."""
    return max(derivations, key=lambda name: min(derivations[name].count, MAX_HIGHLIGHTED))


class _Parts:
    """Writes the sections that need the derivations."""

    def __init__(
        self,
        graph: Graph,
        derivations: Mapping[str, Derivation],
        shown: str,
        values: Values | None,
        digits: int | None = None,
    ) -> None:
        self._graph, self._derivations, self._shown, self._values = graph, derivations, shown, values
        self._digits = digits
        self._contents: dict[str, StepContent] = {
            name: step_content(derivation, values, digits) for name, derivation in derivations.items()
        }

    @property
    def _told(self) -> StepContent:
        return self._contents[self._shown]

    def counted(self) -> Prose:
        """How much there is of everything."""
        roles = [(Role.INPUT, "input"), (Role.PARAMETER, "parameter"), (Role.VALUE, "node")]
        counts = [(sum(n.named for n in self._graph.nodes.values() if n.role is role), noun) for role, noun in roles]
        listed = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        of = self._told.of
        return (f"{listed[0].upper()}{listed[1:]}. Derived is ", of, ".")

    def forward(self) -> Column:
        """What every node is."""
        return tuple(equation.line for equation in self._told.forward())

    @cached_property
    def whole(self) -> bool:
        """Whether the page has room for every equation."""
        return sum(_rows(lines) for lines in (self.forward(), *self._backward())) <= MAX_WHOLE

    def cut(self, lines: Column) -> Column:
        """All equations where the page has room for them, else the first ones and how many there are besides."""
        return lines if self.whole else _cut(lines)

    def remarks(self) -> Iterator[Part]:
        """What a reader must know beside the formulas."""
        facts = self._told.facts("Here ")
        if facts:
            yield Paragraph((*facts, "."))

    def gradients(self) -> Iterator[Part]:
        """The adjoint of every node, each once, then the derivative by every parameter."""
        yield from (Formulas(self.cut(lines)) for lines in self._backward())

    def _backward(self) -> tuple[Column, Column]:
        lines: dict[str, Line] = {}
        last: dict[str, Line] = {}
        for name, content in self._contents.items():
            for equation in content.backward():
                (last if equation.node == name else lines).setdefault(equation.node, equation.line)
        order = {name: place for place, name in enumerate(reversed(self._graph.order))}
        inner = [lines[name] for name in sorted(lines, key=lambda name: order.get(name, 0)) if name not in last]
        return tuple(inner), tuple(last[name] for name in self._contents if name in last)

    def paths(self, drawing: Drawing) -> Iterator[Part]:
        """One derivative as the sum over its paths, beside the picture in which they have the same colours."""
        told = self._told
        yield Heading(("By ", told.wrt, ", path by path"), halves=True)
        many = "one path leads" if told.count == 1 else f"{count_text(told.count)} paths lead"
        yield Paragraph((f"{many[0].upper()}{many[1:]} from ", told.wrt, " to ", told.of, "."))
        yield Picture("paths", drawing)
        for step in story(self._derivations[self._shown], drawing, self._values, self._digits).steps:
            if step.kind == "sum" or (step.kind == "paths" and len(drawing.scene.highlights) == 1):
                yield Formulas(tuple(line for column in step.columns for line in column))
            if step.kind == "bricks":
                yield from _bricks(step)


def _bricks(step: Step) -> Iterator[Part]:
    yield Paragraph(("With what the paths share computed once:",))
    yield from (Formulas(column, together=True) for column in step.columns)


def beside(lines: Sequence[Line]) -> int:
    """How many equations stand beside one another on a page."""
    return max(1, MAX_WIDTH // (max(map(line_width, lines), default=1) + _BETWEEN))


def runs(lines: Sequence[Line]) -> Iterator[Column]:
    """Equations one after the other, parted where those that fit side by side end, and those that do not begin."""
    # A sum reads down its lines; only separate equations may stand beside one another.
    if not all(line.left.latex for line in lines):
        yield tuple(lines)
        return
    for _, run in groupby(lines, key=lambda line: beside([line]) > 1):
        yield tuple(run)


def _rows(lines: Sequence[Line]) -> int:
    """How many lines of the page equations take, long ones broken."""
    return sum(
        -(-len(run) // beside(run)) if beside(run) > 1 else sum(-(-line_width(line) // MAX_WIDTH) for line in run)
        for run in runs(lines)
    )


def _cut(lines: Sequence[Line]) -> Column:
    """The first equations of many, and how many there are besides."""
    most = MAX_ROWS * beside(lines)
    left = len(lines) - most + 1
    if left <= 1:
        return tuple(lines)
    words = Maths(rf"\text{{and {left:,} more}}", f"and {left:,} more")
    return (*lines[: most - 1], Line(Maths(r"\vdots\quad", "⋮"), NOTHING, (LinePart(words),)))


def _checked(report: Report, most: int) -> Iterator[Part]:
    """The verdicts of the check, and what they rest on."""
    yield Paragraph((report.summary,))
    rows = tuple((row.name, *_measures(row.cells), str(row.verdict)) for row in report.rows[:most])
    if rows:
        yield Table(("by", "value", "complex step", "differences", "verdict"), rows)
    if len(report.rows) > most:
        yield Paragraph((f"And {len(report.rows) - most:,} more.",))


def _measures(cells: Sequence[str]) -> tuple[str, str, str]:
    return cells[1], cells[2], cells[3]
