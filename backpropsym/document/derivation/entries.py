"""Derivatives entry by entry, as mathematics of a page: quotients with free indices, terms behind their sums."""

from __future__ import annotations

from collections.abc import Iterable

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.terms import Term
from backpropsym.document.formulas import EntryQuotient, IndexSum
from backpropsym.formula.tree import Expr, Index, Name, substitute


def entry_quotient(derivation: Derivation) -> EntryQuotient:
    """The derivative that is derived, entry by entry, with its free indices."""
    of, wrt = derivation.ends
    return EntryQuotient(entry(of, derivation.of_indices), entry(wrt, derivation.indices))


def index_sum(term: Term) -> IndexSum:
    """A term behind the signs of its sums, with its conditions; a sum of one place is that place."""
    single = {each.index: each.low for each in term.sums if each.low == each.high}
    if not single:
        return IndexSum(term.sums, term.summand, term.conditions)
    sums = tuple(each for each in term.sums if each.index not in single)
    conditions = tuple(tuple(substitute(side, single) for side in condition) for condition in term.conditions)
    return IndexSum(sums, substitute(term.summand, single), conditions)


def entry(name: str, indices: Iterable[str]) -> Expr:
    """An entry of an array by its indices; a number as it is."""
    subscripts = tuple(map(Name, indices))
    return Index(Name(name), subscripts) if subscripts else Name(name)
