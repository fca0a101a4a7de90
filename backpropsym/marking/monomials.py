"""A formula as a sum of monomials over what the network names: nodes, f'(s) at nodes, and links' own factors.

A student may write f'(s1) as 1 - z1**2, or s1 as w11*x1 + w21*x2. A part whose numbers are those of something that
the network names, at every point, is that; so claims and paths come to be written in the same words.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from backpropsym.errors import LimitError
from backpropsym.formula.algebra import power
from backpropsym.formula.tree import ONE, Add, Call, Div, Expr, Mul, Name, Neg, Number, Pow, children, names, walk
from backpropsym.marking.claim_context import ClaimContext, Column

if TYPE_CHECKING:
    import mpmath

MAX_MONOMIALS = 1_000
_DIGITS = 30
_SIMPLEST = 1_000
_MAX_OPAQUE = 8
_MAX_CLOSED = 64

Powers = dict[Expr, Fraction]


@dataclass(frozen=True)
class Monomial:
    """A number times powers of atoms."""

    coefficient: Fraction
    powers: tuple[tuple[Expr, Fraction], ...]

    @classmethod
    def of(cls, coefficient: Fraction, powers: Mapping[Expr, Fraction]) -> Monomial:
        """Atoms to the power zero left out."""
        return cls(coefficient, tuple((atom, n) for atom, n in powers.items() if n))

    @cached_property
    def key(self) -> frozenset[tuple[Expr, Fraction]]:
        """What like monomials share, the order of factors apart."""
        return frozenset(self.powers)

    def times(self, other: Monomial) -> Monomial:
        """The product."""
        powers = dict(self.powers)
        for atom, n in other.powers:
            powers[atom] = powers.get(atom, Fraction(0)) + n
        return Monomial.of(self.coefficient * other.coefficient, powers)

    def has_power(self, exponent: Fraction) -> bool:
        """Whether `to_the` knows this power: of numbers it knows whole ones, and none of zero below one."""
        return self.coefficient == 1 or (exponent.denominator == 1 and bool(self.coefficient or exponent > 0))

    def to_the(self, exponent: Fraction) -> Monomial:
        """A power; whole where the coefficient is not one."""
        coefficient = self.coefficient if self.coefficient == 1 else self.coefficient ** int(exponent)
        return Monomial.of(coefficient, {atom: n * exponent for atom, n in self.powers})

    @property
    def tree(self) -> Expr:
        """The monomial as a formula, negative powers below a bar."""
        above = [power(atom, n) for atom, n in self.powers if n > 0]
        below = [power(atom, -n) for atom, n in self.powers if n < 0]
        number = abs(self.coefficient)
        factors = [*([Number(number)] if number != 1 or not above else []), *above]
        top = factors[0] if len(factors) == 1 else Mul(tuple(factors))
        if below:
            top = Div(top, below[0] if len(below) == 1 else Mul(tuple(below)))
        return Neg(top) if self.coefficient < 0 else top


UNIT = Monomial(Fraction(1), ())


class Atoms:
    """What the network names, found by its spelling or by its numbers.

    Attributes
    ----------
    known : every atom.
    """

    def __init__(self, claim_context: ClaimContext) -> None:
        self.claim_context = claim_context
        self._numbers: dict[Expr, Column] = {}
        nodes = claim_context.graph.nodes
        self._aliases: dict[Expr, Expr] = {}
        self._aliases |= {node.formula: Name(name) for name, node in nodes.items() if isinstance(node.formula, Call)}
        factors = (factor for factor in self._factors() if factor not in self._aliases)
        self.known: dict[Expr, None] = dict.fromkeys((*map(Name, nodes), *factors))

    @cached_property
    def _by_numbers(self) -> Mapping[tuple[str | None, ...], tuple[Expr, Column]]:
        """Each atom by its numbers; of those that are alike the first."""
        found: dict[tuple[str | None, ...], tuple[Expr, Column]] = {}
        for atom in self.known:
            key = self._key(self.numbers(atom))
            if key is not None:
                found.setdefault(key, (atom, self.numbers(atom)))
        return found

    def _factors(self) -> Iterator[Expr]:
        """The factors of the local derivatives that are more than a name, those on the paths first."""
        nodes = self.claim_context.graph.nodes
        links = [(link.source, link.target) for link in self.claim_context.derivation.links()]
        links += [(parent, name) for name, node in nodes.items() for parent in node.parents]
        for source, target in dict.fromkeys(links):
            yield from _bricks(self.claim_context.local.of(target)[source])

    def numbers(self, expr: Expr) -> Column:
        """The numbers of an atom or of a part of a claim."""
        if expr not in self._numbers:
            self._numbers[expr] = self.claim_context.numbers(expr)
        return self._numbers[expr]

    def _key(self, numbers: Column) -> tuple[str | None, ...] | None:
        """The numbers up to a common factor, rounded; None for what is nowhere defined, or constant."""
        context = self.claim_context.context
        unit = next((value for value in numbers if value), None)
        if unit is None:
            return None
        ratios = tuple(None if value is None else context.nstr(value / unit, _DIGITS) for value in numbers)
        return ratios if len(set(ratios)) > 1 else None

    def named(self, expr: Expr) -> Expr | None:
        """The atom that `expr` is by its spelling."""
        if expr in self.known:
            return expr
        return self._aliases.get(expr)

    def like(self, numbers: Column) -> Monomial | None:
        """A number times an atom that has these numbers."""
        key = self._key(numbers)
        found = self._by_numbers.get(key) if key is not None else None
        if found is None:
            return None
        atom, own = found
        at = next(place for place, value in enumerate(own) if value)
        first, second = numbers[at], own[at]
        assert first is not None and second is not None, "both have values at the same points"
        ratio = first / second
        simple = Fraction(str(self.claim_context.context.nstr(ratio, 20))).limit_denominator(_SIMPLEST)
        close = abs(ratio - self.claim_context.context.mpf(simple.numerator) / simple.denominator) < 1e-20
        return Monomial(simple, ((atom, Fraction(1)),)) if close and simple else None

    def product(self, powers: Iterable[tuple[Expr, Fraction]]) -> Column:
        """The numbers of a product of powers."""
        columns = []
        for atom, n in powers:
            exponent = self.claim_context.context.mpf(n.numerator) / n.denominator
            columns.append([_raised(value, exponent) for value in self.numbers(atom)])
        return [None if None in row else self.claim_context.context.fprod(row) for row in zip(*columns, strict=True)]


def _bricks(expr: Expr) -> Iterator[Expr]:
    """The sums and calls that a formula is a product or a quotient of."""
    match expr:
        case Mul() | Div() | Neg() | Pow():
            for part in children(expr):
                yield from _bricks(part)
        case Call() | Add():
            yield expr


def _raised(value: mpmath.mpf | None, exponent: mpmath.mpf) -> mpmath.mpf | None:
    if value is None or (value == 0 and exponent < 0) or (value < 0 and exponent != int(exponent)):
        return None
    return value**exponent


class Expansion:
    """Formulas multiplied out over the atoms of a network.

    Parameters
    ----------
    by_numbers : whether parts that are spelled otherwise are recognised by their numbers.
    """

    def __init__(self, atoms: Atoms, by_numbers: bool = True) -> None:
        self.atoms = atoms
        self.by_numbers = by_numbers

    def terms(self, expr: Expr, opened: bool = True) -> list[Monomial]:
        """`expr` as a sum of monomials, like ones collected.

        Parameters
        ----------
        opened : whether sums with a constant, such as 1 - z**2, are multiplied out where nothing is known to be them.

        Raises
        ------
        LimitError : there would be too many.
        """
        found = self._terms(expr)
        if not opened:
            return _collected(map(self._recognised, found))
        return self._closed(_collected(self._settled(found)))

    def _closed(self, terms: list[Monomial]) -> list[Monomial]:
        """Terms that together are something known times the rest put together: A - A*z**2 is A*tanh'(s)."""
        while self.by_numbers and 1 < len(terms) <= _MAX_CLOSED:
            pair = next(self._closing(terms), None)
            if pair is None:
                break
            first, second, together = pair
            kept = [term for term in terms if term not in (first, second)]
            terms = _collected([*kept, together])
        return terms

    def _closing(self, terms: Sequence[Monomial]) -> Iterator[tuple[Monomial, Monomial, Monomial]]:
        """Pairs of terms with what they are together."""
        for first, second in itertools.permutations(terms, 2):
            ratio = second.times(first.to_the(Fraction(-1)))
            if 0 < len(ratio.powers) <= 2 and all(n > 0 for _, n in ratio.powers):
                whole = first.times(_opaque(Add((ONE, ratio.tree))))
                together = self._recognised(whole)
                if all(atom in self.atoms.known for atom, _ in together.powers):
                    yield first, second, together

    def _terms(self, expr: Expr) -> list[Monomial]:
        """Monomials whose atoms may be sums that are not known."""
        named = self.atoms.named(expr)
        if named is not None:
            return [Monomial(Fraction(1), ((named, Fraction(1)),))]
        match expr:
            case Number(value):
                return [Monomial(value, ())]
            case Neg(operand):
                return [Monomial(-monomial.coefficient, monomial.powers) for monomial in self._terms(operand)]
            case Mul(factors):
                return self._product(map(self._terms, factors))
        found = self.atoms.like(self.atoms.numbers(expr)) if self.by_numbers and names(expr) else None
        if found is not None:
            return [found]
        match expr:
            case Add(terms):
                if any(not names(term) for term in terms):
                    return [_opaque(expr)]
                return [each for term in terms for each in self._terms(term)]
            case Div(numerator, denominator):
                return self._product([self._terms(numerator), [self._inverse(denominator)]])
            case Pow(base, exponent):
                inner = self._terms(base)
                if len(inner) == 1 and inner[0].has_power(exponent):
                    return [inner[0].to_the(exponent)]
                return [Monomial(Fraction(1), ((base, exponent),))]
            case _:
                return [_opaque(expr)]

    def _inverse(self, denominator: Expr) -> Monomial:
        inner = self._terms(denominator)
        if len(inner) == 1 and inner[0].coefficient:
            return inner[0].to_the(Fraction(-1))
        return Monomial(Fraction(1), ((denominator, Fraction(-1)),))

    def _product(self, parts: Iterable[Sequence[Monomial]]) -> list[Monomial]:
        result = [UNIT]
        for part in parts:
            if len(result) * len(part) > MAX_MONOMIALS:
                raise LimitError(f"more than {MAX_MONOMIALS:,} terms when multiplied out", fix="write fewer terms")
            result = [left.times(right) for left in result for right in part]
        return result

    def _settled(self, monomials: Iterable[Monomial]) -> Iterator[Monomial]:
        """Monomials over known atoms, as far as that goes: unknown sums recognised in products, else multiplied out."""
        stack, made = list(reversed(list(monomials))), 0
        while stack:
            each = self._recognised(stack.pop())
            summed = next((atom for atom, n in each.powers if self._opens(atom, n)), None)
            if summed is None:
                yield each
                continue
            assert isinstance(summed, Add)
            n = int(dict(each.powers)[summed])
            rest = Monomial.of(each.coefficient, {atom: n for atom, n in each.powers if atom != summed})
            opened = [part for term in summed.terms for part in self._terms(term)]
            products = self._product([[rest], *[opened] * n])
            made += len(products)
            if made > MAX_MONOMIALS:
                raise LimitError(f"more than {MAX_MONOMIALS:,} terms when multiplied out", fix="write fewer terms")
            stack.extend(reversed(products))

    def _opens(self, atom: Expr, exponent: Fraction) -> bool:
        return isinstance(atom, Add) and atom not in self.atoms.known and exponent.denominator == 1 and exponent > 0

    def _recognised(self, monomial: Monomial) -> Monomial:
        """Unknown atoms, alone or in pairs, replaced by the known one that they make: z*(1 - z) is sigmoid'(s)."""
        while self.by_numbers:
            powers = dict(monomial.powers)
            unknown = [(atom, n) for atom, n in powers.items() if atom not in self.atoms.known]
            if not unknown or len(unknown) > _MAX_OPAQUE:
                return monomial
            for group in self._groups(unknown, powers):
                found = self.atoms.like(self.atoms.product(group))
                if found is not None:
                    divisor = Monomial.of(Fraction(1), dict(group)).to_the(Fraction(-1))
                    monomial = monomial.times(divisor).times(found)
                    break
            else:
                break
        return monomial

    def _groups(
        self, unknown: Sequence[tuple[Expr, Fraction]], powers: Mapping[Expr, Fraction]
    ) -> Iterator[tuple[tuple[Expr, Fraction], ...]]:
        for unknown_name in unknown:
            yield (unknown_name,)
        yield from itertools.combinations(unknown, 2)
        for each in unknown:
            near = {name for name in names(each[0])}
            for atom, n in powers.items():
                if atom in self.atoms.known and (near & set(names(atom)) or self._feeds(atom, near)):
                    yield (each, (atom, Fraction(1 if n > 0 else -1)))

    def _feeds(self, atom: Expr, near: set[str]) -> bool:
        """Whether a node is computed from the names in `near`, as z = f(s) is from s."""
        if not isinstance(atom, Name):
            return False
        formula = self.atoms.claim_context.graph.nodes[atom.name].formula
        return formula is not None and any(part.name in near for part in walk(formula) if isinstance(part, Name))


def _collected(monomials: Iterable[Monomial]) -> list[Monomial]:
    """Like monomials added up, in the order of the first of each."""
    found: dict[frozenset[tuple[Expr, Fraction]], Monomial] = {}
    for monomial in monomials:
        before = found.get(monomial.key)
        found[monomial.key] = Monomial(before.coefficient + monomial.coefficient, before.powers) if before else monomial
    return [each for each in found.values() if each.coefficient]


def _opaque(expr: Expr) -> Monomial:
    return Monomial(Fraction(1), ((expr, Fraction(1)),)) if expr != ONE else UNIT
