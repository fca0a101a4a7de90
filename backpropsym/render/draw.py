"""The one call from a network to its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.levels import at_level
from backpropsym.derive.local import LocalDerivatives
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.graph import Graph
from backpropsym.render.drawing import Drawing
from backpropsym.render.latex import LatexWriter
from backpropsym.render.layers import layer_derivatives, layer_graph, neuron_graph
from backpropsym.render.neurons import MAX_ROWS, Level, View, scene
from backpropsym.render.notation import Notation
from backpropsym.render.themes import theme as named

LAYERS = "layers"
LEVELS: Mapping[str, Level] = {**{known: known for known in get_args(Level)}, LAYERS: "ops"}
"""Levels of detail, each with the rules by which it is drawn."""


def draw(
    graph: Graph,
    wrt: str | None = None,
    of: str | None = None,
    *,
    level: str | None = None,
    path: int | None = None,
    values: Mapping[str, Any] | None = None,
    derivatives: bool = False,
    theme: str = "light",
    rows: int = MAX_ROWS,
) -> Drawing:
    """The picture of `graph`; with `wrt`, the paths from there to `of` in the colours of their terms.

    Parameters
    ----------
    of : the node that is derived; without it the output.
    level : `neurons` draws weights as labels of links (and every entry of a tensor), `ops` every node as a box,
        `layers` each layer of an architecture as a box. Default: neurons for networks of scalars and where an entry
        is derived, the named tensors as boxes otherwise.
    path : number of the only path to highlight, counted from 1.
    values : numbers for inputs, targets and parameters, completed by the network's own; None draws no numbers.
    derivatives : whether links carry their local derivatives.
    theme : `light`, `dark` or `print`.
    rows : the most boxes of a column.

    Raises
    ------
    UnknownNameError : no such node, path, level or theme.
    ValuesError : numbers are asked for and some are missing.
    LimitError : the picture would have more than 2,000 boxes.
    """
    if level is None and (graph.scalar or "[" in f"{of}{wrt}"):
        level = "neurons"
    if level is not None and level not in LEVELS:
        fix = did_you_mean(level, LEVELS, f"choose one of {', '.join(LEVELS)}")
        raise UnknownNameError(f"there is no level called {level!r}", fix=fix)
    look = named(theme)
    symbols: dict[str, tuple[str, str]] = {}
    if graph.scalar:
        local = LocalDerivatives(graph)
    elif level == "neurons":
        of = of or (graph.objective if graph[graph.output].shape else graph.output)
        graph, of, wrt = neuron_graph(graph, of, wrt)
        local = LocalDerivatives(graph)
    else:
        graph = graph if level is None else at_level(graph, level)
        of = of or (graph.objective if graph[graph.output].shape else graph.output)
        values, graph = None, layer_graph(graph)
        local, symbols = layer_derivatives(graph)
    derivation = Derivation(local, of or graph.output, wrt) if wrt else None
    view = View(LEVELS[level or LAYERS], path, values, derivatives, rows)
    writer = LatexWriter(Notation.of(graph)).with_derivatives(symbols)
    return Drawing(scene(graph, writer, derivation, view), look)
