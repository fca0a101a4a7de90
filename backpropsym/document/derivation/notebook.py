"""How things show themselves in a notebook: a picture, mathematics, and plain text for every other place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backpropsym.derive.array_derivation import equation_of
from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.report import page
from backpropsym.document.formats.markdown import Displayed
from backpropsym.document.formulas import Formula
from backpropsym.document.model import Equations, Page, Row
from backpropsym.document.notation.names import Notation
from backpropsym.document.registry import Layout
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
    nodes = [node for node in graph.named.nodes.values() if node.op is not None]
    equations = (equation_of(graph, graph[node.name]) for node in nodes[:MAX_EQUATIONS])
    rows = tuple(Row(Formula(left), Formula(right)) for left, right in equations)
    listed = Equations(rows, max(len(nodes) - MAX_EQUATIONS, 0))
    return Displayed(Page(Notation.of(graph), tuple, dict), Layout(room=ROOM)).equations(listed)


def derivation_latex(derivation: Derivation) -> str:
    """A derivation as displayed mathematics; of a sum over very many paths, its factored form."""
    form = "paths" if derivation.between_arrays or derivation.count <= MAX_PATHS else "factored"
    return Displayed(page(derivation, form), Layout()).body()
