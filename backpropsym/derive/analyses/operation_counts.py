"""What each form costs: multiplications and additions of local derivatives, which are taken as computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.forms.programme import Programme, adjoints
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.formula.tree import ONE


@dataclass(frozen=True, slots=True)
class Operations:
    """Exact counts; factors of one cost nothing."""

    multiplications: int
    additions: int

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.multiplications + other.multiplications, self.additions + other.additions)


FREE = Operations(0, 0)


def path_sum(derivation: Derivation) -> Operations:
    """The explicit sum over paths: each path multiplied out on its own."""
    space, local = derivation.space, derivation.local
    count = derivation.count
    if not count:
        return FREE
    ones = {link: local[link] == ONE for link in derivation.links()}
    factors = space.total({link: not one for link, one in ones.items()}.__getitem__)
    of_ones = space.alive(ones.__getitem__)
    return Operations(factors - (count - of_ones), count - 1)


def factored_sum(derivation: Derivation) -> Operations | None:
    """The factored form; None where there are too many paths to write it."""
    if derivation.count > MAX_TERMS:
        return None
    return _factored(derivation.local, derivation.space)[0]


def _factored(local: LocalDerivatives, space: PathSpace) -> tuple[Operations, bool]:
    """The cost of a factored sum, and whether it is just 1."""
    total, factors = FREE, 0
    for start, end in zip(space.common, space.common[1:], strict=False):
        users = space.successors[start]
        if users == (end,):
            factors += local[Edge(start, end)] != ONE
            continue
        factors += 1
        for user in users:
            inner, is_one = _factored(local, space.section(user, end))
            product = int(not is_one and local[Edge(start, user)] != ONE)
            total += inner + Operations(product, 0)
        total += Operations(0, len(users) - 1)
    return total + Operations(max(factors - 1, 0), 0), factors == 0


def programme_cost(steps: Programme) -> Operations:
    """A programme: every earlier derivative is used again, none computed twice."""
    ones = {steps.varying(equation) for equation in steps.equations if steps.right_side(equation) == ONE}
    total = FREE
    for equation in steps.equations:
        products = sum(name not in ones and steps.local[link] != ONE for name, link in equation.parts)
        total += Operations(products, max(len(equation.parts) - 1, 0))
    return total


def gradient_costs(local: LocalDerivatives, of: str, wrt: Iterable[str]) -> dict[str, Operations]:
    """The whole gradient of `of` by the nodes `wrt`, in each form.

    The path sum and the forward programme start anew for every node of `wrt`; the backward programme runs once.
    """
    within = local.graph.ancestors(of)
    wanted = [name for name in wrt if name in within]
    each = [Derivation(local, of, name) for name in wanted]
    return {
        "paths": sum(map(path_sum, each), FREE),
        "forward": sum((programme_cost(derivation.programme("forward")) for derivation in each), FREE),
        "backward": programme_cost(adjoints(local, of, wanted)),
    }
