"""One derivation, in any form and any medium."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.form_views import in_form
from backpropsym.document.derivation.arrays import tensor_latex, tensor_report, tensor_text
from backpropsym.document.derivation.data import data
from backpropsym.document.derivation.latex import LatexView, latex
from backpropsym.document.derivation.markdown import markdown
from backpropsym.document.derivation.terminal import text
from backpropsym.document.derivation.terminal_parts import LIMIT, TextView
from backpropsym.document.writers.json_text import json_text
from backpropsym.document.writers.typst import typst
from backpropsym.errors import OutputError, UnknownNameError, did_you_mean

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".txt": "text", ".tex": "latex", ".md": "markdown", ".typ": "typst", ".json": "json"}
)
"""The medium that the suffix of a file names."""


def medium_of(path: Path) -> str:
    """The medium that the suffix of `path` names.

    Raises
    ------
    OutputError : it names none.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise OutputError(f"{path.name} has no suffix that a derivation can be saved as", fix=f"end it in {known}")
    return SUFFIXES[suffix]


def terminal(derivation: Derivation, form: str, view: TextView) -> Text:
    """`derivation` in `form` for a terminal, each path in its colour."""
    derivation = in_form(derivation, form)
    if derivation.between_arrays:
        return tensor_text(derivation, form, view)
    return text(derivation, form, view)


def latex_fragment(derivation: Derivation, form: str, view: LatexView) -> str:
    """`derivation` in `form` as LaTeX that stands in a document with amsmath and xcolor."""
    derivation = in_form(derivation, form)
    if derivation.between_arrays:
        return tensor_latex(derivation, form, view)
    return latex(derivation, form, view)


def report(
    derivation: Derivation,
    form: str = "paths",
    medium: str = "text",
    values: Values | None = None,
    limit: int | None = None,
    ascii: bool = False,
) -> str:
    """`derivation` in `form`, written for `medium`.

    Parameters
    ----------
    medium : text, latex, markdown, typst or json.
    values : numbers for the numeric form, completed by the network's own.
    limit : the most paths or equations that are listed; default 20 in text, else 1,000. LaTeX lists all.
    ascii : whether text is ASCII only.

    Raises
    ------
    UnknownNameError : no such form or medium.
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    derivation = in_form(derivation, form)
    if medium == "typst":
        return typst(report(derivation, form, "latex", values, limit), derivation.graph.title)
    if derivation.between_arrays:
        return tensor_report(derivation, form, medium, values, limit, ascii)
    match medium:
        case "json":
            return json_text(data(derivation, form, values, limit or MAX_TERMS))
        case "latex":
            return latex(derivation, form, LatexView(values))
        case "markdown":
            return markdown(derivation, form, values, limit or MAX_TERMS)
        case "text":
            return text(derivation, form, TextView(values, limit or LIMIT, ascii)).plain
        case _:
            media = sorted(SUFFIXES.values())
            fix = did_you_mean(medium, media, f"choose one of {', '.join(media)}")
            raise UnknownNameError(f"nothing is written as {medium!r}", fix=fix)
