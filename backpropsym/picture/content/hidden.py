"""A scene without the boxes that a person wants hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from backpropsym.errors import NetworkError, UnknownNameError, did_you_mean
from backpropsym.picture.scene import Box, Role, Scene

GROUPS: Final[Mapping[str, Role]] = {
    "inputs": "input",
    "targets": "target",
    "parameters": "parameter",
    "constants": "constant",
}
"""What hides every box of a role that no highlighted path runs through."""


def without(scene: Scene, hidden: Sequence[str]) -> Scene:
    """`scene` without the boxes of these names and groups, and without the columns that this leaves empty.

    Raises
    ------
    UnknownNameError : no box and no group has such a name.
    NetworkError : a highlighted path runs through a box that is hidden by its name.
    """
    if not hidden:
        return scene
    lit = {end for path in scene.highlights for link in path.links for end in link}
    kept = {box.id for box in scene.boxes if not _hides(box, hidden, lit)}
    for name in hidden:
        boxes = [box for box in scene.boxes if _base(box) == name or box.id == name]
        if name not in GROUPS and not boxes:
            known = dict.fromkeys([*GROUPS, *map(_base, scene.boxes)])
            fix = did_you_mean(name, known, f"name boxes of the picture, or {', '.join(GROUPS)}")
            raise UnknownNameError(f"nothing in the picture is called {name!r}", fix=fix)
        if any(box.id in lit for box in boxes):
            raise NetworkError(f"a highlighted path runs through {name}", fix=f"leave {name} out of what is hidden")
    found = scene.of_boxes(kept)
    places = {column: place for place, column in enumerate(sorted({box.column for box in found.boxes}))}
    return replace(found, boxes=tuple(replace(box, column=places[box.column]) for box in found.boxes))


def _hides(box: Box, hidden: Sequence[str], lit: set[str]) -> bool:
    grouped = any(GROUPS.get(name) == box.role for name in hidden)
    return box.id in hidden or _base(box) in hidden or (grouped and box.id not in lit)


def _base(box: Box) -> str:
    """The node of which a box is, or of which it is an entry."""
    return box.id.partition("@")[0].partition("[")[0]
