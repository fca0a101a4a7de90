"""What is wrong with a laid out picture, told by geometry: text on text, on boxes, on foreign lines, and so on.

Text extents are those that the layout has from the outlines of the glyphs: the ink of a formula at its size, and for
labels of links the ground about it. Type sizes are those of the font; indices are smaller, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from backpropsym.picture.drawing import Drawing
from backpropsym.picture.layout.geometry import Rect
from backpropsym.picture.layout.grid import HALO
from backpropsym.picture.layout.labels import overlapping
from backpropsym.picture.layout.layout import Layout
from backpropsym.picture.layout.link_labels import highlighted, roomy
from backpropsym.picture.layout.sheet import LEGEND_GAP, Sheet
from backpropsym.picture.layout.sizes import small_shape_font
from backpropsym.picture.look.media import POINTS
from backpropsym.picture.look.themes import TEXT_CONTRAST, Theme, contrast

SLACK = 0.5
"""Pixels by which things may touch."""


def faults(drawing: Drawing) -> list[str]:
    """Everything that is wrong with a picture."""
    sheet, theme = drawing.sheet, drawing.theme
    return [
        *overlaps(sheet.layout),
        *crossed(sheet.layout),
        *through_boxes(sheet.layout),
        *in_legend(sheet),
        *outside(sheet),
        *too_small(sheet, theme),
        *too_pale(sheet, theme),
    ]


def texts(layout: Layout) -> dict[str, Rect]:
    """Every label, heading, value, number of a path and name of a layer, by what it is."""
    found = {f"label of {'-'.join(link)}": label.rect for link, label in layout.labels.items()}
    found |= {f"heading {heading.latex}": heading.rect for heading in layout.headings}
    found |= {f"layer {i} {plate.name}": plate.text_rect for i, plate in enumerate(layout.clusters)}
    tagged = [highlight.number for highlight in layout.scene.highlights if highlight.number in layout.tags]
    found |= {f"number {number}": rect for number, rect in zip(tagged, layout.tag_rects(), strict=True)}
    for name, box in layout.boxes.items():
        found |= {f"below {name}": rect for rect in (box.value_rect,) if rect}
        found |= {f"adjoint of {name}": rect for rect in (box.adjoint_rect,) if rect}
    return found


def overlaps(layout: Layout) -> Iterator[str]:
    """Texts and boxes that share area."""
    named = texts(layout) | {f"box {name}": box.rect for name, box in layout.boxes.items()}
    names, rects = list(named), [rect.grown(-SLACK) for rect in named.values()]
    yield from (f"{names[i]} overlaps {names[j]}" for i, j in overlapping(rects))


def crossed(layout: Layout) -> Iterator[str]:
    """Labels of links that stand on a line that is not theirs, where there is room; else those that lie on paths."""
    sparse, lit = roomy(layout.scene), highlighted(layout.scene)
    for link, label in layout.labels.items():
        inner = label.rect.grown(-HALO)
        for other, line in layout.routes.items():
            if other != link and inner.meets_line(line) and (link in sparse or other in lit):
                yield f"label of {'-'.join(link)} stands on {'-'.join(other)}"


def through_boxes(layout: Layout) -> Iterator[str]:
    """Lines through boxes that are not at their ends."""
    yield from (f"{'-'.join(link)} runs beneath box {name}" for link, name in layout.hidden())


def in_legend(sheet: Sheet) -> Iterator[str]:
    """Texts of the legend that overlap."""
    legend = sheet.legend
    if legend is None:
        return
    rects = [
        Rect(
            text.left,
            text.baseline - text.formula.ascent * text.font,
            text.left + text.formula.width * text.font,
            text.baseline + text.formula.descent * text.font,
        ).grown(-SLACK)
        for text in legend.texts
    ]
    for (i, one), (j, other) in combinations(enumerate(rects), 2):
        if one.overlaps(other):
            yield f"texts {i} and {j} of the legend overlap"
    area = Rect(0, 0, legend.width, legend.height).grown(SLACK)
    for i, rect in enumerate(rects):
        if rect.left < area.left or rect.right > area.right or rect.top < area.top or rect.bottom > area.bottom:
            yield f"text {i} stands outside the legend"


def outside(sheet: Sheet) -> Iterator[str]:
    """What stands outside the sheet."""
    layout, (left, top), (wide, high) = sheet.layout, sheet.origin, sheet.size
    dx, dy = left - layout.bounds.left, top - layout.bounds.top
    named = texts(layout) | {f"box {name}": box.rect for name, box in layout.boxes.items()}
    lines = {**{"-".join(link): line for link, line in layout.routes.items()}}
    lines |= {f"path {number}": line for number, line in layout.strokes.items()}
    named |= {name: Rect(x, y, x, y) for name, line in lines.items() for x, y in line}
    for name, rect in named.items():
        at = rect.moved(dx, dy)
        if at.left < 0 or at.top < 0 or at.right > wide or at.bottom > high:
            yield f"{name} stands outside"
    if sheet.legend:
        bottom = top + layout.bounds.height + LEGEND_GAP + sheet.legend.height
        if sheet.legend.width > wide or bottom > high:
            yield "the legend stands outside"


def fonts(sheet: Sheet, theme: Theme) -> dict[str, float]:
    """The size of every font in pixels of the layout, by what is set in it."""
    layout = sheet.layout
    found = {f"label of {'-'.join(link)}": label.font for link, label in layout.labels.items()}
    found |= {f"heading {heading.latex}": heading.font for heading in layout.headings}
    for name, box in layout.boxes.items():
        if box.box.cells is None:
            found[f"box {name}"] = box.font
        if box.shape and box.box.cells is None:
            found[f"shape of {name}"] = small_shape_font(theme) if box.small else theme.value_font
        if box.value or box.adjoint:
            found[f"below {name}"] = theme.value_font
    found |= {f"layer {plate.name}": theme.value_font for plate in layout.clusters}
    if layout.tags:
        found["numbers of paths"] = theme.tag_font
    if sheet.legend:
        found |= {f"text {i} of the legend": text.font for i, text in enumerate(sheet.legend.texts)}
    return found


def too_small(sheet: Sheet, theme: Theme) -> Iterator[str]:
    """Type smaller than the medium's smallest."""
    if sheet.medium is None:
        return
    points = sheet.scale * POINTS[sheet.medium.unit]
    for name, font in fonts(sheet, theme).items():
        if font * points < sheet.medium.smallest * (1 - 1e-6):
            yield f"{name} has type of {font * points:.2f} points"


def too_pale(sheet: Sheet, theme: Theme) -> Iterator[str]:
    """Text whose contrast to its ground is less than 4.5 to 1."""
    layout, scene = sheet.layout, sheet.layout.scene
    pairs = {("names", theme.ink, theme.boxes[box.role].fill) for box in scene.boxes}
    if scene.highlights:
        pairs |= {("quiet names", theme.quiet, theme.boxes[box.role].fill) for box in scene.boxes}
        pairs |= {("terms", theme.text(highlight.colour), theme.background) for highlight in scene.highlights}
        pairs.add(("quiet text", theme.quiet, theme.background))
    if any(box.box.adjoint for box in layout.boxes.values()):
        pairs.add(("adjoints", theme.adjoint, theme.background))
    if layout.clusters:
        pairs |= {("layers", theme.quiet, theme.cluster), ("names in layers", theme.ink, theme.cluster)}
    if layout.labels or layout.headings:
        pairs.add(("labels", theme.link_label, theme.background))
    discs = {highlight.colour for highlight in scene.highlights}
    pairs |= {("numbers", theme.tag_text(colour), theme.path_colour(colour)) for colour in discs}
    for what, colour, ground in sorted(pairs):
        if contrast(colour, ground) < TEXT_CONTRAST:
            yield f"{what} have a contrast of {contrast(colour, ground):.2f}"
