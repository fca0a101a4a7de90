r"""Pages in LaTeX: an align* in which each path has the colour that it has in the picture, tables, whole documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backpropsym.document.formulas import Math, Prose, Words
from backpropsym.document.layouts.aligned import Aligned, colour_name
from backpropsym.document.layouts.latex_tables import LatexTable
from backpropsym.document.model import Derived, Page, Sheet, Table
from backpropsym.document.palette import PALETTE
from backpropsym.document.registry import Format, Layout, define
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.latex_escape import latex_text
from backpropsym.document.writers.mathematics import marked

PACKAGES = ("amsmath", "xcolor")

LANDSCAPE = 128
"""Room for a formula on a landscape A4 page, in letters."""

_DISPLAYED = 86
"""Room for a displayed formula on a portrait A4 page, in letters."""

PORTRAIT_WIDTH = 493.0
LANDSCAPE_WIDTH = 740.0
"""Points of a line of text on an A4 page, upright or not, between margins of 18 mm."""

_TEXT = re.compile(r"\\text\{((?:[^{}]|\{\})*)\}")

_PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[a4paper,landscape,margin=18mm]{geometry}
"""
_FONTS = r"""\IfFileExists{t2aenc.def}{%
  \usepackage[T2A,T1]{fontenc}%
  \newcommand{\bpCyrillic}[1]{{\fontencoding{T2A}\selectfont #1}}%
}{%
  \usepackage[T1]{fontenc}%
  \newcommand{\bpCyrillic}[1]{[Cyrillic: install texlive-lang-cyrillic]}%
}
"""


def fonts() -> str:
    """The font encodings that `document.writers.latex_escape.latex_text` counts on, for a preamble."""
    return _FONTS


def fragment(page: Page, layout: Layout, text_width: float = PORTRAIT_WIDTH) -> str:
    """`page` as LaTeX that stands in a document; its first line says what that document needs.

    Parameters
    ----------
    text_width : of that document, in points; its tables fit.
    """
    needed = " ".join(rf"\usepackage{{{package}}}" for package in packages(page, layout.plain))
    return f"% In the preamble: {needed}\n{LatexPage(page, layout, text_width).body()}"


def page_document(page: Page, layout: Layout, landscape: bool = True) -> str:
    """`page` as a LaTeX document of its own, which pdflatex compiles.

    Where a table needs smaller letters on an upright page, the page is not upright.
    """
    upright = LatexPage(page, layout, PORTRAIT_WIDTH)
    tables = (part for part in page.parts if isinstance(part, Table) and part.rows)
    landscape = landscape or any(LatexTable(table, upright, PORTRAIT_WIDTH).smaller for table in tables)
    written = fragment(page, layout, LANDSCAPE_WIDTH if landscape else PORTRAIT_WIDTH)
    return document(written, page.title, packages(page, layout.plain), landscape)


def packages(page: Page, plain: bool = False) -> tuple[str, ...]:
    """What a document with `page` in it needs, with colours or plain, all of TeX Live's recommended collection."""
    tables = [part for part in page.parts if isinstance(part, Table)]
    derived = any(isinstance(part, Derived) for part in page.parts)
    coloured = (derived and not plain) or any(any(table.colours) for table in tables)
    sheets = any(isinstance(part, Sheet) for part in page.parts)
    for_tables = ("booktabs", "longtable") if tables or sheets else ()
    return ("amsmath", *for_tables, *(("xcolor",) if coloured else ()))


def document(body: str, title: str = "", needed: Iterable[str] = PACKAGES, landscape: bool = True) -> str:
    """A whole document around `body`, which needs these packages; `title` is plain text."""
    used = "".join(rf"\usepackage{{{package}}}" + "\n" for package in needed)
    heading = rf"\section*{{{latex_text(title)}}}" + "\n" if title else ""
    preamble = _PREAMBLE if landscape else _PREAMBLE.replace("a4paper,landscape", "a4paper")
    return (
        f"{preamble}{_FONTS}{used}\\allowdisplaybreaks\n\\pagestyle{{empty}}\n"
        f"\\begin{{document}}\n{heading}{body}\\end{{document}}\n"
    )


class LatexPage(Aligned):
    """LaTeX with amsmath, xcolor, booktabs and longtable."""

    more = r"&\quad "
    deeper = r"&\qquad "
    space = r"\quad"
    wide = r"\qquad"
    nothing = "{}"
    vertical = r"\vdots"
    equal = "{} &= {}"
    coloured = r"\textcolor{{{colour}}}{{{}}}"
    tagged = r"\tag*{{\textcolor{{{colour}}}{{({number})}}}}"
    braced = r"\underbrace{{{}}}_{{{}}}"
    large = r"\Bigl({}\Bigr)"
    and_more = r"&\;\;\vdots \quad \text{{({} more)}}"

    def __init__(self, page: Page, layout: Layout, text_width: float = PORTRAIT_WIDTH):
        super().__init__(page, layout)
        self.text_width = text_width

    def tree_writer(self) -> LatexWriter:
        """What writes the formulas."""
        return LatexWriter(self.page.notation, self.layout.juxtaposed, self.layout.digits)

    def align(self, lines: Iterable[str], apart: float = 0.0) -> str:
        """An align* environment."""
        return f"\\begin{{align*}}\n{self.below(lines, apart)}\n\\end{{align*}}\n"

    def below(self, lines: Iterable[str], apart: float) -> str:
        """Lines below one another."""
        between = f"[{apart:g}ex]" if apart else ""
        return f" \\\\{between}\n".join(f"  {line}" for line in lines)

    def colours(self, count: int) -> str:
        """Colours of xcolor."""
        return "".join(
            rf"\definecolor{{{colour_name(number)}}}{{HTML}}{{{colour[1:]}}}" + "\n"
            for number, colour in enumerate(PALETTE[:count], 1)
        )

    def paragraph(self, text: str) -> str:
        """A paragraph that is not indented."""
        return f"{{\\raggedright\\noindent {text}\\par}}\n"

    def lead(self, text: str) -> str:
        """The beginning of a paragraph, which the formulas end."""
        return rf"\noindent {text}" + "\n"

    def table(self, table: Table) -> str:
        """A table; a high one may break over pages."""
        return "\n".join(self._table_lines(table)) + "\n"

    def table_below(self, table: Table) -> str:
        """A table below a sentence."""
        return f"\n\\medskip\n\n{self.table(table)}"

    def display(self, formulas: Sequence[Math]) -> str:
        """Formulas aligned to the left, long ones broken."""
        rows = []
        for formula in formulas:
            first, *others = self.lines(marked(formula, self.writer), _DISPLAYED)
            rows += [f"& {first} &", *(rf"& \quad {{}}{other} &" for other in others)]
        return "\n\\begin{flalign*}\n" + " \\\\\n".join(rows) + "\n\\end{flalign*}\n"

    def sheet(self, sheet: Sheet) -> str:
        """Numbered paragraphs under a heading."""
        texts = ((head, self.blocks(blocks)) for head, blocks in sheet.items)
        body = "\n".join(f"\\medskip\\noindent\\textbf{{{head}}} {text}\n" for head, text in texts)
        clear = "" if sheet is self.page.parts[0] else "\\clearpage\n"
        return f"{clear}\\section*{{{latex_text(sheet.title)}}}\n{body}"

    def _table_lines(self, table: Table) -> Iterator[str]:
        if table.title:
            yield rf"\subsection*{{\raggedright {self.inline(table.title)}}}"
        if table.rows:
            yield from self.row_colours(table).splitlines()
            yield from LatexTable(table, self, self.text_width).lines()
        yield from (rf"\noindent {self.inline(note)}\par" for note in table.notes)

    def inline(self, prose: Prose) -> str:
        """Words and formulas within a line."""
        match prose:
            case str():
                return latex_text(prose)
            case tuple():
                return "".join(map(self.inline, prose))
            case Words():
                # TeX breaks lines between words, but not inside a \text of a formula.
                return _TEXT.sub(r"$\1$", f"${self.text(prose)}$").replace("$$", "")
            case _:
                text = self.text(prose)
                return rf"$\displaystyle {text}$" if r"\frac" in text else f"${text}$"


define(Format("latex", (".tex",), fragment, document=page_document))
