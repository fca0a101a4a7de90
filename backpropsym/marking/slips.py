"""What is wrong with a claim: its terms set against the paths, and the differences told as slips."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from backpropsym.derive.paths.path_space import Path
from backpropsym.formula.algebra import power
from backpropsym.formula.tree import Call, Expr, Name
from backpropsym.graph.graph import Graph
from backpropsym.marking.monomials import Monomial


class Kind(StrEnum):
    """The kinds of slip."""

    MISSING_PATH = "missing path"
    EXTRA_PATH = "extra path"
    MISSING_FACTOR = "missing factor"
    EXTRA_FACTOR = "extra factor"
    WRONG_FACTOR = "wrong factor"
    TRANSPOSED = "transposed index"
    FUNCTION = "function for derivative"
    ARGUMENT = "wrong argument"
    SIGN = "sign"
    CONSTANT = "constant factor"


@dataclass(frozen=True)
class Slip:
    """One mistake.

    Attributes
    ----------
    path : where it is; None for a term that belongs to no path, and for a mistake in the sum as a whole.
    found, expected : the factor as claimed and as it should be, each where there is one.
    number : by which number the claimed term is too large, for a sign and a constant factor.
    claimed, right : the term as claimed and as it should be.
    """

    kind: Kind
    path: Path | None = None
    found: Expr | None = None
    expected: Expr | None = None
    number: Fraction | None = None
    claimed: Expr | None = None
    right: Expr | None = None

    @property
    def nature(self) -> tuple[Kind, Expr | None, Expr | None, Fraction | None]:
        """What the same slip in several terms shares."""
        return (self.kind, self.found, self.expected, self.number)


Factor = tuple[Expr, Fraction]


@dataclass(frozen=True)
class Expected:
    """A monomial that the path sum has, and the paths that it comes from."""

    monomial: Monomial
    paths: tuple[Path, ...]


class Comparison:
    """Monomials of a claim set against those of the paths, in one network."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def slips(self, claimed: Sequence[Monomial], expected: Sequence[Expected]) -> list[Slip]:
        """The fewest slips that turn the path sum into the claim, term by term; empty where they are equal."""
        open_claims = {claimed_term.key: claimed_term for claimed_term in claimed}
        found: list[Slip] = []
        missing: list[Expected] = []
        for expected_term in expected:
            same = open_claims.pop(expected_term.monomial.key, None)
            if same is None:
                missing.append(expected_term)
            else:
                found += self._in_number(same, expected_term)
        return found + self._matched(list(open_claims.values()), missing)

    def _in_number(self, claim: Monomial, expected: Expected) -> list[Slip]:
        """Slips where only the number before the term may differ."""
        if claim.coefficient == expected.monomial.coefficient:
            return []
        ratio = claim.coefficient / expected.monomial.coefficient
        left_out = (1 - ratio) * len(expected.paths)
        if len(expected.paths) > 1 and left_out.denominator == 1 and 0 < left_out < len(expected.paths):
            return [_missing(expected, path) for path in expected.paths[-int(left_out) :]]
        return [_in_number(expected.monomial, ratio, path) for path in expected.paths[:1]]

    def _matched(self, claims: list[Monomial], missing: list[Expected]) -> list[Slip]:
        """Unequal terms paired, the most alike first; what is left is a path too few or too many."""
        options = []
        for row, term in enumerate(missing):
            for column, claim in enumerate(claims):
                slips = self.between(claim, term)
                if len(slips) <= max(1, len(term.monomial.powers) // 2):
                    vague = sum(slip.kind is Kind.WRONG_FACTOR for slip in slips)
                    options.append((len(slips), vague, row, column, slips))
        taken_rows: set[int] = set()
        taken_columns: set[int] = set()
        found: dict[int, list[Slip]] = {}
        for _, _, row, column, slips in sorted(options, key=lambda option: option[:4]):
            if row not in taken_rows and column not in taken_columns:
                taken_rows.add(row)
                taken_columns.add(column)
                found[row] = slips
        result = [
            slip
            for row, each in enumerate(missing)
            for slip in found.get(row, [_missing(each, path) for path in each.paths])
        ]
        left = [claim for column, claim in enumerate(claims) if column not in taken_columns]
        return result + [Slip(Kind.EXTRA_PATH, claimed=claim.tree) for claim in left]

    def between(self, claim: Monomial, expected: Expected) -> list[Slip]:
        """The slips that lead from the right term to the claimed one."""
        right = dict(expected.monomial.powers)
        theirs = dict(claim.powers)
        lacking = list(_surplus(right, theirs))
        added = list(_surplus(theirs, right))
        path = expected.paths[0]
        pairs = list(self._paired(added, lacking))
        slips = [
            Slip(self.kind(found, wanted), path, power(*found) if found else None, power(*wanted) if wanted else None)
            for found, wanted in pairs
        ]
        ratio = claim.coefficient / expected.monomial.coefficient
        if ratio != 1:
            slips.append(_in_number(expected.monomial, ratio, path))
        shown = ordered(claim, expected.monomial, {wanted[0]: found[0] for found, wanted in pairs if found and wanted})
        return [replace(slip, claimed=shown, right=expected.monomial.tree) for slip in slips]

    def _paired(self, added: list[Factor], lacking: list[Factor]) -> Iterator[tuple[Factor | None, Factor | None]]:
        """Factors too many with those too few, the most telling pairs first."""
        order = [kind for kind in Kind if kind is not Kind.WRONG_FACTOR]
        pairs = [(self.kind(found, wanted), found, wanted) for found in added for wanted in lacking]
        rank = {kind: place for place, kind in enumerate([*order, Kind.WRONG_FACTOR])}
        for _, found, wanted in sorted(pairs, key=lambda pair: (rank[pair[0]], not _alike(pair[1], pair[2]))):
            if found in added and wanted in lacking:
                added.remove(found)
                lacking.remove(wanted)
                yield found, wanted
        yield from ((found, None) for found in added)
        yield from ((None, wanted) for wanted in lacking)

    def kind(self, found: Factor | None, expected: Factor | None) -> Kind:
        """What kind of slip it is to write `found` for `expected`."""
        if found is None:
            return Kind.MISSING_FACTOR
        if expected is None:
            return Kind.EXTRA_FACTOR
        wrong, right = found[0], expected[0]
        if found[1] != expected[1]:
            return Kind.WRONG_FACTOR
        if _transposed(wrong, right):
            return Kind.TRANSPOSED
        mine, theirs = self._derivative(wrong), self._derivative(right)
        if mine and theirs and mine[0] == theirs[0] and mine[1] != theirs[1]:
            return Kind.ARGUMENT
        if theirs and self._applied(wrong) == theirs or mine and self._applied(right) == mine:
            return Kind.FUNCTION
        return Kind.WRONG_FACTOR

    def _derivative(self, atom: Expr) -> tuple[str, tuple[Expr, ...]] | None:
        """For f'(s), f and its arguments."""
        parent = self.graph.functions.parent(atom.function) if isinstance(atom, Call) else None
        return (parent[0], atom.arguments) if parent and isinstance(atom, Call) else None

    def _applied(self, atom: Expr) -> tuple[str, tuple[Expr, ...]] | None:
        """For f(s), or a node that is f(s), f and its arguments."""
        formula = self.graph.nodes[atom.name].formula if isinstance(atom, Name) else atom
        return (formula.function, formula.arguments) if isinstance(formula, Call) else None


def ordered(claim: Monomial, right: Monomial, instead: Mapping[Expr, Expr]) -> Expr:
    """The claimed term with its factors in the order of the path, so that the two can be read side by side.

    Parameters
    ----------
    instead : what stands in the claim in the place of factors of the path.
    """
    theirs, placed = dict(claim.powers), {}
    for atom, _ in right.powers:
        for each in (atom, instead.get(atom)):
            if each in theirs:
                placed[each] = theirs[each]
    return Monomial.of(claim.coefficient, placed | theirs).tree


def expected_terms(terms: Sequence[tuple[Path, Sequence[Monomial]]]) -> list[Expected]:
    """The monomials of all paths, like ones collected."""
    collected: dict[frozenset[Factor], Expected] = {}
    for path, monomials in terms:
        for monomial in monomials:
            before = collected.get(monomial.key)
            if before is None:
                collected[monomial.key] = Expected(monomial, (path,))
                continue
            total = replace(before.monomial, coefficient=before.monomial.coefficient + monomial.coefficient)
            collected[monomial.key] = Expected(total, (*before.paths, path))
    return [each for each in collected.values() if each.monomial.coefficient]


def same(claimed: Sequence[Monomial], expected: Sequence[Expected]) -> bool:
    """Whether a claim has the terms of the paths, no more and no less."""
    theirs = {claimed_term.key: claimed_term.coefficient for claimed_term in claimed}
    return theirs == {expected_term.monomial.key: expected_term.monomial.coefficient for expected_term in expected}


def _missing(expected: Expected, path: Path) -> Slip:
    one = replace(expected.monomial, coefficient=expected.monomial.coefficient / len(expected.paths))
    return Slip(Kind.MISSING_PATH, path, right=one.tree)


def _in_number(right: Monomial, ratio: Fraction, path: Path | None) -> Slip:
    claimed = replace(right, coefficient=right.coefficient * ratio)
    kind = Kind.SIGN if ratio == -1 else Kind.CONSTANT
    return Slip(kind, path, number=ratio, claimed=claimed.tree, right=right.tree)


def _surplus(mine: Mapping[Expr, Fraction], theirs: Mapping[Expr, Fraction]) -> Iterator[Factor]:
    """The factors of one product that the other lacks, each as often as it is missing."""
    for atom, n in mine.items():
        more = n - theirs.get(atom, Fraction(0)) if n > 0 else n - min(theirs.get(atom, Fraction(0)), Fraction(0))
        if n > 0 and more > 0:
            whole = more.denominator == 1 and more <= 3
            yield from [(atom, Fraction(1))] * int(more) if whole else [(atom, more)]
        elif n < 0 and more < 0:
            yield (atom, more)


def _alike(found: Factor, expected: Factor) -> bool:
    """Whether two factors are of one sort: names with the same letters, or both no names."""
    stems = [re.split(r"[\d\[]", atom.name)[0] if isinstance(atom, Name) else "" for atom, _ in (found, expected)]
    return stems[0] == stems[1]


def _transposed(found: Expr, expected: Expr) -> bool:
    """Whether two names have the same stem and their two indices in opposite orders."""
    if not (isinstance(found, Name) and isinstance(expected, Name)):
        return False
    mine, theirs = _indices(found.name), _indices(expected.name)
    return mine is not None and theirs is not None and mine[0] == theirs[0] and mine[1:] == theirs[:0:-1] != theirs[1:]


def _indices(name: str) -> tuple[str, str, str] | None:
    """The stem and the two indices of a name such as v12, v_1_2 or W1[1,2]."""
    for pattern in (r"(.*)\[(\d+),(\d+)\]", r"([A-Za-z]+)_?(\d)(\d)", r"(.*?[A-Za-z])_?(\d+)_(\d+)"):
        found = re.fullmatch(pattern, name)
        if found:
            return found.groups()  # type: ignore[return-value]
    return None
