"""A derivation as a LaTeX document of its own, which pdflatex compiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.latex import LANDSCAPE, PACKAGES, LatexView
from backpropsym.document.derivation.report import latex_fragment
from backpropsym.document.writers.latex_escape import latex_text

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


def latex_document(derivation: Derivation, form: str = "paths", view: LatexView | None = None) -> str:
    """A whole document with the title of the network and `derivation` in `form`.

    It needs amsmath, geometry and xcolor, all in TeX Live's recommended collection.

    Raises
    ------
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    wide = replace(view or LatexView(), room=LANDSCAPE)
    body = latex_fragment(derivation, form, wide)
    return document(body, derivation.graph.title, PACKAGES)


def document(body: str, title: str = "", packages: Iterable[str] = PACKAGES, landscape: bool = True) -> str:
    """A whole document around `body`, which needs `packages`; `title` is plain text."""
    used = "".join(rf"\usepackage{{{package}}}" + "\n" for package in packages)
    heading = rf"\section*{{{latex_text(title)}}}" + "\n" if title else ""
    preamble = _PREAMBLE if landscape else _PREAMBLE.replace("a4paper,landscape", "a4paper")
    return (
        f"{preamble}{_FONTS}{used}\\allowdisplaybreaks\n\\pagestyle{{empty}}\n"
        f"\\begin{{document}}\n{heading}{body}\\end{{document}}\n"
    )
