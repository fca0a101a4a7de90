"""One derivation, in any form and any format."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.form_views import in_form
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.array_page import ArrayPage
from backpropsym.document.derivation.data import data
from backpropsym.document.derivation.gradients_page import gradients_page
from backpropsym.document.derivation.scalar_page import ScalarPage
from backpropsym.document.formats.latex import LANDSCAPE, fragment, page_document
from backpropsym.document.formats.text import LIMIT, styled
from backpropsym.document.model import Page
from backpropsym.document.registry import COLUMN, Layout, format_of
from backpropsym.graph.graph import Graph


def page(derivation: Derivation, form: str = "paths", view: View | None = None) -> Page:
    """What a page says of `derivation` in `form`.

    Raises
    ------
    UnknownNameError : no such form.
    LimitError, when a format asks for the parts : the form would be too large to write out.
    ValuesError, then too : the numeric form lacks numbers.
    """
    derivation, view = in_form(derivation, form), view or View()
    limit = view.limit or MAX_TERMS
    title = derivation.graph.title
    if derivation.between_arrays:
        arrays = ArrayPage(derivation, form, view)
        return Page(arrays.notation, arrays.make, lambda: tensor_data(derivation, form, view.values, limit), title)
    found = ScalarPage(derivation, form, view)
    return Page(found.notation, found.make, lambda: data(derivation, form, view.values, limit), title)


def report(
    derivation: Derivation,
    form: str = "paths",
    medium: str = "text",
    values: Values | None = None,
    limit: int | None = None,
    ascii: bool = False,
) -> str:
    """`derivation` in `form`, written in the format `medium`.

    Parameters
    ----------
    medium : the name of a registered format, such as text, latex, markdown, typst or json.
    values : numbers for the numeric form, completed by the network's own.
    limit : the most paths or equations that are listed; default 20 in text, 1,000 in Markdown and JSON, else all.
    ascii : whether text is ASCII only.

    Raises
    ------
    UnknownNameError : no such form or format.
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    format = format_of(medium)
    return format.write(page(derivation, form, View(values, limit or format.limit)), Layout(ascii))


def terminal(derivation: Derivation, form: str, view: View | None = None, layout: Layout | None = None) -> Text:
    """`derivation` in `form` for a terminal, each path in its colour."""
    return styled(page(derivation, form, view or View(limit=LIMIT)), layout or Layout())


class LatexOptions(TypedDict, total=False):
    """How a derivation is set in LaTeX.

    Attributes
    ----------
    braces : whether a brace under each term of the explicit sum names its path.
    standalone : whether it is a document of its own, else a fragment for a document with amsmath and xcolor.
    plain : no colours, and no numbers of paths.
    juxtaposed : products side by side, without a sign.
    limit : the most terms or equations that are listed; of the others it says how many they are.
    count_from : 0 or 1, where indices start; None leaves it to the network's own notation, else 0.
    digits : of numbers that were computed.
    """

    braces: bool
    standalone: bool
    plain: bool
    juxtaposed: bool
    limit: int | None
    count_from: int | None
    digits: int | None


def latex(
    derivation: Derivation, form: str = "paths", values: Values | None = None, **options: Unpack[LatexOptions]
) -> str:
    """`derivation` in `form` as LaTeX.

    Raises
    ------
    UnknownNameError : no such form.
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    return set_in_latex(page(derivation, form, View(values, options.get("limit"))), **options)


def gradients_latex(graph: Graph, of: str, **options: Unpack[LatexOptions]) -> str:
    """The derivatives of `of` by all parameters as LaTeX: one backward programme, each adjoint defined once.

    Raises
    ------
    NetworkError : it depends on no parameter.
    NotScalarError : it has axes.
    LimitError : an equation would be too long.
    """
    return set_in_latex(gradients_page(graph, of, View(limit=options.get("limit"))), **options)


def set_in_latex(made: Page, **options: Unpack[LatexOptions]) -> str:
    """A page as LaTeX."""
    standalone, first = options.get("standalone", False), options.get("count_from")
    layout = Layout(
        room=LANDSCAPE if standalone else COLUMN,
        braces=options.get("braces", False),
        plain=options.get("plain", False),
        juxtaposed=options.get("juxtaposed", False),
        digits=options.get("digits"),
    )
    if first is not None:
        made = replace(made, notation=made.notation.counting_from(first))
    return page_document(made, layout) if standalone else fragment(made, layout)
