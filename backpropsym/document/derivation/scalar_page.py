"""The derivative of a number by a number as a page: told by its paths, in a form, or in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from backpropsym.derive.analyses.kinks import kink_of
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.forms.registry import number_form
from backpropsym.document.derivation.actions import View, next_steps, strongest
from backpropsym.document.derivation.conventions import convention_parts, definition_parts
from backpropsym.document.derivation.zero import why_zero
from backpropsym.document.formulas import Formula, Joined, Line, Math, Node, Quotient, Route, Words
from backpropsym.document.model import Body, Constant, Derived, Programme, Row, Sum, SumTerm, Whole, Worked, WorkedTerm
from backpropsym.document.notation.names import Notation
from backpropsym.errors import LimitError
from backpropsym.formula.tree import Add, Expr

SHORT = 20
"""Of a sum of at most so many terms the short form is made beside it."""


def _trees(body: Body) -> Iterator[Expr]:
    """The formulas that are shown."""
    match body:
        case Whole(right=right):
            yield from _formulas(right)
        case Sum(terms=terms, short=short):
            yield from (tree for term in terms for tree in _formulas(term.formula))
            yield from _formulas(short) if short is not None else ()
        case Programme(rows=rows):
            yield from (tree for row in rows for tree in _formulas(row.right))
        case Worked(terms=worked):
            yield from (term.product for term in worked)


def _formulas(part: Math) -> Iterator[Expr]:
    match part:
        case Formula(tree):
            yield tree
        case Joined(parts):
            for each in parts:
                yield from _formulas(each)


class ScalarPage:
    """What a page says of one derivation in one form.

    Raises
    ------
    UnknownNameError : no such form.
    """

    def __init__(self, derivation: Derivation, form: str, view: View) -> None:
        number_form(form)
        self.derivation = derivation
        self.form = form
        self.view = view
        self.outer = derivation.outer if form in ("paths", "factored") and derivation.count else None
        self.inner = self.outer[1] if self.outer else derivation

    @property
    def notation(self) -> Notation:
        """How names are written; those of adjoints and tangents as quotients."""
        notation = Notation.of(self.derivation.graph)
        if self.form not in ("backward", "forward") or not self.derivation.count:
            return notation
        steps = self.derivation.programme(self.form)
        return notation.with_derivatives(
            {steps.symbols[steps.varying(each)]: (each.of, each.by) for each in steps.equations}
        )

    def make(self) -> tuple[Derived]:
        """The derivative, and what a reader must know beside it.

        Raises
        ------
        LimitError : the form would be too large to write out.
        ValuesError : the numeric form lacks numbers.
        """
        derivation, view = self.derivation, self.view
        left = Quotient(derivation.of, derivation.wrt)
        if derivation.count == 0 or derivation.of == derivation.wrt:
            zero = derivation.of != derivation.wrt
            return (Derived(Constant(left, 0 if zero else 1, self._why() if zero else ())),)
        body, apart = self._body(left), self._apart(left)
        shown = [*_trees(body), *(tree for row in apart for tree in _formulas(row.right))]
        return (
            Derived(
                body,
                apart,
                convention_parts(derivation),
                definition_parts(shown, derivation.graph.functions),
                actions=next_steps(derivation, view) if self.form == "paths" else (),
            ),
        )

    def _why(self) -> Line:
        derivation = self.derivation
        if derivation.graph.derivatives and derivation.graph.between(derivation.wrt, derivation.of):
            ends = ("every path from ", Node(derivation.wrt), " to ", Node(derivation.of))
            return (*ends, " has a link that is zero everywhere, such as ReLU''")
        return why_zero(derivation)

    def _body(self, left: Math) -> Body:
        match self.form:
            case "paths":
                return self._paths()
            case "numeric":
                return self._worked(left)
            case "expanded":
                return self._expanded(left)
            case "backward" | "forward":
                return self._programme(left)
            case _:
                inner = Quotient(self.inner.of, self.inner.wrt)
                return Whole(inner, Formula(self.inner.tree(self.form), thin=self.form == "factored"))

    def _apart(self, left: Math) -> tuple[Row, ...]:
        """The factor of the loss: dL/dw = dL/da * da/dw, and what dL/da is."""
        if self.outer is None:
            return ()
        first, second = (Quotient(part.of, part.wrt) for part in self.outer)
        value = Formula(self.outer[0].tree("factored"), thin=True)
        return Row(left, Joined((first, second), "*")), Row(first, value)

    def _paths(self) -> Sum:
        inner = self.inner
        if self.view.limit is None and inner.count > MAX_TERMS:
            inner.tree("paths")
        terms = tuple(SumTerm(Formula(term.tree), Route(term.path)) for term in islice(inner.terms, self.view.limit))
        left = Quotient(inner.of, inner.wrt)
        return Sum(left, terms, inner.count, short=self._short(), hint=strongest(self.derivation, self.view))

    def _short(self) -> Math | None:
        if not 1 < self.inner.count <= (self.view.limit or SHORT):
            return None
        try:
            return Formula(self.inner.tree("factored"), thin=True)
        except LimitError:
            return None

    def _expanded(self, left: Math) -> Sum:
        tree = self.derivation.tree("expanded")
        trees = tree.terms if isinstance(tree, Add) and self.derivation.count > 1 else (tree,)
        terms = tuple(SumTerm(Formula(each)) for each in trees[: self.view.limit])
        return Sum(left, terms, self.derivation.count, hint=strongest(self.derivation, self.view))

    def _programme(self, left: Math) -> Programme:
        steps = self.derivation.programme(self.form)
        rows = tuple(
            Row(Node(steps.symbols[steps.varying(each)]), Formula(steps.right_side(each)))
            for each in steps.equations[: self.view.limit]
        )
        count = len(steps.equations)
        start = (Words("the output back"),) if self.form == "backward" else (Node(self.derivation.wrt), Words(" on"))
        told = Joined((Words(f"by {count:,} equations, from "), *start), "")
        return Programme(left, told, rows, count)

    def _worked(self, left: Math) -> Worked:
        derivation, values, limit = self.derivation, self.view.values, self.view.limit
        if limit is None and derivation.count > MAX_TERMS:
            derivation.tree("paths")
        top = limit if limit is not None and derivation.count > limit else None
        kink = kink_of(derivation, values)
        terms = tuple(
            WorkedTerm(
                Route(each.term.path),
                each.term.tree,
                tuple(zip(each.term.derivatives, each.numbers, strict=True)),
                each.value,
                each.share,
                kink is not None and kink.marks(each.term.path, each.numbers),
            )
            for each in derivation.numeric(values, top)
        )
        return Worked(left, terms, float(derivation.evaluate(**dict(values or {}))), derivation.count, kink)
