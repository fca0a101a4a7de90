"""One slip at a time tried on the right answer, in numbers: for claims that are multiplied out beyond recognition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from backpropsym.arrays import Array
from backpropsym.derive.paths.path_space import Path, edges
from backpropsym.formula.tree import ONE, Expr
from backpropsym.marking.claim_context import Column
from backpropsym.marking.monomials import Atoms, Monomial
from backpropsym.marking.slips import Comparison, Expected, Kind, Slip, ordered

if TYPE_CHECKING:
    import mpmath

_NUMBERS = tuple(Fraction(each) for each in (1, -1, 2, -2)) + (Fraction(1, 2), Fraction(-1, 2))
_CLOSE = 1e-9
_MAX_ATOMS = 600


@dataclass(frozen=True)
class Subject:
    """A part of the derivative that a slip may have happened in.

    Attributes
    ----------
    expected : its term; for the whole sum a product of what all terms share.
    path : where it is; None for the whole sum.
    right, claimed : its numbers as they should be, and as they are if nothing else is wrong.
    """

    expected: Monomial
    path: Path | None
    right: Array
    claimed: Array


class Guesses:
    """Single slips that explain a claim's numbers.

    Parameters
    ----------
    claimed : the numbers of the claim at the points of the context.
    expected : the monomials of the path sum.
    """

    def __init__(self, atoms: Atoms, claimed: Column, expected: Sequence[Expected]) -> None:
        self.atoms, self.expected = atoms, expected
        claim_context = atoms.claim_context
        self.comparison = Comparison(claim_context.graph)
        pairs = enumerate(zip(claimed, claim_context.truth, strict=True))
        kept = [(at, mine, right) for at, (mine, right) in pairs if mine is not None and right is not None]
        self.kept = [at for at, *_ in kept]
        self.claimed = [mine for _, mine, _ in kept]
        self.truth = [right for *_, right in kept]
        self.names = list(atoms.known)[:_MAX_ATOMS]

    def slips(self) -> list[Slip]:
        """The first single slip that explains everything; empty where none does."""
        with np.errstate(all="ignore"):  # what is beyond the range of floats explains nothing, see _same
            return next((found for subject in self._subjects() if (found := self._explained(subject))), [])

    def _subjects(self) -> Iterator[Subject]:
        """The whole sum, then each path."""
        products = [self._path_numbers(each) for each in self.expected]
        if len(self.expected) > 1:
            yield Subject(self._shared(), None, _floats(self.truth), _floats(self.claimed))
        for expected_term, numbers in zip(self.expected, products, strict=True):
            rest = [c - (t - n) for c, t, n in zip(self.claimed, self.truth, numbers, strict=True)]
            yield Subject(expected_term.monomial, expected_term.paths[0], _floats(numbers), self._cleaned(rest))

    def _cleaned(self, values: Sequence[mpmath.mpf]) -> Array:
        """Differences as floats; what is only rounding of the fifty digits is zero."""
        return _floats(
            [value if abs(value) > abs(whole) * 1e-35 else 0 for value, whole in zip(values, self.truth, strict=True)]
        )

    def _shared(self) -> Monomial:
        """The factors of every term."""
        first, *others = [dict(expected_term.monomial.powers) for expected_term in self.expected]
        kept = {atom: n for atom, n in first.items() if all(other.get(atom) == n for other in others)}
        return Monomial.of(Fraction(1), kept)

    def _path_numbers(self, expected: Expected) -> list[mpmath.mpf]:
        """The product of the links of the paths of a term, at each point."""
        links = self.atoms.claim_context.links
        product = self.atoms.claim_context.context.fprod
        return [sum(product([links[link][at] for link in edges(path)]) for path in expected.paths) for at in self.kept]

    def _explained(self, subject: Subject) -> list[Slip]:
        """The slip that turns the right numbers of a part into the claimed ones."""
        if subject.path is not None and not subject.claimed.any():
            return [Slip(Kind.MISSING_PATH, subject.path, right=subject.expected.tree)]
        columns = np.array([self._column(atom) for atom in self.names])
        ones = np.ones((1, len(self.kept)))
        own = [atom for atom, n in subject.expected.powers if n == 1 and atom in self.atoms.known]
        wanted: list[Expr] = [ONE, *own]
        found: list[tuple[int, Slip]] = []
        for expected in wanted:
            left = subject.claimed * (1.0 if expected == ONE else self._column(expected))
            for number in _NUMBERS:
                right = float(number) * subject.right * np.concatenate([ones, columns])
                for place in np.flatnonzero(_same(left, right)):
                    atom = ONE if place == 0 else self.names[place - 1]
                    found.append(self._slip(subject, atom, expected, number))
        found = [each for each in found if each[1].nature[1:] != (None, None, Fraction(1))]
        return [min(found, key=lambda each: each[0])[1]] if found else []

    def _slip(self, subject: Subject, found: Expr, expected: Expr, number: Fraction) -> tuple[int, Slip]:
        """A slip with its rank among those that explain the same."""
        mine = None if found == ONE else (found, Fraction(1))
        theirs = None if expected == ONE else (expected, Fraction(1))
        powers = dict(subject.expected.powers)
        if theirs:
            powers[expected] -= 1
        if mine:
            powers[found] = powers.get(found, Fraction(0)) + 1
        claimed = Monomial.of(subject.expected.coefficient * number, powers)
        instead = {expected: found} if mine and theirs else {}
        shown = (ordered(claimed, subject.expected, instead), subject.expected.tree)
        if mine is None and theirs is None:
            kind = Kind.SIGN if number == -1 else Kind.CONSTANT
            return 0, Slip(kind, subject.path, number=number, claimed=shown[0], right=shown[1])
        kind = self.comparison.kind(mine, theirs)
        rank = 1 + list(Kind).index(kind) + 20 * (number != 1) + 10 * (kind is Kind.WRONG_FACTOR)
        factor = None if number == 1 else number
        return rank, Slip(kind, subject.path, mine and found, theirs and expected, factor, *shown)

    def _column(self, atom: Expr) -> Array:
        numbers = self.atoms.numbers(atom)
        return np.array([np.nan if (number := numbers[at]) is None else float(number) for at in self.kept])


def _floats(values: Iterable[mpmath.mpf]) -> Array:
    return np.array([float(value) for value in values])


def _same(left: Array, right: Array) -> Array:
    """For each row of `right`, whether it is finite, equals `left` at every point, and is not nothing."""
    near = np.isfinite(left) & (np.abs(left - right) <= _CLOSE * np.maximum(np.abs(left), np.abs(right)))
    result: Array = near.all(axis=1) & np.isfinite(right).all(axis=1) & (right != 0).any(axis=1)
    return result
