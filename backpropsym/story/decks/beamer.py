r"""A story as a Beamer frame: one picture, and overlays that light each path with its term."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from backpropsym.document.formats.latex import fonts
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.picture.formats.tikz import TikzPicture, below
from backpropsym.picture.formats.tikz_style import CENTIMETRE, POINT, styles
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.layout.sizes import PlacedBox
from backpropsym.picture.scene import HighlightedPath, LinkId
from backpropsym.story.steps import Line, LinePart, Prose, Step, Story, spans

WIDTH, HEIGHT = 14.8, 4.9
"""Room for the picture on a slide of 16 by 9 centimetres, in centimetres."""

LARGEST = 1.5
"""The scale of a small picture, at most."""

BELOW = 6.6
"""What picture and formulas share of the height of a slide, in centimetres."""

MACROS = r"""% \lit<slides>{colour}{term}: in its colour on these slides, else pale
\newcommand<>{\lit}[2]{\alt#3{\textcolor{#1}{#2}}{\textcolor{bpPale}{#2}}}
% a formula below the picture, made smaller where it would not fit
\newlength{\formularoom}
\newcommand{\formula}[1]{\adjustbox{max width=\linewidth, max totalheight=\dimexpr\formularoom-3mm}{$\displaystyle #1$}}
\tikzset{
  lit/.style={fill=bpLit, draw=bpInk, text=bpInk},
  lit on/.code args={<#1>}{\alt<#1>{\pgfkeysalso{lit}}{}},
  on path/.code args={<#1>}{\alt<#1>{\pgfkeysalso{draw=bpInk, line width=OUTLINE, text=bpInk}}{}},
  off path/.code args={<#1>}{\alt<#1>{\pgfkeysalso{text=bpQuiet}}{}},
  label on path/.code args={<#1>}{\alt<#1>{\pgfkeysalso{text=bpInk}}{}},
}
"""
EMPHASIS = 0.5
"""How much wider the outline of a box on a lit path is, in pixels of the picture."""


def beamer(story: Story) -> str:
    """`story` as a Beamer document with one slide a step, which pdflatex compiles."""
    return _Deck(story).text()


class _Deck:
    def __init__(self, story: Story) -> None:
        self._story, self._theme = story, story.theme
        self._layout: Layout = story.layout
        self._steps = list(enumerate(story.steps, 1))
        bounds = self._layout.bounds
        self._scale = min(WIDTH * CENTIMETRE / bounds.width, HEIGHT * CENTIMETRE / bounds.height, LARGEST)

    def text(self) -> str:
        """The whole document."""
        body = "\n".join(f"  {line}" for line in self._frame())
        title = latex_text(self._story.title)
        encodings = "" if (title + body).isascii() else fonts()
        return (
            f"\\documentclass[aspectratio=169]{{beamer}}\n{encodings}\\usepackage{{adjustbox}}\n"
            f"{styles(self._layout, self._theme)}{self._colours()}{self._macros()}"
            "\\usefonttheme[onlymath]{serif}\n\\setbeamertemplate{navigation symbols}{}\n"
            "\\setbeamercolor{background canvas}{bg=bpBackground}\n\\setbeamercolor{normal text}{fg=bpInk}\n"
            "\\setbeamercolor{frametitle}{fg=bpInk}\n"
            f"\\title{{{title}}}\n\\date{{}}\n"
            "% For the notes of the speaker: \\setbeameroption{show notes}\n\n"
            f"\\begin{{document}}\n\\begin{{frame}}[t]\n{body}\n\\end{{frame}}\n\\end{{document}}\n"
        )

    def _colours(self) -> str:
        theme = self._theme
        found = {"bpPale": theme.pale, "bpLit": theme.at_work}
        found |= {
            f"bpTerm{highlight.number}": theme.text(highlight.colour) for highlight in self._story.scene.highlights
        }
        return "".join(rf"\definecolor{{{name}}}{{HTML}}{{{value[1:]}}}" + "\n" for name, value in found.items())

    def _macros(self) -> str:
        wide = (self._theme.box_width + EMPHASIS) * POINT
        return MACROS.replace("OUTLINE", f"{wide:.2f}pt")

    def _frame(self) -> Iterator[str]:
        for number, step in self._steps:
            yield rf"\frametitle<{number}>{{{prose(step.title)}}}"
        yield r"\centering\vspace{1mm}"
        yield r"\makebox[\linewidth]{%"
        yield from self._picture().splitlines()
        yield "}"
        left = BELOW - self._scale * self._layout.bounds.height / CENTIMETRE
        yield rf"\par\setlength{{\formularoom}}{{{left:.2f}cm}}"
        yield r"\begin{minipage}[c][\formularoom][c]{\linewidth}\centering"
        for numbers, steps in self._formulas():
            yield from only(numbers, [rf"\formula{{{formula(numbers, steps)}}}"])
        yield r"\end{minipage}\par"
        for number, step in self._steps:
            yield rf"\only<{number}>{{\small\color{{bpQuiet}}{prose(step.caption)}\par}}"
        for number, step in self._steps:
            notes = r"\par ".join(map(prose, step.notes))
            yield rf"\note<{number}>{{{notes}}}"

    def _picture(self) -> str:
        """The one picture; each path on the slides of its steps, each box lit while it is at work."""
        lit = {name: options for name in self._layout.boxes if (options := self._marks(name))}
        picture = TikzPicture(
            self._layout,
            self._theme,
            overlays={
                highlight.number: slides(n for n, step in self._steps if highlight.number in step.highlights) or "<0>"
                for highlight in self._story.scene.highlights
            },
            lit=lit,
            lit_labels=self._label_marks(),
            below={name: text for name, placed in self._layout.boxes.items() if (text := self._below(placed))},
        )
        return picture.text(f"scale={self._scale:.3g}, transform shape")

    def _marks(self, name: str) -> str:
        """On which slides a box is at work, on a lit path, or beside all that are lit."""
        passing = {highlight.number for highlight in self._layout.scene.highlights if name in _visited(highlight)}
        told = [(number, step) for number, step in self._steps if step.highlights]
        found = {
            "on path": slides(number for number, step in told if passing.intersection(step.highlights)),
            "off path": slides(number for number, step in told if not passing.intersection(step.highlights)),
            "lit on": slides(number for number, step in self._steps if name in step.boxes),
        }
        return ", ".join(f"{style}={{{numbers}}}" for style, numbers in found.items() if numbers)

    def _label_marks(self) -> dict[LinkId, str]:
        """On which slides the label of a link is that of a lit path."""
        passing = defaultdict[LinkId, set[int]](set)
        for highlight in self._layout.scene.highlights:
            for link in highlight.links:
                passing[link].add(highlight.number)
        return {
            link: f"label on path={{{slides(n for n, step in self._steps if found.intersection(step.highlights))}}}"
            for link, found in passing.items()
        }

    def _below(self, placed: PlacedBox) -> str:
        """What stands under a box; its adjoint has its room always, and is seen while adjoints are computed."""
        backward = slides(number for number, step in self._steps if step.kind == "backward")
        return below(placed, adjoint=backward or "<0>")

    def _formulas(self) -> Iterator[tuple[list[int], list[Step]]]:
        """Steps one after the other whose formulas differ only in what is lit, with their numbers."""
        for _, group in groupby(self._steps, key=lambda item: _skeleton(item[1])):
            found = [(number, step) for number, step in group if step.columns]
            if found:
                yield [number for number, _ in found], [step for _, step in found]


def _visited(highlight: HighlightedPath) -> set[str]:
    """The boxes on a path; one that starts at a label leaves out the source of its first link."""
    first = set() if highlight.from_label else {highlight.links[0].source}
    return first | {link.target for link in highlight.links}


def _skeleton(step: Step) -> object:
    """What two steps share where only the active terms differ."""
    return tuple(
        tuple(
            (line.left, line.sign, tuple((piece.maths, piece.path_number) for piece in line.pieces)) for line in column
        )
        for column in step.columns
    )


def slides(numbers: Iterable[int]) -> str:
    """An overlay specification, neighbours joined: <2-4,6>; empty for none."""
    text = spans(numbers).replace(" ", "")
    return f"<{text}>" if text else ""


def only(numbers: Sequence[int], lines: Iterable[str]) -> Iterator[str]:
    """`lines` on some slides alone."""
    yield rf"\only{slides(numbers)}{{%"
    yield from lines
    yield "}"


def formula(numbers: Sequence[int], steps: Sequence[Step]) -> str:
    """The formulas of steps that differ only in what is lit, in columns side by side."""
    columns = [
        _aligned([_line(lines, numbers) for lines in zip(*same, strict=True)])
        for same in zip(*(step.columns for step in steps), strict=True)
    ]
    return r" \qquad ".join(columns)


def _aligned(lines: Sequence[str]) -> str:
    return "\\begin{aligned}\n    " + " \\\\[0.6ex]\n    ".join(lines) + "\n  \\end{aligned}"


def _line(same: Sequence[Line], numbers: Sequence[int]) -> str:
    """One line as it stands on several slides."""
    first = same[0]
    pieces = [_piece(found, numbers) for found in zip(*(line.pieces for line in same), strict=True)]
    return " ".join([first.left.latex, "&", _sign(first), *pieces]).strip()


def _sign(line: Line) -> str:
    """A sign that opens a line of a sum is set as one between two terms."""
    return rf"{{}} {line.sign.latex}" if line.sign.latex in ("+", "-") else line.sign.latex


def _piece(same: Sequence[LinePart], numbers: Sequence[int]) -> str:
    """A part of a formula, lit on the slides on which it is active."""
    first = same[0]
    active = [number for number, piece in zip(numbers, same, strict=True) if piece.active]
    colour = f"bpTerm{first.path_number}" if first.path_number is not None else "bpInk"
    if len(active) == len(same):
        return first.maths.latex if first.path_number is None else rf"\textcolor{{{colour}}}{{{first.maths.latex}}}"
    return rf"\lit{slides(active) or '<0>'}{{{colour}}}{{{first.maths.latex}}}"


def prose(parts: Prose) -> str:
    """A line of text for LaTeX, formulas as mathematics."""
    return "".join(latex_text(part) if isinstance(part, str) else f"${part.latex}$" for part in parts)
