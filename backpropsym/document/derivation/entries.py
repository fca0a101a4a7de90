"""Derivatives entry by entry, as mathematics of a page: quotients with free indices, terms behind their sums."""

from __future__ import annotations

from collections.abc import Iterable

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.terms import Term
from backpropsym.document.formulas import EntryQuotient, IndexSum
from backpropsym.formula.tree import Expr, Index, Name


def entry_quotient(derivation: Derivation) -> EntryQuotient:
    """The derivative that is derived, entry by entry, with its free indices."""
    of, wrt = derivation.ends
    return EntryQuotient(entry(of, derivation.of_indices), entry(wrt, derivation.indices))


def index_sum(term: Term) -> IndexSum:
    """A term behind the signs of its sums, with its conditions."""
    return IndexSum(term.sums, term.summand, term.conditions)


def entry(name: str, indices: Iterable[str]) -> Expr:
    """An entry of an array by its indices; a number as it is."""
    subscripts = tuple(map(Name, indices))
    return Index(Name(name), subscripts) if subscripts else Name(name)
