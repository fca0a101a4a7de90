"""Positions and routes by Graphviz, for those who ask for them; everything else of a picture stays ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

from backpropsym.errors import LimitError, MissingExtraError, UnknownNameError, did_you_mean
from backpropsym.picture.layout.geometry import Point, Polyline, curve
from backpropsym.picture.layout.grid import Grid
from backpropsym.picture.layout.sizes import height, place, ring, span
from backpropsym.picture.look.themes import Theme
from backpropsym.picture.scene import LinkId, Scene

Engine = Literal["columns", "dot"]
ENGINES: Final = get_args(Engine)
_POINTS = 72.0
_SECONDS = 60
_LINE = 17.0


def check_engine(name: str) -> None:
    """Refuse an engine that is unknown or not there.

    Raises
    ------
    UnknownNameError : there is no layout of that name.
    MissingExtraError : Graphviz is not installed.
    """
    if name not in ENGINES:
        fix = did_you_mean(name, ENGINES, f"choose one of {', '.join(ENGINES)}")
        raise UnknownNameError(f"there is no layout called {name!r}", fix=fix)
    if name == "dot" and shutil.which("dot") is None:
        raise MissingExtraError(
            "the layout dot needs the program dot of Graphviz, which is not installed",
            fix="install it (apt install graphviz, brew install graphviz), or leave --layout out",
        )


def dot_grid(scene: Scene, theme: Theme, labelled: Mapping[LinkId, float]) -> tuple[Grid, dict[LinkId, Polyline]]:
    """The boxes of `scene` where `dot` puts them, and the routes that it gives their links.

    Raises
    ------
    MissingExtraError : Graphviz is not installed.
    LimitError : it takes longer than a minute.
    """
    check_engine("dot")
    keys = {box.id: f"n{i}" for i, box in enumerate(scene.boxes)}
    found = _run(_source(scene, theme, labelled, keys))
    named = {entry["name"]: entry for entry in found.get("objects", ())}
    placed = {box.id: place(box, _point(named[keys[box.id]]["pos"]), theme) for box in scene.boxes}
    ends = {(keys[link.source], keys[link.target]): link.id for link in scene.links}
    order = [each["name"] for each in found.get("objects", ())]
    courses: dict[LinkId, Polyline] = {}
    for edge in found.get("edges", ()):
        link = ends[order[edge["tail"]], order[edge["head"]]]
        line = _spline(edge["pos"])
        courses[link] = (placed[link.source].rect.centre, *line, placed[link.target].rect.centre)
    column = {name: round(box.rect.centre[0]) for name, box in placed.items()}
    numbers = {x: i for i, x in enumerate(sorted(set(column.values())))}
    places = {name: numbers[x] for name, x in column.items()}
    members = tuple(tuple(name for name in placed if places[name] == i) for i in range(len(numbers)))
    return Grid(placed, members, places), courses


def _source(scene: Scene, theme: Theme, labelled: Mapping[LinkId, float], keys: Mapping[str, str]) -> str:
    """The graph in DOT: sizes and numbers only, no text of a person's."""
    lines = ["digraph {", "rankdir=LR; nodesep=0.45; ranksep=0.9; node [shape=box, fixedsize=true];"]
    for box in scene.boxes:
        below = _LINE * ((box.value is not None or box.cells is not None) + (box.adjoint is not None))
        wide, high = span(box, theme), height(box) + 2 * (below + ring(box))
        lines.append(f'{keys[box.id]} [width="{wide / _POINTS:.4f}", height="{high / _POINTS:.4f}"];')
    for link in scene.links:
        room = " [minlen=2]" if link.id in labelled else ""
        lines.append(f"{keys[link.source]} -> {keys[link.target]}{room};")
    return "\n".join([*lines, "}"])


def _run(source: str) -> Mapping[str, Any]:
    try:
        done = subprocess.run(
            ["dot", "-Tjson"], input=source.encode(), capture_output=True, timeout=_SECONDS, check=True
        )
    except subprocess.TimeoutExpired:
        fix = "leave --layout out, or draw fewer boxes"
        raise LimitError(f"dot was not done after {_SECONDS} seconds", fix=fix) from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingExtraError(
            f"dot did not run: {error}", fix="check that dot -V works, or leave --layout out"
        ) from None
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def _point(text: str) -> Point:
    """A position of Graphviz's, whose heights grow upwards."""
    x, y = text.removesuffix("!").split(",")
    return float(x), -float(y)


def _spline(text: str) -> Polyline:
    """A spline: control points, after the end that the arrow's tip is drawn to."""
    parts = text.split()
    tips = [_point(part[2:]) for part in parts if part.startswith("e,")]
    points: Sequence[Point] = [_point(part) for part in parts if part[:2] not in ("e,", "s,")]
    line: list[Point] = [points[0]]
    for i in range(0, len(points) - 3, 3):
        start, first, second, end = points[i : i + 4]
        line += curve(start, first, second, end)[1:]
    return (*line, *tips)
