r"""A handout in LaTeX, its pictures in TikZ; pdflatex compiles it."""

from __future__ import annotations

from collections.abc import Iterator

from backpropsym.document.formats.latex import fonts
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.picture.formats.tikz import TikzPicture
from backpropsym.picture.formats.tikz_style import CENTIMETRE, styles
from backpropsym.picture.layout.layout import lay_out
from backpropsym.story.decks.beamer import formula, prose
from backpropsym.story.handout.content import Formulas, Handout, Heading, Paragraph, Picture, Table
from backpropsym.story.handout.parts import displays, with_next
from backpropsym.story.steps import Maths, Step

WIDTH, HEIGHT = 16.5, 5.6
"""The most room of a picture, in centimetres."""

HALVES = r"\par\vspace{0pt plus .6\textheight}\penalty-900\vspace{0pt plus -.6\textheight}"
"""Where the first page ends, unless all fits on it."""


def sheet_latex(sheet: Handout) -> str:
    """`sheet` as a LaTeX document on A4."""
    body = "\n".join(line for part, sticky in with_next(sheet) for line in _written(part, sticky))
    title = latex_text(sheet.title)
    encodings = "" if (title + body).isascii() else fonts()
    return (
        f"\\documentclass[10pt]{{article}}\n{encodings}\\usepackage[a4paper,margin=18mm]{{geometry}}\n"
        f"\\usepackage{{adjustbox}}\n{_preamble(sheet)}"
        "\\newcommand{\\formula}[1]{\\par\\smallskip\\noindent\\hspace*{1em}"
        "\\adjustbox{max width=\\dimexpr\\linewidth-1em, max totalheight=0.9\\textheight}"
        "{$\\displaystyle #1$}\\par\\medskip}\n"
        "\\setlength{\\parindent}{0pt}\\pagestyle{empty}\\raggedbottom\n"
        f"\\begin{{document}}\n{{\\Large {title}\\par}}\\medskip\n{body}\n\\end{{document}}\n"
    )


def _preamble(sheet: Handout) -> str:
    """Styles for the picture with the most paths, which has all that the others have."""
    drawings = sorted((part.drawing for part in sheet.pictures), key=lambda drawing: -len(drawing.scene.highlights))
    theme = drawings[0].theme
    colours = "".join(
        rf"\definecolor{{bpTerm{highlight.number}}}{{HTML}}{{{theme.text(highlight.colour)[1:]}}}" + "\n"
        for highlight in drawings[0].scene.highlights
    )
    return styles(lay_out(drawings[0].scene, theme), theme) + colours


def _written(part: object, sticky: bool) -> Iterator[str]:
    """One part, line by line."""
    match part:
        case Heading(words, halves):
            if halves:
                yield HALVES
            yield rf"\subsection*{{{prose(words)}}}"
        case Paragraph(words):
            yield prose(words) + (r"\par\nobreak" if sticky else r"\par")
        case Formulas(lines, together):
            if together:
                yield r"\par\noindent\begin{minipage}{\linewidth}"
            for columns in displays(lines):
                step = Step("sum", (), (), columns)
                yield rf"\formula{{{formula([1], [step])}}}"
            if together:
                yield r"\end{minipage}\par"
        case Picture(_, drawing):
            layout = lay_out(drawing.scene, drawing.theme, labels=drawing.labels)
            bounds = layout.bounds
            scale = min(WIDTH * CENTIMETRE / bounds.width, HEIGHT * CENTIMETRE / bounds.height, 1.0)
            yield r"\par\medskip\noindent\makebox[\linewidth]{%"
            yield from TikzPicture(layout, drawing.theme).text(f"scale={scale:.3g}, transform shape").splitlines()
            yield r"}\par\nobreak\medskip" if sticky else r"}\par\medskip"
        case Table(header, rows):
            yield rf"\nobreak\smallskip\begin{{tabular}}{{{'l' * len(header)}}}"
            yield rf"{' & '.join(map(latex_text, header))} \\ \hline"
            for row in rows:
                yield rf"{' & '.join(_cell(cell) for cell in row)} \\"
            yield r"\end{tabular}\par"


def _cell(cell: Maths | str) -> str:
    return latex_text(cell) if isinstance(cell, str) else f"${cell.latex}$"
