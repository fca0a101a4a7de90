"""A picture on its sheet: the network, its legend below, and the size at which both come out.

For a medium everything keeps the medium's smallest type. What holds the width and the height is tried in this order:
smaller gaps between columns and rows, then more rows of columns. Text is never made smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf

from backpropsym.errors import LimitError
from backpropsym.picture.layout.engine import Engine
from backpropsym.picture.layout.geometry import Point
from backpropsym.picture.layout.layout import Layout, lay_out
from backpropsym.picture.layout.legend import LEAST_ROOM, Legend, legend
from backpropsym.picture.layout.ways import ways
from backpropsym.picture.look.media import Medium
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import Scene

MARGIN, CLOSE = 28.0, 12.0
"""Pixels around a picture; around one that is made for a medium, which has margins of its own."""

LEGEND_GAP = 34.0
SUBJECT = 0.55
"""What of the height of a slide is the network's, at least."""

_MOST_TRIED, _TRIED_ALIKE = 5, 2
"""So many layouts whose boxes alone fit are completed at most, and so many with the same rows."""


class FitError(LimitError):
    """A medium does not hold a picture at a size that can be read; `excess` says how many times too large it is."""

    def __init__(self, medium: Medium, excess: float, fix: str = "") -> None:
        told = f"{max(excess, 1.01):.2f}" if excess < 10 else f"{excess:,.0f}"
        super().__init__(
            f"the picture does not fit {medium.name}: it is {told} times as large as that holds with legible text",
            details=(f"the smallest type is {medium.smallest:g} points, and text is not made smaller",),
            fix=fix or "draw fewer boxes or paths, or choose a larger medium",
        )
        self.medium, self.excess = medium, excess


@dataclass(frozen=True)
class Sheet:
    """A layout with its legend, and the medium that both are made for; None for pixels, as many as they take.

    A `close` one has margins as narrow as for a medium.
    """

    layout: Layout
    legend: Legend | None = None
    medium: Medium | None = None
    close: bool = False

    @property
    def margin(self) -> float:
        """Pixels around everything."""
        return CLOSE if self.medium or self.close else MARGIN

    @property
    def _content(self) -> tuple[float, float]:
        """Width and height of all that is drawn, with its margins."""
        bounds, beside = self.layout.bounds, self.legend.width if self.legend else 0.0
        below = LEGEND_GAP + self.legend.height if self.legend else 0.0
        # Whole pixels, so that the edge of a raster image is not a blend.
        return ceil(max(bounds.width, beside) + 2 * self.margin), ceil(bounds.height + below + 2 * self.margin)

    @cached_property
    def size(self) -> tuple[float, float]:
        """Width and height of the sheet in pixels of the layout."""
        wide, high = self._content
        if self.medium is None:
            return wide, high
        wide = max(wide, self.medium.room[0] / self.medium.enlarged)
        if self.medium.whole and self.medium.height is not None:
            wide = max(wide, high * self.medium.width / self.medium.height)
            high = wide * self.medium.height / self.medium.width
        return wide, high

    @property
    def scale(self) -> float:
        """Units of the medium, or pixels, in a pixel of the layout."""
        return self.medium.width / self.size[0] if self.medium else 1.0

    @property
    def lengths(self) -> tuple[str, str]:
        """Width and height as they stand in a file, such as 84mm; pixels without a unit."""
        unit = self.medium.unit if self.medium and self.medium.unit != "px" else ""
        wide, high = (f"{round(pixels * self.scale, 3):.10g}" for pixels in self.size)
        return wide + unit, high + unit

    @property
    def origin(self) -> Point:
        """Where the top left of the layout's bounds stands on the sheet."""
        (wide, high), bounds = self.size, self.layout.bounds
        return (wide - bounds.width) / 2, (high - self._content[1]) / 2 + self.margin

    @property
    def excess(self) -> float:
        """The size of the sheet as a multiple of the largest that the medium allows; 0 without one."""
        if self.medium is None:
            return 0.0
        wide, high = self.medium.room
        return max(self._content[0] / wide, self._content[1] / high)

    @cached_property
    def unclear(self) -> int:
        """How many boxes and labels overlap, labels stand on foreign lines, and links run beneath boxes."""
        layout = self.layout
        return layout.crowding() + len(layout.covered()) + len(layout.hidden())


def sheet(
    scene: Scene,
    theme: Theme,
    medium: Medium | None = None,
    *,
    labels: bool = True,
    engine: Engine = "columns",
) -> Sheet:
    """`scene` on a sheet of its own size, or on one that is made for `medium`.

    Parameters
    ----------
    theme : for a medium one that is legible there.
    labels, engine : as in `lay_out`.

    Raises
    ------
    FitError : the medium does not hold it.
    """
    if medium is None:
        layout = lay_out(scene, theme, labels=labels, engine=engine)
        return Sheet(layout, legend(scene, theme, max(layout.bounds.width, LEAST_ROOM)))
    room = medium.room[0] - 2 * CLOSE, medium.room[1] - 2 * CLOSE
    below = legend(scene, theme, room[0]) if medium.explained else None
    beneath = LEGEND_GAP + below.height if below else 0.0
    least = max(below.width / room[0], beneath / (room[1] * (1 - SUBJECT if medium.whole else 1))) if below else 0.0
    if least > 1:
        raise FitError(medium, least)
    if engine == "dot":
        found = [Sheet(lay_out(scene, theme, labels=labels, engine=engine), below, medium)]
    else:
        found = list(_tried(scene, theme, medium, labels, below, (room[0], room[1] - beneath)))
    return min(found, key=lambda sheet: sheet.unclear)


def _tried(
    scene: Scene, theme: Theme, medium: Medium, labels: bool, below: Legend | None, room: tuple[float, float]
) -> Iterator[Sheet]:
    """A few sheets that fit, up to the first on which everything stands clear."""
    least, tried = inf, Counter[tuple[int, ...]]()
    wide = set[tuple[float, tuple[int, ...]]]()
    for way in ways(scene, theme, labels, room):
        done = tried[way.breaks] >= _TRIED_ALIKE or tried.total() >= _MOST_TRIED
        if way.excess > 1 or done or (way.room.tight, way.breaks) in wide:
            least = min(least, max(way.excess, 1.01))
            continue
        layout = lay_out(scene, theme, labels=labels, room=way.room, breaks=way.breaks, most=room)
        found = Sheet(layout, below, medium)
        least = min(least, found.excess)
        tried[way.breaks] += 1
        if layout.bounds.width > room[0]:
            wide.add((way.room.tight, way.breaks))
        if found.excess <= 1:
            yield found
            least = 0.0
            if not found.unclear:
                return
    if least:
        raise FitError(medium, least)
