"""From a derivation and its picture to the steps that explain it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from math import prod

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation, count_text, paths_text
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import broken
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.fitting import BARE, ZOOMED
from backpropsym.picture.scene import HighlightedPath
from backpropsym.story.step_content import Equation, StepContent, step_content
from backpropsym.story.steps import EQUALS, NOTHING, Column, Kind, Line, LinePart, Maths, Prose, Step, Story, spans

MAX_WIDTH = 108
"""Letters that stand side by side on a slide."""

ROWS = {"forward": 4, "backward": 3}
"""The most equations below one another; of a layer with more that are alike, the first ones and the last are listed."""

MAX_TERMS = 4
"""The most terms that stand below one another beside a path; of more, its own alone."""

_MOST_NAMED = 1_000
"""Of more paths than this those that are left out are not named."""

_BETWEEN = 5
_INDENT = 10
Layer = Sequence[Equation]
_PLUS, _DOTS = Maths("+", "+"), Maths(r"\cdots", "⋯")
_DOWN = Line(NOTHING, Maths(r"\vdots", "⋮"), ())


def story(derivation: Derivation, drawing: Drawing, values: Values | None = None, digits: int | None = None) -> Story:
    """`derivation` step by step: the network, the forward pass, each path, the sum, the bricks, the backward pass.

    Parameters
    ----------
    drawing : the picture of the network with the paths of the derivation highlighted.
    values : numbers, completed by the network's own; None shows no numbers.
    digits : of the numbers; None for 4.

    Raises
    ------
    ValuesError : numbers are asked for and some are missing.
    """
    return _StoryBuilder(step_content(derivation, values, digits), drawing).story()


class _StoryBuilder:
    """Puts one story together."""

    def __init__(self, content: StepContent, drawing: Drawing) -> None:
        self._content, self._drawing = content, drawing
        self._scene = drawing.scene
        self._column = {box.id: box.column for box in self._scene.boxes}
        self._order = {box.id: place for place, box in enumerate(self._scene.boxes)}
        self._terms = {highlight.number: content.term(highlight) for highlight in self._scene.highlights}
        self._numbers = content.numbers(self._scene.highlights)
        self._colours = {highlight.number: highlight.colour for highlight in self._scene.highlights}

    def story(self) -> Story:
        """The whole story."""
        steps = (self._network(), *self._forward(), *self._paths(), *self._sum(), *self._bricks(), *self._backward())
        return Story(self._drawing, steps)

    def _network(self) -> Step:
        content, count = self._content, self._content.count
        many = {0: "No path leads", 1: "One path leads"}.get(count, f"{count_text(count)} paths lead")
        caption: Prose = (f"{many} from ", content.wrt, " to ", content.of, *content.facts(". Here "), ".")
        if left_out := [note for note in (BARE, ZOOMED) if note in self._scene.note]:
            caption = (*caption, f" {left_out[0].capitalize()}.")
        question = Line(content.derivative, EQUALS, (LinePart(content.trivial or Maths("{?}", "?")),))
        return Step(
            "network",
            (self._scene.title,),
            caption,
            ((question,),),
            alt=f"The network: {self._inputs()} at the left, {content.output} at the right.",
            notes=(("What is the derivative of ", content.of, " by ", content.wrt, "?"),),
        )

    def _inputs(self) -> str:
        names = [box.name for box in self._scene.boxes if box.role == "input"]
        shown = names if len(names) <= 4 else [names[0], "...", names[-1]]
        return f"inputs {', '.join(shown)}" if names else "no inputs"

    def _forward(self) -> Iterator[Step]:
        drawn = [box.id for box in self._scene.boxes if box.role != "more"]
        layers = defaultdict[int, list[Equation]](list)
        for equation in self._content.forward(drawn):
            if equation.node in self._column:
                layers[self._column[equation.node]].append(equation)
        caption: Prose = ("Each layer is computed from what stands left of it, from the inputs on.",)
        notes: tuple[Prose, ...] = (("The forward pass computes every value once; the backward pass will use them.",),)
        groups = [sorted(layers[key], key=self._place) for key in sorted(layers)]
        for step in self._pass("forward", "Forward pass", caption, groups, notes):
            yield replace(step, caption=(*step.caption, *self._undrawn(step.boxes)))

    def _undrawn(self, boxes: Collection[str]) -> Prose:
        """How many nodes of the layers of `boxes` are left out of the picture, or that some are."""
        columns = {self._column[name] for name in boxes}
        count = sum(box.left_out for box in self._scene.boxes if box.column in columns)
        if ZOOMED not in self._scene.note:
            return (f" {count:,} more, computed alike, are not drawn.",) if count else ()
        arrays = {name.partition("[")[0] for name in boxes if "[" in name}
        whole = sum(prod(map(int, self._content.network[name].shape)) for name in arrays)
        count = whole - sum(name.partition("[")[0] in arrays for name in self._column)
        if arrays:
            return (f" {count:,} more, computed alike, are not drawn.",) if count else ()
        return (" Nodes on no path that is shown are computed, too.",)

    def _backward(self) -> Iterator[Step]:
        content = self._content
        layers: dict[tuple[int, bool], list[Equation]] = {}
        for equation in content.backward():
            if (drawn := equation.node in self._column) or not content.alike:
                layers.setdefault((self._behind(equation.node), drawn), []).append(equation)
            elif equation.node == content.start:
                layers[-1, True] = [equation]
        caption: Prose = ("From ", content.of, " back to ", content.wrt, ": each is computed once and used again.")
        groups = [sorted(layers[key], key=self._place) for key in sorted(layers, reverse=True)]
        notes: tuple[Prose, ...] = (("Read it from the left: every line uses the ones before it.",), *content.saved())
        yield from self._pass("backward", "Backward pass", caption, groups, notes)

    def _behind(self, node: str) -> int:
        """The column of a node; of a step inside formulas that of the leftmost node in whose formula it stands."""
        return -1 if node == self._content.start else min(self._standing(node), default=-1)

    def _standing(self, node: str) -> Iterator[int]:
        if node in self._column:
            yield self._column[node]
        else:
            for user in self._content.graph.consumers[node]:
                yield from self._standing(user)

    def _place(self, equation: Equation) -> int:
        """Where in the picture's order a node stands."""
        return self._order.get(equation.node, 0)

    def _pass(
        self, kind: Kind, title: str, caption: Prose, layers: Sequence[Layer], notes: tuple[Prose, ...]
    ) -> Iterator[Step]:
        """A pass on as many slides as its layers need side by side."""
        if not self._content.alike:
            layers = [layer[at : at + ROWS[kind]] for layer in layers for at in range(0, len(layer), ROWS[kind])]
        pages = list(_pages(layers, ROWS[kind]))
        for number, page in enumerate(pages, 1):
            at_work = frozenset(equation.node for column in page for layer in column for equation in layer)
            listed = [_listed(column, ROWS[kind]) for column in page]
            columns: tuple[Column, ...] = tuple(
                tuple(line for equation in column for line in broken_line(_line(equation))) for column in listed
            )
            heading = title if len(pages) == 1 else f"{title}, part {number} of {len(pages)}"
            names = ", ".join(equation.line.left.plain for column in listed for equation in column if equation)
            alt = f"The network; this step computes {names}."
            yield Step(kind, (heading,), caption, columns, (), at_work, alt, notes)

    def _paths(self) -> Iterator[Step]:
        for highlight in self._scene.highlights:
            yield self._path(highlight)

    def _path(self, highlight: HighlightedPath) -> Step:
        count, plain_path = self._content.count, self._content.path(highlight).plain
        heading = f"Path {highlight.number:,}" + (f" of {count_text(count)}" if count > 1 else "")
        return Step(
            "paths",
            (heading,),
            (self._content.path(highlight), ": the product of the local derivatives along it."),
            (self._lit_terms((highlight.number,)),),
            (highlight.number,),
            alt=f"The network with path {highlight.number} highlighted: {plain_path}.",
            notes=(("Along ", self._content.path(highlight), ":"), *self._content.links(highlight)),
        )

    def _lit_terms(self, lit: Sequence[int]) -> Column:
        """The sum, with the terms of the paths `lit` in their colours; in numbers, that of a single one."""
        if len(lit) == 1 and len(self._scene.highlights) > MAX_TERMS:
            return self._term_among(lit[0])
        lines = []
        for place, highlight in enumerate(self._scene.highlights):
            sign, term = _signed(self._terms[highlight.number]) if place else (EQUALS, self._terms[highlight.number])
            active = highlight.number in lit
            piece = self._of_path(term, highlight.number, active)
            lines += broken_line(Line(NOTHING if place else self._content.derivative, sign, (piece,)))
            if active and len(lit) == 1 and highlight.number in self._numbers:
                lines += _beside_or_below(
                    lines.pop(), self._of_path(self._numbers[highlight.number].worked, highlight.number)
                )
        if self._scene.partial:
            lines.append(Line(NOTHING, _PLUS, (LinePart(_DOTS, None, len(lit) > 1),)))
        return tuple(lines)

    def _of_path(self, maths: Maths, number: int, active: bool = True) -> LinePart:
        """A part of a formula in the colour of its path."""
        return LinePart(maths, number, active, self._colours[number])

    def _term_among(self, number: int) -> Column:
        """One term of a long sum, with dots for those before and after it."""
        sign, term = _signed(self._terms[number])
        place = [highlight.number for highlight in self._scene.highlights].index(number)
        before = (LinePart(_DOTS, None, False), LinePart(sign)) if place else ()
        last = place == len(self._scene.highlights) - 1 and not self._scene.partial
        after = () if last else (LinePart(_PLUS), LinePart(_DOTS, None, False))
        pieces = (*before, self._of_path(term if place else self._terms[number], number), *after)
        lines = broken_line(Line(self._content.derivative, EQUALS, pieces))
        if number in self._numbers:
            worked = self._of_path(self._numbers[number].worked, number)
            lines.append(Line(NOTHING, NOTHING, (worked,)))
        return tuple(lines)

    def _sum(self) -> Iterator[Step]:
        highlights, content = self._scene.highlights, self._content
        if len(highlights) < 2:
            return
        numbers = tuple(highlight.number for highlight in highlights)
        shown = f" {self._scene.note[0].upper()}{self._scene.note[1:]}." if self._scene.note else ""
        yield Step(
            "sum",
            ("The sum over all paths",),
            (
                "One term a path, each in the colour of its path.",
                shown,
                *content.facts(" Here "),
                "."[: bool(content.facts())],
            ),
            tuple(_split((*self._lit_terms(numbers), *self._total()))),
            numbers,
            alt=f"The network with {paths_text(len(highlights))} highlighted, each in its colour.",
            notes=(
                ("The derivative of ", content.of, " by ", content.wrt, " is the sum over all paths of the products "),
                ("of the local derivatives along them (Bauer, 1974).",),
                *self._left_out(),
            ),
        )

    def _left_out(self) -> Iterator[Prose]:
        """Which paths are not told one by one, and why."""
        count, told = self._content.count, {highlight.number for highlight in self._scene.highlights}
        if count <= len(told):
            return
        named = f"paths {spans(set(range(1, count + 1)) - told)}" if count <= _MOST_NAMED else "all others"
        yield (f"Left out, for slides tell but a few paths apart: {named}. draw --path N shows one of them.",)

    def _total(self) -> Column:
        """The sum in numbers, each in the colour of its term."""
        if not self._numbers or not self._content.total:
            return ()
        pieces = []
        for place, highlight in enumerate(self._scene.highlights):
            sign, value = _signed(self._numbers[highlight.number].value)
            if place:
                pieces.append(LinePart(sign))
            pieces.append(self._of_path(value if place else self._numbers[highlight.number].value, highlight.number))
        if self._scene.partial:
            pieces += [LinePart(_PLUS), LinePart(_DOTS)]
        return (Line(NOTHING, EQUALS, (*pieces, LinePart(EQUALS), LinePart(self._content.total))),)

    def _bricks(self) -> Iterator[Step]:
        content = self._content
        lines = content.factored_lines(MAX_WIDTH)
        if not lines:
            return
        numbers = tuple(highlight.number for highlight in self._scene.highlights)
        yield Step(
            "bricks",
            ("Bricks",),
            ("What the paths share is computed once and pulled out.",),
            (lines,),
            numbers,
            alt=f"The network with {paths_text(len(numbers))} highlighted, each in its colour.",
            notes=(("Every path runs through the factors outside the brackets.",), *content.saved()),
        )


def _split(lines: Column) -> Iterator[Column]:
    """A long sum in columns side by side."""
    columns = -(-len(lines) // (MAX_TERMS + 1))
    rows = -(-len(lines) // columns)
    for start in range(0, len(lines), rows):
        yield lines[start : start + rows]


def _shown(layer: Layer, rows: int) -> list[Equation | None]:
    """The equations of a layer that are listed; None for those between that are not."""
    return list(layer) if len(layer) <= rows else [*layer[: rows - 2], None, layer[-1]]


def _listed(layers: Iterable[Layer], rows: int) -> list[Equation | None]:
    """What stands below one another in the column of these layers."""
    return [equation for layer in layers for equation in _shown(layer, rows)]


def _line(equation: Equation | None) -> Line:
    return equation.line if equation else _DOWN


def _stacked(layers: Iterable[Layer], rows: int) -> Iterator[list[Layer]]:
    """Neighbouring layers below one another, while their equations fit in one column."""
    column: list[Layer] = []
    for layer in layers:
        if column and len(_listed([*column, layer], rows)) > rows:
            yield column
            column = []
        column.append(layer)
    if column:
        yield column


def _pages(layers: Iterable[Layer], rows: int) -> Iterator[list[list[Layer]]]:
    """Columns of layers that stand side by side on one slide."""
    page: list[list[Layer]] = []
    filled = 0
    for column in _stacked(layers, rows):
        wide = max(line_width(equation.line) for equation in _listed(column, rows) if equation) + _BETWEEN
        if page and filled + wide > MAX_WIDTH:
            yield page
            page, filled = [], 0
        page.append(column)
        filled += wide
    if page:
        yield page


def line_width(line: Line) -> int:
    """About how many letters wide a line is set."""
    return width(" ".join([line.left.latex, line.sign.latex, *(piece.maths.latex for piece in line.pieces)]))


def broken_line(line: Line, most: int = MAX_WIDTH) -> list[Line]:
    """A line whose longest piece is broken into several lines where it is wider than `most` letters, as on a slide."""
    spare = most - line_width(line)
    if spare >= 0:
        return [line]
    at = max(range(len(line.pieces)), key=lambda i: width(line.pieces[i].maths.latex))
    long = line.pieces[at]
    first_width = max(width(long.maths.latex) + spare, most // 2)
    first, *rest = broken(long.maths.latex, most - _INDENT, width, first_width)
    if not rest:
        return [line]
    rows = [replace(long, maths=Maths(rf"\quad {{}}{row}", "")) for row in rest]
    lines = [replace(line, pieces=(*line.pieces[:at], replace(long, maths=Maths(first, long.maths.plain))))]
    lines += [Line(NOTHING, NOTHING, (row,)) for row in rows]
    lines[-1] = replace(lines[-1], pieces=(*lines[-1].pieces, *line.pieces[at + 1 :]))
    return lines


def _beside_or_below(line: Line, piece: LinePart) -> list[Line]:
    """`line` with a piece after it, or below it where there is no room."""
    longer = replace(line, pieces=(*line.pieces, piece))
    return [longer] if line_width(longer) <= MAX_WIDTH else [line, Line(NOTHING, NOTHING, (piece,))]


def _signed(term: Maths) -> tuple[Maths, Maths]:
    """The sign that joins `term` to the terms before it, and the term without it."""
    for latex, text in (("{-}", "−"), ("-", "−"), ("{-}", "-"), ("-", "-")):
        if term.latex.startswith(latex) and term.plain.startswith(text):
            return Maths("-", "−"), Maths(term.latex.removeprefix(latex), term.plain.removeprefix(text))
    return _PLUS, term
