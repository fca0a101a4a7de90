"""A derivation between arrays as plain data for scripts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from backpropsym.arrays import Values
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.forms.registry import FORMS, array_form
from backpropsym.derive.forms.sympy_text import SympyTexts, with_clear_names
from backpropsym.derive.terms import Term
from backpropsym.document.derivation.array_page import MATRIX_FORMS, matrix_equations
from backpropsym.document.derivation.conventions import conventions
from backpropsym.document.derivation.data import definitions
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.formula.tree import Expr, Limits, names
from backpropsym.ops.kinds import size_of


def tensor_data(
    derivation: Derivation, form: str = "paths", values: Values | None = None, limit: int = MAX_TERMS
) -> dict[str, Any]:
    """`derivation` as data that JSON can hold.

    Returns
    -------
    Keys `of`, `wrt`, `form`, `count`, `indices`, `of_indices`, `terms`, `expression`, `definitions`, `conventions`;
    each term has `path`, `factors`, `product`, `sums` as [index, size] or [index, low, high], and `conditions` as
    [low, formula, high]. `definitions` has the `indices` and the `expression` of an entry of each step of a layer that
    the texts name, such as the scores inside attention. For the forms matrix and backward, `equations` hold node,
    symbol and right side; for the form numeric, `value` holds the numbers. Where a node is called like a word of the
    texts, `renamed` has its name in them.
    """
    table = derivation.graph.functions
    found, renamed = with_clear_names(table, lambda texts: _Data(derivation, form, values, limit, texts).whole())
    return found | ({"renamed": renamed} if renamed else {})


class _Data:
    """The data of one derivation in one form, with every formula as a text of `texts`."""

    def __init__(
        self,
        derivation: Derivation,
        form: str,
        values: Values | None,
        limit: int,
        texts: SympyTexts,
    ) -> None:
        self.derivation = derivation
        self.form = form
        array_form(form)
        self.values = values
        self.texts = texts
        self.terms = list(itertools.islice(derivation.terms, limit))
        self.named: dict[str, None] = {}

    def whole(self) -> dict[str, object]:
        """All of it."""
        derivation, form = self.derivation, self.form
        graph = derivation.graph
        found: dict[str, object] = {
            "of": derivation.ends[0],
            "wrt": derivation.ends[1],
            "form": form,
            "count": derivation.count,
            "indices": list(derivation.indices),
            "of_indices": list(derivation.of_indices),
            "terms": [self._term(term) for term in self.terms],
            "expression": self._text(derivation.tree(form)) if self._writable else None,
            "output": graph.output,
            "conventions": conventions(derivation, AsciiWriter(Notation.of(graph))),
        }
        if form == "numeric":
            found["value"] = np.asarray(derivation.evaluate(**dict(self.values or {}))).tolist()
        if form in MATRIX_FORMS:
            found["equations"] = [
                {"node": each.node, "symbol": each.symbol, "expression": self._text(each.right)}
                for each in matrix_equations(derivation)
            ]
        return found | {"definitions": definitions(graph, self.named, self.texts)}

    @property
    def _writable(self) -> bool:
        """Whether the formula is bounded: a sum over very many paths is not written out."""
        return not FORMS[self.form].entries or self.derivation.count <= MAX_TERMS

    def _text(self, expr: Expr) -> str:
        self.named.update(dict.fromkeys(names(expr)))
        return self.texts.text(expr)

    def _term(self, term: Term) -> dict[str, object]:
        return {
            "path": list(term.path),
            "factors": [self._text(factor) for factor in term.derivatives],
            "product": self._text(term.summand),
            "sums": [self._range(limits) for limits in term.sums],
            "conditions": [[self._text(part) for part in condition] for condition in term.conditions],
        }

    def _range(self, limits: Limits) -> list[object]:
        """[index, size] where the index starts at zero, else [index, low, high]."""
        size = size_of(limits)
        if size is None:
            return [limits.index, self._text(limits.low), self._text(limits.high)]
        return [limits.index, size]
