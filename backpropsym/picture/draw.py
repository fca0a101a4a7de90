"""The one call from a network to its picture."""

from __future__ import annotations

from backpropsym.arrays import Values
from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.gradient_graph import scalar_derivation
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.errors import UnknownNameError, did_you_mean
from backpropsym.graph.graph import Graph
from backpropsym.graph.levels import LEVELS, at_level
from backpropsym.picture.content.array_boxes import tensor_subject
from backpropsym.picture.content.entry_boxes import neuron_subject
from backpropsym.picture.content.highlighted_paths import MAX_TRAILS, Choice, Highlights, PathNumbers, highlights
from backpropsym.picture.content.link_width import WIDTHS, Width
from backpropsym.picture.content.neurons import View, scene
from backpropsym.picture.content.node_values import Passes, passes
from backpropsym.picture.content.patches import image_cells
from backpropsym.picture.content.subject import Subject
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.engine import Engine, check_engine
from backpropsym.picture.look.theme_file import theme as named
from backpropsym.picture.look.themes import Theme


def draw(
    graph: Graph,
    wrt: str | None = None,
    of: str | None = None,
    *,
    level: str | None = None,
    path: PathNumbers | None = None,
    values: Values | None = None,
    derivatives: bool = False,
    adjoints: bool = True,
    theme: str | Theme = "light",
    rows: int | None = None,
    most: int = MAX_TRAILS,
    width: Width | None = None,
    layout: Engine = "columns",
) -> Drawing:
    """The picture of `graph`; with `wrt`, the paths from there to `of` in the colours of their terms.

    Parameters
    ----------
    of : the node that is derived; without it the output.
    level : `neurons` draws weights as labels of links (and every entry of a tensor), `ops` every operation as a
        box, in networks of scalars with the local derivative on each link, `layers` each layer of an architecture
        as a box; a network of scalars has none and shows its neurons. Default: neurons for networks of scalars and
        where an entry is derived, the named tensors as boxes otherwise.
    path : the number of the only path to highlight, counted from 1 in the order of the derivation, or several numbers,
        at most 16; by default all, or of more than `most` the strongest at `values`, or without them the shortest
        and others that differ from it and one another.
    values : numbers for inputs, targets and parameters, completed by the network's own; None draws no numbers.
    derivatives : whether links carry their local derivatives.
    adjoints : whether the numbers of the backward pass are drawn with those of the forward pass.
    theme : the name of a theme, a TOML file with one, or a `Theme`.
    rows : the most boxes of a column; by default all up to 16, else 5.
    most : of how many paths all are highlighted where none are chosen.
    width : `weight` or `share`, the part of the derivative that passes a link: what sets the width of links, where
        there are numbers.
    layout : `columns`, or `dot` for that of Graphviz.

    Raises
    ------
    UnknownNameError : no such node, path, level, layout or theme.
    MissingExtraError : Graphviz is asked for and not installed.
    ValuesError : numbers are asked for and some are missing.
    LimitError : the picture would have more than 2,000 boxes, or too many paths are chosen.
    """
    if level is None and (graph.scalar or ("[" in f"{of}{wrt}" and not _is_patch(graph, of, wrt))):
        level = "ops" if graph.scalar and graph.steps else "neurons"
    if level is not None and level not in LEVELS:
        fix = did_you_mean(level, LEVELS, f"choose one of {', '.join(LEVELS)}")
        raise UnknownNameError(f"there is no level called {level!r}", fix=fix)
    if graph.scalar and level == "layers":
        level = "neurons"
    check_engine(layout)
    if width is not None and width not in WIDTHS:
        fix = did_you_mean(width, WIDTHS, f"choose one of {', '.join(WIDTHS)}")
        raise UnknownNameError(f"the width of links cannot show {width!r}", fix=fix)
    look = named(theme) if isinstance(theme, str) else theme
    subject, numbers = _subject(graph, of, wrt, level, rows, Choice(path, most), values)
    if numbers is not None and not adjoints:
        numbers = Passes(numbers.of, numbers.values)
    view = View(level == "neurons", values, derivatives or level == "ops", rows, width)
    writer = LatexWriter(Notation.of(subject.graph)).with_derivatives(subject.symbols)
    return Drawing(scene(subject, writer, view, numbers), look, engine=layout)


def _is_patch(graph: Graph, of: str | None, wrt: str | None) -> bool:
    """Whether an entry is derived by a whole image that windows slide over: the picture shows its patch."""
    if of is None or wrt is None or "[" in wrt or "[" not in of:
        return False
    cells = image_cells(graph)
    return wrt in cells and cells[wrt].patch is not None and read_entry(of, graph)[0] in cells


def _subject(
    graph: Graph,
    of: str | None,
    wrt: str | None,
    level: str | None,
    rows: int | None,
    choice: Choice,
    values: Values | None,
) -> tuple[Subject, Passes | None]:
    """What is drawn, and its numbers where there are values."""
    if graph.scalar:
        graph = at_level(graph, level) if level == "ops" else graph
        derivation = scalar_derivation(graph, of or graph.default_target, wrt) if wrt else None
        lit = highlights(derivation, choice, values) if derivation else Highlights()
        subject = Subject(graph, derivation, lit, frozenset({graph.output}))
        target = of or (graph.default_target if wrt else graph.objective)
        return subject, None if values is None else passes(graph, target, values)
    target = of or graph.default_target
    if level == "neurons":
        subject = neuron_subject(graph, target, wrt, rows, choice, values)
    else:
        graph = graph if level is None else at_level(graph, level)
        subject = tensor_subject(graph, target, wrt, choice)
    return subject, None if values is None else passes(graph, target, values)
