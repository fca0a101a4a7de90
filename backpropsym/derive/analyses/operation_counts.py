"""What each form costs: multiplications and additions of local derivatives, which are taken as computed."""

from __future__ import annotations

from collections.abc import Iterable

from backpropsym.derive.analyses.array_costs import FREE, Operations, tensor_costs
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.formula.tree import ONE


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


def gradient_costs(local: LocalDerivatives, of: str, wrt: Iterable[str]) -> dict[str, Operations]:
    """The whole gradient of `of` by the nodes `wrt`, in each form.

    The path sum and the forward programme start anew for every node of `wrt`; the backward programme runs once.
    """
    within = local.graph.ancestors(of)
    wanted = [name for name in wrt if name in within]
    by_paths = sum((path_sum(Derivation(local, of, name)) for name in wanted), FREE)
    programmes = tensor_costs(local.graph, of, wanted)
    return {"paths": by_paths, "forward": programmes["forward"], "backward": programmes["backward"]}
