"""A scene as a Mermaid flowchart, which GitHub and GitLab draw inside a README."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backpropsym.errors import printable
from backpropsym.picture.layout.cut_bars import COLOUR as CUT
from backpropsym.picture.look.themes import LIGHT, Theme
from backpropsym.picture.scene import Box, Scene

_SHAPES = {"value": ("([", "])"), "output": ("(((", ")))"), "loss": ("([", "])")}
_PLATE = ("(", ")")
_PLAIN = ("[", "]")
_KEPT = re.compile(r"[A-Za-z0-9 ,.()\[\]+\-*/=:']")


def mermaid(scene: Scene, theme: Theme = LIGHT) -> str:
    """`scene` as Mermaid: boxes by role, clusters as subgraphs, a coloured line for each path on a link.

    Names stand as plain text, every other character as its code, so that none of them is syntax.
    """
    keys = {box.id: f"n{i}" for i, box in enumerate(scene.boxes)}
    return "\n".join(
        [
            "---",
            f'title: "{_title(scene.title)}"',
            "---",
            "flowchart LR",
            *_nodes(scene, keys),
            *_links(scene, keys, theme),
            *_styles(scene, keys, theme),
            "",
        ]
    )


def _title(text: str) -> str:
    """A title for the YAML head, in double quotes."""
    return re.sub(r"[^\w ,.:+\-*/()\[\]=']", " ", printable(text))


def _text(text: str) -> str:
    """`text` in double quotes, its characters of syntax as codes."""
    return '"' + "".join(c if _KEPT.match(c) else f"#{ord(c)};" for c in printable(text)) + '"'


def _nodes(scene: Scene, keys: dict[str, str]) -> Iterator[str]:
    boxes = {box.id: box for box in scene.boxes}
    inside: set[str] = set()
    for i, cluster in enumerate(scene.clusters):
        yield f"  subgraph c{i}[{_text(cluster.name)}]"
        for name in cluster.boxes:
            if name not in inside:
                inside.add(name)
                yield f"    {_node(boxes[name], keys[name])}"
        yield "  end"
    for box in scene.boxes:
        if box.id not in inside:
            yield f"  {_node(box, keys[box.id])}"


def _node(box: Box, key: str) -> str:
    left, right = _PLATE if box.shape else _SHAPES.get(box.role, _PLAIN)
    shape = "".join(c for c in ", ".join(box.shape) if c.isalnum() or c in ", ")
    value = f" = {box.value}" if box.value and re.fullmatch(r"[\d.]+", box.value) else ""
    return f"{key}{left}{_text(box.name + value + (f' ({shape})' if shape else ''))}{right}"


def _links(scene: Scene, keys: dict[str, str], theme: Theme) -> Iterator[str]:
    """One line a link, or one for each path on it; their colours follow by number."""
    looks: list[str] = []
    for link in scene.links:
        highlights = [highlight for highlight in scene.highlights if link.id in highlight.links]
        for at, highlight in enumerate(highlights or [None]):
            label = link.name if at == 0 else ""
            if highlight is not None:
                width = "stroke-dasharray:6 4," if highlight.dash else ""
                looks.append(
                    f"  linkStyle {len(looks)} stroke:{theme.path_colour(highlight.colour)},{width}stroke-width:3px"
                )
            elif link.id in scene.cuts:
                cut = f"stroke:{theme.text(CUT)},stroke-dasharray:6 4,stroke-width:2px"
                looks.append(f"  linkStyle {len(looks)} {cut}")
            else:
                looks.append(f"  linkStyle {len(looks)} stroke:{theme.link},stroke-width:1px")
            arrow = f"-- {_text(label)} -->" if label else "-.->" if link.rest else "-->"
            yield f"  {keys[link.source]} {arrow} {keys[link.target]}"
    yield from looks


def _styles(scene: Scene, keys: dict[str, str], theme: Theme) -> Iterator[str]:
    for role in dict.fromkeys(box.role for box in scene.boxes):
        style = theme.boxes[role]
        members = ",".join(keys[box.id] for box in scene.boxes if box.role == role)
        yield f"  classDef {role}Box fill:{style.fill},stroke:{style.outline},color:{theme.ink}"
        yield f"  class {members} {role}Box"
