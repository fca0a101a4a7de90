"""The factored form: what all paths share is pulled out, what they share in part is bracketed."""

from __future__ import annotations

from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.errors import LimitError
from backpropsym.formula.algebra import div, mul, neg
from backpropsym.formula.tree import Add, Div, Expr, Neg, Number, size

MAX_PARTS = 20_000
MAX_LEVELS = 100


def factored(local: LocalDerivatives, space: PathSpace) -> Expr:
    """The path sum with common bricks pulled out: x1 f'(s1) (v11 f'(u1) p11 + v12 f'(u2) p21).

    The nodes that every path visits cut the sum into a product; what lies between two of them is the same
    problem again.

    Raises
    ------
    LimitError : the form has too many parts; the backward programme has one equation a node.
    """
    return _Factoring(local).between(space, 1)[0]


class _Factoring:
    def __init__(self, local: LocalDerivatives) -> None:
        self.local = local
        self.known: dict[tuple[str, str], tuple[Expr, int]] = {}

    def between(self, space: PathSpace, level: int) -> tuple[Expr, int]:
        """The factored sum over a space of paths, and its number of parts."""
        key = (space.source, space.target)
        if key not in self.known:
            if level > MAX_LEVELS:
                raise _too_large(f"more than {MAX_LEVELS} levels of brackets")
            factors, parts = [], 0
            for start, end in zip(space.common, space.common[1:], strict=False):
                factor, count = self.segment(space, start, end, level)
                factors.append(factor)
                parts += count
            if parts > MAX_PARTS:
                raise _too_large(f"more than {MAX_PARTS:,} parts")
            self.known[key] = (mul(factors), parts + 1)
        return self.known[key]

    def segment(self, space: PathSpace, start: str, end: str, level: int) -> tuple[Expr, int]:
        """The sum over the paths between two neighbouring common nodes."""
        users = space.successors[start]
        if users == (end,):
            derivative = self.local[Edge(start, end)]
            return derivative, size(derivative)
        terms, parts = [], 1
        for user in users:
            first = self.local[Edge(start, user)]
            rest, count = self.between(space.section(user, end), level + 1)
            terms.append(mul([first, rest]))
            parts += count + size(first)
        return _over_one_number(terms), parts


def _over_one_number(terms: list[Expr]) -> Expr:
    """The sum of `terms`; a number by which each of them is divided divides the whole: (a + b)/9 for a/9 + b/9."""
    bare = [term.operand if isinstance(term, Neg) else term for term in terms]
    quotients = [each for each in bare if isinstance(each, Div) and isinstance(each.denominator, Number)]
    if len(quotients) < len(terms) or len({each.denominator for each in quotients}) > 1:
        return Add(tuple(terms))
    above = [
        neg(each.numerator) if isinstance(term, Neg) else each.numerator
        for term, each in zip(terms, quotients, strict=True)
    ]
    return div(Add(tuple(above)), quotients[0].denominator)


def _too_large(what: str) -> LimitError:
    return LimitError(
        f"the factored form has {what}",
        fix="ask for --form backward: it has one equation a node",
    )
