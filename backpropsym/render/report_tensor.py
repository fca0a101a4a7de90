"""Derivatives of tensors for people and scripts: index notation, and the backward programme in matrix notation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich.text import Text

from backpropsym.derive.derivation import MAX_TERMS
from backpropsym.derive.matrix import callable_products
from backpropsym.derive.plain import plain
from backpropsym.derive.tensors import IndexTerm, TensorDerivation
from backpropsym.derive.unroll import entry_name
from backpropsym.errors import UnknownNameError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Limits, children
from backpropsym.ops.kinds import size_of
from backpropsym.render.conventions import conventions
from backpropsym.render.json_text import json_text
from backpropsym.render.notation import Notation
from backpropsym.render.page_parts import LIMIT, TextView
from backpropsym.render.report_latex import LatexView, preamble
from backpropsym.render.report_markdown import markdown_of
from backpropsym.render.tensor_pages import TensorLatex, TensorText, matrix_equations
from backpropsym.render.unicode import AsciiWriter

FORMS = ("paths", "index", "matrix", "backward", "numeric")


def tensor_report(
    derivation: TensorDerivation,
    form: str = "paths",
    medium: str = "text",
    values: Mapping[str, Any] | None = None,
    limit: int | None = None,
    ascii: bool = False,
) -> str:
    """`derivation` in `form`, written for `medium`: text, markdown, latex or json.

    Raises
    ------
    UnknownNameError : no such form or medium.
    ValuesError : the numeric form lacks numbers.
    """
    check_form(form)
    match medium:
        case "json":
            return json_text(tensor_data(derivation, form, values, limit or MAX_TERMS))
        case "latex":
            return tensor_latex(derivation, form, LatexView(values), limit)
        case "markdown":
            body = TensorLatex(derivation, form, limit or MAX_TERMS, LatexView(values)).body()
            return markdown_of(body, derivation.graph.title)
        case "text":
            return tensor_text(derivation, form, TextView(values, limit or LIMIT, ascii)).plain
        case _:
            raise UnknownNameError(f"nothing is written as {medium!r}", fix="choose text, latex, markdown or json")


def check_form(form: str) -> None:
    """Refuse a form that derivatives of tensors do not have.

    Raises
    ------
    UnknownNameError : no such form.
    """
    if form not in FORMS:
        fix = f"derivatives of tensors have the forms {', '.join(FORMS)}"
        raise UnknownNameError(f"the form {form} is for networks of scalars, or for one entry such as W[0,0]", fix=fix)


def tensor_text(derivation: TensorDerivation, form: str, view: TextView) -> Text:
    """`derivation` in `form` as styled text; its `plain` is the text without colours."""
    check_form(form)
    return TensorText(derivation, form, view).page()


def tensor_latex(derivation: TensorDerivation, form: str, view: LatexView, limit: int | None = None) -> str:
    """`derivation` in `form` as LaTeX that stands in a document with amsmath and xcolor."""
    check_form(form)
    body = TensorLatex(derivation, form, limit or MAX_TERMS, view).body()
    return f"% In the preamble: {preamble()}\n{body}"


def tensor_data(
    derivation: TensorDerivation, form: str = "paths", values: Mapping[str, Any] | None = None, limit: int = MAX_TERMS
) -> dict[str, Any]:
    """`derivation` as data that JSON can hold.

    Returns
    -------
    Keys `of`, `wrt`, `form`, `count`, `indices`, `of_indices`, `terms`, `expression`, `definitions`,
    `conventions`; each term has `path`, `factors`, `product`, `sums` as [index, size] or [index, low, high], and
    `conditions` as [low, formula, high]. `definitions` has the `indices` and the `expression` of an entry of each step
    of a layer that the texts name, such as the scores inside attention. For the forms matrix and backward, `equations`
    hold node, symbol and right side; for the form numeric, `value` holds the numbers.
    """
    graph = derivation.graph
    terms = list(itertools.islice(derivation.terms, limit))
    found: dict[str, Any] = {
        "of": entry_name(derivation.of, derivation.of_at or ()),
        "wrt": entry_name(derivation.wrt, derivation.wrt_at or ()),
        "form": form,
        "count": derivation.count,
        "indices": list(derivation.indices),
        "of_indices": list(derivation.of_indices),
        "terms": [_term(derivation, term) for term in terms],
        "expression": derivation.expression() if derivation.count <= MAX_TERMS else None,
        "definitions": _definitions(derivation, terms),
        "output": graph.output,
        "conventions": conventions(derivation, AsciiWriter(Notation.of(graph))),
    }
    if form == "numeric":
        found["value"] = np.asarray(derivation.evaluate(**dict(values or {}))).tolist()
    if form in ("matrix", "backward"):
        table = graph.functions
        rights = ((each, callable_products(table.written(each.right))) for each in matrix_equations(derivation))
        found["equations"] = [
            {"node": each.node, "symbol": each.symbol, "expression": to_text(right)} for each, right in rights
        ]
        found["expression"] = derivation.expression(form)
    return found


def _term(derivation: TensorDerivation, term: IndexTerm) -> dict[str, Any]:
    written = derivation.graph.functions.written
    return {
        "path": list(term.path),
        "factors": [to_text(plain(written(factor))) for factor in term.factors],
        "product": to_text(plain(written(term.product))),
        "sums": [_range(limits) for limits in term.sums],
        "conditions": [[to_text(plain(part)) for part in condition] for condition in term.conditions],
    }


def _definitions(derivation: TensorDerivation, terms: Iterable[IndexTerm]) -> dict[str, dict[str, Any]]:
    """The steps of layers that the texts name: the indices of an entry, and its formula."""
    written = derivation.graph.functions.written
    found: dict[str, dict[str, Any]] = {}
    for name in derivation.steps(term.product for term in terms):
        entry, formula = derivation.step(name)
        found[name] = {
            "indices": [to_text(each) for each in children(entry)[1:]],
            "expression": to_text(plain(written(formula))),
        }
    return found


def _range(limits: Limits) -> list[Any]:
    """[index, size] where the index starts at zero, else [index, low, high]."""
    size = size_of(limits)
    return [limits.index, to_text(limits.low), to_text(limits.high)] if size is None else [limits.index, size]
