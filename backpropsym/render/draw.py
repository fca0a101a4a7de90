"""The one call from a network to its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local import LocalDerivatives
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.graph import Graph
from backpropsym.render.drawing import Drawing
from backpropsym.render.latex import LatexWriter
from backpropsym.render.neurons import MAX_ROWS, Level, View, scene
from backpropsym.render.notation import Notation
from backpropsym.render.themes import theme as named


def draw(
    graph: Graph,
    wrt: str | None = None,
    of: str | None = None,
    *,
    level: str = "neurons",
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
    level : `neurons` draws weights as labels of links, `ops` draws every node as a box.
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
    levels: dict[str, Level] = {known: known for known in get_args(Level)}
    if level not in levels:
        fix = did_you_mean(level, levels, f"choose one of {', '.join(levels)}")
        raise UnknownNameError(f"there is no level called {level!r}", fix=fix)
    look = named(theme)
    derivation = Derivation(LocalDerivatives(graph), of or graph.output, wrt) if wrt else None
    view = View(levels[level], path, values, derivatives, rows)
    return Drawing(scene(graph, LatexWriter(Notation.of(graph)), derivation, view), look)
