"""The one call from a network to its picture."""

from __future__ import annotations

from typing import Unpack

from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.gradient_graph import scalar_derivation
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.graph.graph import Graph
from backpropsym.graph.levels import at_level
from backpropsym.graph.unroll import of_numbers
from backpropsym.picture.content.array_boxes import tensor_subject
from backpropsym.picture.content.entry_boxes import neuron_subject
from backpropsym.picture.content.hidden import without
from backpropsym.picture.content.highlighted_paths import ChosenPaths, chosen_paths
from backpropsym.picture.content.neurons import View, scene
from backpropsym.picture.content.node_values import NodeValues, node_values
from backpropsym.picture.content.patches import image_cells
from backpropsym.picture.content.path_terms import with_other_paths
from backpropsym.picture.content.subject import Subject
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.fitting import fitted
from backpropsym.picture.options import DrawOptions, Options


def draw(graph: Graph, wrt: str | None = None, of: str | None = None, **options: Unpack[DrawOptions]) -> Drawing:
    """The picture of `graph`; with `wrt`, the paths from there to `of` in the colours of their terms.

    Parameters
    ----------
    of : the node that is derived; without it the output where that is a scalar, else the loss; without `wrt` the loss.
    options : the attributes of `picture.options.Options`.

    Raises
    ------
    UnknownNameError : no such node, path, level, layout or theme, or nothing of a name that is to be hidden.
    NetworkError : what is to be hidden is on a highlighted path.
    MissingExtraError : Graphviz is asked for and not installed.
    ValuesError : numbers are asked for and some are missing.
    LimitError : the picture would have more than 2,000 boxes, too many paths are chosen, or what the picture is made
        for does not hold it.
    """
    chosen = Options(**options)
    if chosen.medium is not None:
        return fitted(chosen, lambda options: _drawn(graph, wrt, of, options))
    return _drawn(graph, wrt, of, chosen)


def _drawn(graph: Graph, wrt: str | None, of: str | None, chosen: Options) -> Drawing:
    """The picture with these options, whether or not its medium holds it."""
    level = _level(graph, of, wrt, chosen.level)
    stepwise = level == "ops" or (level is None and bool(graph.steps))
    target = of or (graph.default_target if wrt else graph.objective)
    drawn = at_level(graph, level) if level in ("ops", "layers") else graph
    subject = _subject(drawn, target, wrt, level, chosen)
    numbers = None if chosen.values is None else node_values(drawn, target, chosen.values)
    if numbers is not None and not chosen.adjoints:
        numbers = NodeValues(numbers.of, numbers.values)
    weights, derivatives = not (stepwise or subject.whole), chosen.derivatives or stepwise
    view = View(weights, chosen.values, derivatives, chosen.rows, chosen.width)
    on_links = with_other_paths(subject.graph, subject.symbols)
    writer = LatexWriter(Notation.of(subject.graph)).with_derivatives(subject.symbols, on_links)
    whole = without(scene(subject, writer, view, numbers), chosen.hidden)
    return Drawing(whole, chosen.look, engine=chosen.layout, medium=chosen.medium)


def _level(graph: Graph, of: str | None, wrt: str | None, level: str | None) -> str | None:
    """The level of detail that is drawn: that of neurons where an entry is derived; None draws the named nodes."""
    entry = any(read_entry(name, graph)[1] is not None for name in (of, wrt) if name)
    return "neurons" if level is None and entry and not _is_patch(graph, of, wrt) else level


def _is_patch(graph: Graph, of: str | None, wrt: str | None) -> bool:
    """Whether an entry is derived by a whole image that windows slide over: the picture shows its patch."""
    if of is None or wrt is None or "[" in wrt or "[" not in of:
        return False
    cells = image_cells(graph)
    return wrt in cells and cells[wrt].patch is not None and read_entry(of, graph)[0] in cells


def _subject(graph: Graph, of: str, wrt: str | None, level: str | None, options: Options) -> Subject:
    """What is drawn: numbers, entries of arrays, or whole arrays."""
    if of_numbers(graph, *graph.nodes):
        derivation = scalar_derivation(graph, of, wrt) if wrt else None
        chosen = chosen_paths(derivation, options.choice, options.values) if derivation else ChosenPaths()
        return Subject(graph, derivation, chosen, frozenset({graph.output}))
    if level == "neurons":
        return neuron_subject(graph, of, wrt, options.rows, options.choice, options.values)
    return tensor_subject(graph, of, wrt, options.choice)
