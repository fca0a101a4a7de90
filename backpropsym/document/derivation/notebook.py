"""How things show themselves in a notebook: a picture, mathematics, and plain text for every other place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.arrays import tensor_report
from backpropsym.document.derivation.latex import align, equation, latex
from backpropsym.document.derivation.markdown import markdown_of
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.errors import BackpropsymError
from backpropsym.graph.graph import Graph

ROOM = 90
"""Room for a formula in a notebook, in letters."""

MAX_EQUATIONS = 60
MAX_PATHS = 100


def bundle(plain: str, **media: Callable[[], str]) -> dict[str, str]:
    """What a notebook may choose from; a medium that the thing is too large for is left out.

    Parameters
    ----------
    media : `svg` and `latex`, each made when asked for.
    """
    kinds: Mapping[str, str] = {"svg": "image/svg+xml", "latex": "text/latex"}
    found = {"text/plain": plain}
    for name, make in media.items():
        try:
            found[kinds[name]] = make()
        except BackpropsymError:
            continue
    return found


def network_latex(graph: Graph) -> str:
    """The equations of a network, one a named node, as displayed mathematics."""
    writer = LatexWriter(Notation.of(graph))
    nodes = [node for node in graph.named.nodes.values() if node.op is not None]
    lines: list[str] = []
    for node in nodes[:MAX_EQUATIONS]:
        left, right = equation_of(graph, graph[node.name])
        lines += equation(writer.write(left), writer.write(right), ROOM)
    if len(nodes) > MAX_EQUATIONS:
        lines.append(rf"&\;\;\vdots \quad \text{{({len(nodes) - MAX_EQUATIONS:,} more)}}")
    return markdown_of(align(lines)) if lines else ""


def derivation_latex(derivation: Derivation) -> str:
    """A derivation as displayed mathematics; of a sum over very many paths, its factored form."""
    if derivation.between_arrays:
        text = tensor_report(derivation, "index", "latex")
    else:
        text = latex(derivation, "paths" if derivation.count <= MAX_PATHS else "factored")
    return markdown_of(text.partition("\n")[2])
