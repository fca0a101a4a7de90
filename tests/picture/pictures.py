"""Reading a picture back from its SVG: what is where, as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import hypot
from xml.etree import ElementTree

from backpropsym.picture.layout.geometry import Point, Polyline, Rect
from backpropsym.picture.layout.grid import HALO

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class DrawnPath:
    path: str
    number: str
    title: str
    colour: str
    dash: str
    line: Polyline


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def points(path: str) -> Polyline:
    numbers = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path)]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


@lru_cache(maxsize=8)
def highlights(svg: str) -> list[DrawnPath]:
    found = []
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("class") == "trail":
            stroke = next(path for path in group.iter(f"{SVG}path") if path.get("class") == "stroke")
            found.append(
                DrawnPath(
                    group.attrib["data-path"],
                    group.attrib["data-number"],
                    group.findtext(f"{SVG}title", ""),
                    stroke.attrib["stroke"],
                    stroke.get("stroke-dasharray", ""),
                    points(stroke.attrib["d"]),
                )
            )
    return found


@lru_cache(maxsize=8)
def boxes(svg: str) -> dict[str, Rect]:
    """The outline of every box by its name."""
    found = {}
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("data-name") is not None:
            outlines = [child for child in group if child.tag == f"{SVG}rect" and child.get("stroke-width")]
            if outlines:
                found[group.attrib["data-name"]] = rectangle(outlines[-1])
    return found


def rectangle(rect: ElementTree.Element) -> Rect:
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return Rect(x, y, x + width, y + height)


@lru_cache(maxsize=8)
def labels(svg: str) -> dict[str, Rect]:
    """The ground of every label by its link."""
    found = {}
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("data-label") is not None:
            ground = group.find(f"{SVG}rect")
            assert ground is not None
            found[group.attrib["data-label"]] = rectangle(ground)
    return found


def covering(svg: str) -> set[str]:
    """The links whose labels stand on another label, on a box, or on a link or a path that is not theirs."""
    grounds, rects, lines = labels(svg), boxes(svg), links(svg)
    found = set()
    for name, ground in grounds.items():
        others = [rect for other, rect in grounds.items() if other != name]
        if any(ground.overlaps(rect) for rect in [*others, *rects.values()]):
            found.add(name)
        # Letters keep clear; the rim of the ground may touch.
        inner = ground.grown(-HALO)
        if any(other != name and inner.meets_line(line) for other, line in lines.items()):
            found.add(name)
        if any(inner.meets_line(line) and not _starts_at(line, ground) for line in foreign(svg, name)):
            found.add(name)
    return found


def foreign(svg: str, name: str) -> list[Polyline]:
    """The strokes of all paths that do not take the link `name`."""
    found = []
    for highlight in highlights(svg):
        names = highlight.path.split("-")
        if name not in {f"{a}-{b}" for a, b in pairwise(names)}:
            found.append(highlight.line)
    return found


def _starts_at(line: Polyline, ground: Rect) -> bool:
    return ground.grown(1).overlaps(Rect.around(line[0], 0.1, 0.1))


@lru_cache(maxsize=8)
def links(svg: str) -> dict[str, Polyline]:
    return {
        path.attrib["data-link"]: points(path.attrib["d"])
        for path in parsed(svg).iter(f"{SVG}path")
        if path.get("data-link")
    }


def visited(line: Polyline, rects: dict[str, Rect]) -> list[str]:
    """The boxes that a line enters, in order."""
    order: list[str] = []
    for point in dots(line):
        inside = [name for name, rect in rects.items() if rect.grown(-4).overlaps(Rect.around(point, 0.1, 0.1))]
        if inside and (not order or order[-1] != inside[0]):
            order.append(inside[0])
    return order


def dots(line: Polyline, step: float = 2.0) -> list[Point]:
    """Points along a line, close to one another."""
    found = []
    for (x0, y0), (x1, y1) in zip(line, line[1:], strict=False):
        count = max(1, int(hypot(x1 - x0, y1 - y0) / step))
        found += [(x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(count + 1)]
    return found


def distance(point: Point, line: Polyline) -> float:
    return min(hypot(point[0] - x, point[1] - y) for x, y in dots(line, 0.5))
