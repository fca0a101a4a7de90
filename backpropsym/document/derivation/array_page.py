"""The derivative of or by what has axes as a page: in index notation, in matrix notation, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice

import numpy as np

from backpropsym.derive.array_derivation import equation_of, step, steps
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.forms.adjoint_programme import MatrixEquation, matrix_programme
from backpropsym.derive.forms.registry import FORMS, array_form
from backpropsym.derive.terms import Term
from backpropsym.document.derivation.actions import View, next_steps
from backpropsym.document.derivation.adjoint_sums import AdjointRows
from backpropsym.document.derivation.conventions import convention_parts, definition_parts
from backpropsym.document.derivation.entries import entry_quotient, index_sum
from backpropsym.document.derivation.matrix_notation import MatrixNotation
from backpropsym.document.derivation.zero import why_zero
from backpropsym.document.formulas import Formula, IndexSum, Joined, Math, Quotient, Route, Words
from backpropsym.document.model import Body, Constant, Derived, Numbers, Programme, Row, Sum, SumTerm, Whole
from backpropsym.document.notation.names import Notation
from backpropsym.formula.tree import Expr, names
from backpropsym.graph.graph import Graph

MAX_STEPS = 4
"""Of more steps inside layers than this a page defines the first ones."""

MATRIX_FORMS = ("matrix", "backward")
INDEX_FORMS = ("paths", "index")


def matrix_equations(derivation: Derivation) -> tuple[MatrixEquation, ...]:
    """The backward programme of a derivation in matrix notation."""
    return matrix_programme(derivation.graph, derivation.of, [derivation.wrt], derivation.of_at)


def adjoint_names(equations: Iterable[MatrixEquation]) -> dict[str, str]:
    """What the symbols of equations are adjoints of."""
    return {each.symbol: each.label for each in equations}


class ArrayPage:
    """What a page says of one derivation in one form.

    Raises
    ------
    UnknownNameError : no such form.
    """

    def __init__(self, derivation: Derivation, form: str, view: View) -> None:
        array_form(form)
        self.derivation = derivation
        self.form = form
        self.view = view

    @property
    def notation(self) -> Notation:
        """How names are written; those of adjoints as adjoints."""
        notation = Notation.of(self.derivation.graph)
        if self.form not in MATRIX_FORMS or not self.derivation.count:
            return notation
        return notation.with_adjoints(adjoint_names(self.equations))

    @cached_property
    def equations(self) -> tuple[MatrixEquation, ...]:
        """The backward programme."""
        return matrix_equations(self.derivation)

    @cached_property
    def terms(self) -> list[Term]:
        """One term a path, as a person writes it."""
        limit = MAX_TERMS if self.view.limit is None else self.view.limit
        return [self.derivation.term(path, readable=True) for path in islice(self.derivation.space, limit)]

    def make(self) -> tuple[Derived]:
        """The derivative, and what a reader must know beside it.

        Raises
        ------
        ValuesError : the numeric form lacks numbers.
        """
        derivation = self.derivation
        quotient = Quotient(*derivation.ends)
        left = entry_quotient(derivation) if FORMS[self.form].entries else quotient
        if not derivation.count:
            return (Derived(Constant(left, 0, why_zero(derivation))),)
        conventions, actions = convention_parts(derivation), next_steps(derivation, self.view)
        if self.form == "numeric":
            value = np.asarray(derivation.evaluate(**dict(self.view.values or {})))
            return (Derived(Numbers(quotient, left, value), (), conventions, actions=actions),)
        body = self._body(left)
        shown = tuple(self._shown())
        inner, left_out = steps_told(derivation.graph, shown, matrices=self.form in MATRIX_FORMS)
        definitions = (*definition_parts(shown, derivation.graph.functions), *inner)
        return (Derived(body, (), conventions, definitions, left_out, actions),)

    def _body(self, left: Math) -> Body:
        if self.form in MATRIX_FORMS:
            rows = self._rows
            return Programme(left, Words("in matrix notation"), rows[: self.view.limit], len(rows), apart=0.6)
        if self.form not in INDEX_FORMS:
            return Whole(left, Formula(self._formula))
        terms = tuple(SumTerm(index_sum(term), Route(term.path)) for term in self.terms)
        return Sum(left, terms, self.derivation.count, noun="layer path")

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        derivation = self.derivation
        rows = AdjointRows(derivation.graph, derivation.ends[0], self.equations, {derivation.wrt})
        return tuple(map(rows.row, self.equations))

    @cached_property
    def _formula(self) -> Expr:
        """The whole derivative in a form without a body of its own."""
        return self.derivation.tree(self.form)

    def _shown(self) -> Iterator[Expr]:
        """Every formula that is shown."""
        if self.form in MATRIX_FORMS:
            yield from (row.right.tree for row in self._rows if isinstance(row.right, Formula))
            yield from (row.right.product for row in self._rows if isinstance(row.right, IndexSum))
        elif self.form in INDEX_FORMS:
            yield from (factor for term in self.terms for factor in term.derivatives)
        else:
            yield self._formula


def steps_told(graph: Graph, shown: Iterable[Expr], *, matrices: bool) -> tuple[tuple[Math, ...], int]:
    """What the steps inside layers are that formulas name and nobody wrote, and how many are left out.

    Parameters
    ----------
    matrices : whether the formulas are in matrix notation.
    """
    found = steps(graph, (name for formula in shown for name in names(formula)))
    equations = (
        equation_of(graph, graph[name]) if matrices else step(graph, name, readable=True) for name in found[:MAX_STEPS]
    )
    written = MatrixNotation(graph).written if matrices else (lambda right: right)
    told = tuple(Joined((Formula(left), Formula(written(right)))) for left, right in equations)
    return told, len(found) - len(told)
