"""Reading a picture back from its SVG: what is where, as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import hypot
from xml.etree import ElementTree

from backpropsym.render.geometry import Point, Polyline, Rect

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class DrawnTrail:
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


def trails(svg: str) -> list[DrawnTrail]:
    found = []
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("class") == "trail":
            stroke = next(path for path in group.iter(f"{SVG}path") if path.get("class") == "stroke")
            found.append(
                DrawnTrail(
                    group.attrib["data-path"],
                    group.attrib["data-number"],
                    group.findtext(f"{SVG}title", ""),
                    stroke.attrib["stroke"],
                    stroke.get("stroke-dasharray", ""),
                    points(stroke.attrib["d"]),
                )
            )
    return found


def boxes(svg: str) -> dict[str, Rect]:
    """The outline of every box by its name."""
    found = {}
    for group in parsed(svg).iter(f"{SVG}g"):
        if group.get("data-name") is not None:
            rect = [child for child in group if child.tag == f"{SVG}rect" and child.get("stroke-width")][-1]
            x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            found[group.attrib["data-name"]] = Rect(x, y, x + width, y + height)
    return found


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
