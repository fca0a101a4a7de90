"""Names that would mean two things: in formulas, or in the text of a derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backpropsym.errors import Problem
from backpropsym.formula.tree import called
from backpropsym.graph import Graph, Node, Role
from backpropsym.ops.differentiate import partials
from backpropsym.ops.kinds import Elementwise, Reduction
from backpropsym.ops.table import FunctionTable, prime_name
from backpropsym.spec.declaration import Declaration
from backpropsym.spec.functions import head_name

_SECTIONS = {Role.INPUT: "inputs", Role.TARGET: "targets", Role.PARAMETER: "parameters", Role.CONSTANT: "constants"}
_REDUCTION_WORDS = {"logsumexp": ("exp", "log", "logsumexp", "softmax"), "max": ("where",), "min": ("where",)}
_INDEX_WORDS = ("Sum", "KroneckerDelta", "Piecewise", "And", "floor", "Mod", "oo", "inside", "quotient", "remainder")


def own_function_clashes(
    roles: Mapping[str, Role], table: FunctionTable, declaration: Declaration
) -> Iterator[Problem]:
    """Functions that the network declares, and their derivatives, against its nodes."""
    for key in declaration.functions:
        name = head_name(key)
        place = declaration.places("functions", key, None)
        if name in table.own and name in roles:
            yield Problem(f"{name} is both a node and a function", place, fix="rename one of them")
        elif name in table.own:
            for prime in (prime_name(table[name], argument) for argument in table[name].arguments):
                if prime in roles:
                    message = f"a node has the name of a derivative of {name}, {prime}"
                    yield Problem(message, place, fix="rename one of them")


def derivative_clashes(graph: Graph, declaration: Declaration) -> Iterator[Problem]:
    """Nodes with the name of a function that stands in the text of a derivative, such as step for relu.

    Such a text could not be read with the nodes as symbols.
    """
    suspects = [name for name in graph.nodes if name in graph.functions or name in _INDEX_WORDS]
    if not suspects:
        return
    users: dict[str, str] = {}
    for node in graph.nodes.values():
        for word in _words(node, graph):
            users.setdefault(word, node.owner)
    for name in suspects:
        if name in users:
            section = _SECTIONS.get(graph[name].role, "nodes")
            message = f"{name} is a node, and the derivative of a formula is written with the function {name}"
            details = (f"it stands in the derivative of {users[name]}",)
            place = declaration.places(section, name, None)
            yield Problem(message, place, details, fix=f"rename the node, for example to {name}_")


def _words(node: Node, graph: Graph) -> Iterator[str]:
    """The functions in the texts of a node's local derivatives."""
    match node.op:
        case Elementwise(formula):
            yield from called(formula)
            for partial in partials(formula, graph.functions).values():
                yield from called(graph.functions.written(partial))
        case Reduction(function):
            yield from _REDUCTION_WORDS.get(function, ())
    if not graph.scalar:
        yield from _INDEX_WORDS
