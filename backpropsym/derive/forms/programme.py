"""Derivatives as programmes: one equation a node, backward from the output or forward from a parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from backpropsym.collection import collection_paused
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.formula.algebra import add, mul
from backpropsym.formula.tree import ONE, Add, Expr, Name


@dataclass(frozen=True, slots=True)
class Equation:
    """d `of` / d `by` as a sum over links of (an earlier derivative) times (a local derivative).

    `parts` hold the earlier equation's node and the link. An equation without parts is the seed, 1.
    """

    of: str
    by: str
    parts: tuple[tuple[str, Edge], ...]

    @property
    def node(self) -> tuple[str, str]:
        """The pair (of, by)."""
        return (self.of, self.by)


@dataclass(frozen=True)
class Programme:
    """Equations in the order in which they can be computed; each is used by the later ones.

    `direction` is "backward" (adjoints: `of` is fixed) or "forward" (tangents: `by` is fixed).
    """

    direction: str
    equations: tuple[Equation, ...]
    local: LocalDerivatives
    symbols: Mapping[str, str]

    def varying(self, equation: Equation) -> str:
        """The node that distinguishes the equation from the others."""
        return equation.by if self.direction == "backward" else equation.of

    def right_side(self, equation: Equation) -> Expr:
        """The equation's right side, earlier derivatives by their symbols; the seed's symbol is 1."""
        return add(list(self.parts(equation, self._named))) if equation.parts else ONE

    @cached_property
    def _named(self) -> Mapping[str, Expr]:
        seed = self.varying(self.equations[0])
        return {name: ONE if name == seed else Name(symbol) for name, symbol in self.symbols.items()}

    def right_sides(self) -> list[Expr]:
        """The right side of every equation, in their order."""
        with collection_paused():
            return list(map(self.right_side, self.equations))

    def parts(self, equation: Equation, known: Mapping[str, Expr]) -> Iterator[Expr]:
        """The addends of an equation's right side, earlier derivatives as `known` gives them by node."""
        for name, link in equation.parts:
            pair = [known[name], self.local[link]]
            yield mul(pair if self.direction == "backward" else reversed(pair))

    def nested(self) -> Expr:
        """The last equation's right side with all earlier ones put in; equal addends stay apart."""
        uses = Counter(name for equation in self.equations for name, _ in equation.parts)
        known: dict[str, list[Expr]] = {}
        for equation in self.equations:
            products: list[list[Expr]] = []
            for name, link in equation.parts:
                uses[name] -= 1
                products.append(list(known[name]) if uses[name] else known.pop(name))
                products[-1].append(self.local[link])
            if len(products) > 1:
                products = [[Add(tuple(map(self._product, products)))]]
            known[self.varying(equation)] = products[0] if products else []
        return self._product(known[self.varying(self.equations[-1])])

    def _product(self, factors: list[Expr]) -> Expr:
        """The product of factors that were found from the seed on."""
        return mul(factors if self.direction == "backward" else reversed(factors))


@collection_paused()
def adjoints(local: LocalDerivatives, of: str, wrt: Iterable[str] | None = None) -> Programme:
    """The adjoint of every node between `of` and the nodes `wrt` (default: every node that `of` depends on).

    A node with k consumers receives k parts; none is overwritten.

    References
    ----------
    Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, chapter 3.
    """
    graph = local.graph
    wanted = graph.ancestors(of)
    if wrt is not None:
        wanted &= graph.descendants(*wrt)
    equations = [Equation(of, of, ())]
    for name in reversed(graph.order):
        if name in wanted and name != of:
            users = [user for user in graph.consumers[name] if user in wanted]
            equations.append(Equation(of, name, tuple((user, Edge(name, user)) for user in users)))
    return Programme("backward", tuple(equations), local, _symbols(equations, graph.nodes))


def tangents(local: LocalDerivatives, of: str, wrt: str) -> Programme:
    """The tangent of every node between `wrt` and `of`, starting from d wrt / d wrt = 1.

    References
    ----------
    Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, chapter 3.
    """
    graph = local.graph
    between = graph.between(wrt, of)
    kept = set(between)
    equations = [Equation(wrt, wrt, ())]
    for name in between:
        if name != wrt:
            parents = [parent for parent in graph[name].parents if parent in kept]
            equations.append(Equation(name, wrt, tuple((parent, Edge(parent, name)) for parent in parents)))
    return Programme("forward", tuple(equations), local, _symbols(equations, graph.nodes))


def _symbols(equations: list[Equation], taken: Iterable[str]) -> dict[str, str]:
    """A symbol for each equation by its node, such as da_dh1, that no node has for its name.

    Those of entries are entries too, the position of `of` first: ds_dW[1,0,2] for d s[1] / d W[0,2].
    """
    used = {name.partition("[")[0] for name in taken}
    symbols: dict[str, str] = {}
    bases: dict[tuple[str, str], str] = {}
    seed = equations[0]
    backward = len(equations) > 1 and equations[1].of == seed.of
    for equation in equations:
        (of, of_at), (by, by_at) = (_split(name) for name in (equation.of, equation.by))
        if (of, by) not in bases:
            bases[of, by] = _free(f"d{of}_d{by}", used)
        position = ",".join(each for each in (of_at, by_at) if each)
        symbols[equation.by if backward else equation.of] = bases[of, by] + (f"[{position}]" if position else "")
    return symbols


def _split(name: str) -> tuple[str, str]:
    """A node's name and the position of an entry, empty where there is none."""
    base, _, position = name.partition("[")
    return base, position.rstrip("]")


def _free(symbol: str, used: set[str]) -> str:
    while symbol in used:
        symbol += "_"
    used.add(symbol)
    return symbol
