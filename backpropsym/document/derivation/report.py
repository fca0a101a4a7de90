"""One derivation, in any form and any format."""

from __future__ import annotations

from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.form_views import in_form
from backpropsym.document.derivation.actions import View
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.array_page import ArrayPage
from backpropsym.document.derivation.data import data
from backpropsym.document.derivation.scalar_page import ScalarPage
from backpropsym.document.formats.latex import LANDSCAPE, fragment, page_document
from backpropsym.document.formats.text import LIMIT, styled
from backpropsym.document.model import Page
from backpropsym.document.registry import COLUMN, Layout, format_of


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


def latex(
    derivation: Derivation,
    form: str = "paths",
    values: Values | None = None,
    braces: bool = False,
    standalone: bool = False,
) -> str:
    """`derivation` in `form` as LaTeX: a fragment for a document with amsmath and xcolor, or a document of its own.

    Parameters
    ----------
    braces : whether a brace under each term of the explicit sum names its path.

    Raises
    ------
    UnknownNameError : no such form.
    LimitError : the form would be too large to write out.
    ValuesError : the numeric form lacks numbers.
    """
    made = page(derivation, form, View(values))
    layout = Layout(room=LANDSCAPE if standalone else COLUMN, braces=braces)
    return page_document(made, layout) if standalone else fragment(made, layout)
