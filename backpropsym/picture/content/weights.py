"""Which parameters are weights: drawn as the label of a link, not as a box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from backpropsym.formula.tree import Add, Call, Expr, Mul, Name, Neg, names, walk
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.picture.scene import LinkId


def weights(graph: Graph) -> dict[str, LinkId]:
    """The parameters that are labels, each with its link.

    A parameter is one if a single node uses it, once, in a product of that node's sum whose only other factor is
    an input or a computed node: w11 in `w11*x1 + b`. The sum may be the argument of a function: `tanh(w*x + b)`.
    """
    return {name: links[0] for name, links in _places(graph).items() if len(graph.consumers[name]) == 1}


def shared_weights(graph: Graph) -> dict[str, tuple[LinkId, ...]]:
    """The parameters that are labels wherever they are used, as the entries of a filter are, each with its links."""
    return {name: links for name, links in _places(graph).items() if len(links) == len(graph.consumers[name])}


def _places(graph: Graph) -> dict[str, tuple[LinkId, ...]]:
    """The parameters that are weights of some node, in the order of the graph, and the links they weigh."""
    found: dict[str, tuple[LinkId, ...]] = defaultdict(tuple)
    for node in graph.nodes.values():
        if node.op is not None:
            for name, source in _factors(node, graph):
                found[name] += (LinkId(source, node.name),)
    return {name: found[name] for name in graph.names(Role.PARAMETER) if name in found}


def activation(node: Node, graph: Graph) -> tuple[str, str] | None:
    """The node that `node` is one function of, such as s of `f(s)`, and the function; None where it is not.

    Further arguments of the function may be numbers, constants and parameters.
    """
    formula = node.op.formula if node.op is not None else None
    if not isinstance(formula, Call) or not all(isinstance(part, Name) for part in formula.arguments):
        return None
    moving = [name for name in names(formula) if graph[name].role not in (Role.PARAMETER, Role.CONSTANT)]
    return (moving[0], formula.function) if len(moving) == 1 else None


def wrapped(node: Node, graph: Graph) -> str | None:
    """The function around a weighted sum, such as tanh in `tanh(w*x + b)`; None where no link of it has a weight."""
    formula = node.op.formula if node.op is not None else None
    if not isinstance(formula, Call) or not any(True for _ in _factors(node, graph)):
        return None
    return formula.function


def labels(places: Mapping[str, Iterable[LinkId]]) -> Mapping[LinkId, tuple[str, ...]]:
    """The weights on each link, in the order of the graph."""
    found: dict[LinkId, tuple[str, ...]] = defaultdict(tuple)
    for name, links in places.items():
        for link in links:
            found[link] += (name,)
    return found


def _factors(node: Node, graph: Graph) -> Iterator[tuple[str, str]]:
    """Parameters that stand once in the node's formula, as the one weight of another factor, and that factor."""
    formula = node.op.formula if node.op is not None else Name(node.name)
    uses: dict[str, int] = defaultdict(int)
    for part in walk(formula):
        if isinstance(part, Name):
            uses[part.name] += 1
    for term in _terms(formula):
        if not isinstance(term, Mul) or len(term.factors) != 2:
            continue
        pair = [factor.name for factor in term.factors if isinstance(factor, Name)]
        inner = [name for name in pair if graph[name].role in (Role.INPUT, Role.VALUE)]
        outer = [name for name in pair if graph[name].role is Role.PARAMETER and uses[name] == 1]
        if len(inner) == len(outer) == 1:
            yield outer[0], inner[0]


def _terms(formula: Expr) -> Iterator[Expr]:
    """The terms of a sum, looked for inside functions of one argument; signs are taken off."""
    while isinstance(formula, Call) and len(formula.arguments) == 1 and not formula.options:
        formula = formula.arguments[0]
    for term in formula.terms if isinstance(formula, Add) else (formula,):
        yield term.operand if isinstance(term, Neg) else term
