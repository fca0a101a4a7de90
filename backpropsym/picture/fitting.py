"""A picture for a medium: with fewer boxes in its columns, of its paths alone, with fewer paths, until it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import replace

from backpropsym.picture.content.highlighted_paths import ON_SLIDES
from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.grid import numbered
from backpropsym.picture.layout.sheet import FitError
from backpropsym.picture.options import Options
from backpropsym.picture.scene import Scene

FOLDED = (12, 8, 6, 5, 4, 3)
"""The most boxes of a column that are tried, one after the other."""

ZOOMED = "boxes that are on no path are left out"
BARE = "parameters that are on no path are left out"


def fitted(options: Options, draw: Callable[[Options], Drawing]) -> Drawing:
    """The first picture that the medium of `options` holds, with everything clear where there is such a one.

    Raises
    ------
    FitError : none does; the message says by how much, and what to change.
    """
    refused: list[FitError] = []
    unclear: list[Drawing] = []
    known = set[Scene]()
    for drawing in _pictures(options, draw):
        if drawing.scene in known:
            continue
        known.add(drawing.scene)
        try:
            if not drawing.sheet.unclear:
                return drawing
            unclear.append(drawing)
        except FitError as error:
            refused.append(error)
    if unclear:
        return min(unclear, key=lambda drawing: drawing.sheet.unclear)
    nearest = min(refused, key=lambda error: error.excess)
    raise FitError(nearest.medium, nearest.excess, _fix(options, drawing))


def _pictures(options: Options, draw: Callable[[Options], Drawing]) -> Iterator[Drawing]:
    """The whole picture, then such with ever fewer boxes, then with the paths alone, and with ever fewer of these."""
    medium = options.medium
    if medium and medium.whole:
        options = replace(options, most=min(options.most, ON_SLIDES))
    drawing = draw(options)
    yield drawing
    yield replace(drawing, scene=without_parameters(drawing.scene))
    tallest = max(Counter(box.column for box in drawing.scene.boxes).values(), default=0)
    rows = [count for count in FOLDED if count < min(tallest, options.rows or tallest)]
    paths = [count for count in (4, 2, 1) if options.path is None and count < len(drawing.scene.highlights)]
    for count in rows:
        options = replace(options, rows=count)
        drawing = draw(options)
        yield drawing
        yield replace(drawing, scene=without_parameters(drawing.scene))
    if drawing.scene.highlights:
        yield replace(drawing, scene=zoomed(drawing.scene))
    for most in paths:
        drawing = draw(replace(options, most=most))
        yield drawing
        yield replace(drawing, scene=zoomed(drawing.scene))


def zoomed(scene: Scene) -> Scene:
    """`scene` with the boxes on highlighted paths alone, and a note that says so."""
    return _part(scene, _lit(scene), ZOOMED)


def without_parameters(scene: Scene) -> Scene:
    """`scene` without the parameters and constants that hang above boxes, but for those on highlighted paths."""
    lit, (hung, _) = _lit(scene), numbered(scene)
    return _part(scene, {box.id for box in scene.boxes if box.id in lit or box.id not in hung}, BARE)


def _lit(scene: Scene) -> set[str]:
    return {name for highlight in scene.highlights for link in highlight.links for name in link}


def _part(scene: Scene, kept: Set[str], note: str) -> Scene:
    """`scene` with the boxes `kept` alone, and a note; the same scene where these are all."""
    if len(kept) == len(scene.boxes):
        return scene
    return replace(scene.of_boxes(kept), note="; ".join(part for part in (scene.note, note) if part))


def _fix(options: Options, drawing: Drawing) -> str:
    """What makes a picture smaller, and the medium larger."""
    fixes = ["choose a larger one, such as --fit page or a width"]
    if options.path is None and drawing.scene.highlights:
        fixes.append("show one path with --path 1")
    if options.level != "layers":
        fixes.append("draw whole arrays with --level layers")
    return ", or ".join(fixes)
