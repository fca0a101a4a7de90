"""The one call from a network to its picture."""

from __future__ import annotations

from typing import Unpack

from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.gradient_graph import scalar_derivation
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.graph.graph import Graph
from backpropsym.graph.levels import at_level
from backpropsym.picture.content.array_boxes import tensor_subject
from backpropsym.picture.content.entry_boxes import neuron_subject
from backpropsym.picture.content.highlighted_paths import ChosenPaths, chosen_paths
from backpropsym.picture.content.neurons import View, scene
from backpropsym.picture.content.node_values import NodeValues, node_values
from backpropsym.picture.content.patches import image_cells
from backpropsym.picture.content.subject import Subject
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.options import DrawOptions, Options


def draw(graph: Graph, wrt: str | None = None, of: str | None = None, **options: Unpack[DrawOptions]) -> Drawing:
    """The picture of `graph`; with `wrt`, the paths from there to `of` in the colours of their terms.

    Parameters
    ----------
    of : the node that is derived; without it the output.
    options : the attributes of `picture.options.Options`.

    Raises
    ------
    UnknownNameError : no such node, path, level, layout or theme.
    MissingExtraError : Graphviz is asked for and not installed.
    ValuesError : numbers are asked for and some are missing.
    LimitError : the picture would have more than 2,000 boxes, or too many paths are chosen.
    """
    chosen = Options(**options)
    level, look = _level(graph, of, wrt, chosen.level), chosen.look
    subject, numbers = _subject(graph, of, wrt, level, chosen)
    if numbers is not None and not chosen.adjoints:
        numbers = NodeValues(numbers.of, numbers.values)
    derivatives = chosen.derivatives or level == "ops"
    view = View(level == "neurons", chosen.values, derivatives, chosen.rows, chosen.width)
    writer = LatexWriter(Notation.of(subject.graph)).with_derivatives(subject.symbols)
    return Drawing(scene(subject, writer, view, numbers), look, engine=chosen.layout)


def _level(graph: Graph, of: str | None, wrt: str | None, level: str | None) -> str | None:
    """The level of detail that is drawn; None draws the named tensors."""
    if graph.scalar:
        by_default = "ops" if graph.steps else "neurons"
        return level.replace("layers", "neurons") if level else by_default
    if level is None and "[" in f"{of}{wrt}" and not _is_patch(graph, of, wrt):
        return "neurons"
    return level


def _is_patch(graph: Graph, of: str | None, wrt: str | None) -> bool:
    """Whether an entry is derived by a whole image that windows slide over: the picture shows its patch."""
    if of is None or wrt is None or "[" in wrt or "[" not in of:
        return False
    cells = image_cells(graph)
    return wrt in cells and cells[wrt].patch is not None and read_entry(of, graph)[0] in cells


def _subject(
    graph: Graph, of: str | None, wrt: str | None, level: str | None, options: Options
) -> tuple[Subject, NodeValues | None]:
    """What is drawn, and its numbers where there are values."""
    values = options.values
    if graph.scalar:
        graph = at_level(graph, level) if level == "ops" else graph
        derivation = scalar_derivation(graph, of or graph.default_target, wrt) if wrt else None
        chosen = chosen_paths(derivation, options.choice, values) if derivation else ChosenPaths()
        subject = Subject(graph, derivation, chosen, frozenset({graph.output}))
        target = of or (graph.default_target if wrt else graph.objective)
        return subject, None if values is None else node_values(graph, target, values)
    target = of or graph.default_target
    if level == "neurons":
        subject = neuron_subject(graph, target, wrt, options.rows, options.choice, values)
    else:
        graph = graph if level is None else at_level(graph, level)
        subject = tensor_subject(graph, target, wrt, options.choice)
    return subject, None if values is None else node_values(graph, target, values)
