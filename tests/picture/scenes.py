"""Scenes that several tests draw."""

from __future__ import annotations

import re

from backpropsym.picture.content.columns import columns
from backpropsym.picture.scene import Box, HighlightedPath, Link, LinkId, Role, Scene


def latex(name: str) -> str:
    """A name with its digits as an index."""
    return re.sub(r"([A-Za-z]+)(\d+)", r"\1_{\2}", name)


def scene(
    roles: dict[str, Role],
    links: list[tuple[str, str, str]],
    highlights: list[tuple[str, str]] = (),  # type: ignore[assignment]
    **options: str,
) -> Scene:
    """A scene from roles, (source, target, label) and (path by names, term)."""
    ids = [LinkId(source, target) for source, target, _ in links]
    found = columns(roles, ids)
    boxes = tuple(Box(name, found[name], latex(name), name, role) for name, role in roles.items())
    lines = tuple(Link(s, t, latex(label) or None, label) for s, t, label in links)
    labelled = {label: LinkId(s, t) for s, t, label in links if label}
    return Scene(
        options.get("title", "A network"),
        options.get("description", "A network of neurons."),
        boxes,
        lines,
        tuple(highlight(i + 1, path, term, labelled, roles) for i, (path, term) in enumerate(highlights)),
        options.get("derivative", ""),
        options.get("note", ""),
    )


def highlight(
    number: int, path: str, term: str, labelled: dict[str, LinkId], roles: dict[str, Role]
) -> HighlightedPath:
    """A path along the names in `path`, which may start at the label of a link."""
    names = tuple(path.split())
    links = [LinkId(a, b) for a, b in zip(names, names[1:], strict=False)]
    from_label = names[0] not in roles
    if from_label:
        links[0] = labelled[names[0]]
    return HighlightedPath(number, names, tuple(links), r" \to ".join(map(latex, names)), term, from_label)


def lecture(*, highlighted: bool = True) -> Scene:
    """The network of the lecture, with the two paths from w11 to a."""
    roles: dict[str, Role] = {"x1": "input", "x2": "input"}
    roles |= dict.fromkeys(("s1", "s2", "z1", "z2", "u1", "u2", "h1", "h2"), "value")
    roles["a"] = "output"
    links = [(f"x{i}", f"s{j}", f"w{i}{j}") for j in (1, 2) for i in (1, 2)]
    links += [(f"s{i}", f"z{i}", "f") for i in (1, 2)]
    links += [(f"z{i}", f"u{j}", f"v{i}{j}") for j in (1, 2) for i in (1, 2)]
    links += [(f"u{i}", f"h{i}", "f") for i in (1, 2)]
    links += [(f"h{i}", "a", f"p{i}1") for i in (1, 2)]
    highlights = [
        ("w11 s1 z1 u1 h1 a", r"x_1 \cdot f'(s_1) \cdot v_{11} \cdot f'(u_1) \cdot p_{11}"),
        ("w11 s1 z1 u2 h2 a", r"x_1 \cdot f'(s_1) \cdot v_{12} \cdot f'(u_2) \cdot p_{21}"),
    ]
    return scene(
        roles,
        links,
        highlights if highlighted else [],
        title="The network of the lecture",
        description="The derivative of a by w11 as a sum over two paths.",
        derivative=r"\frac{\partial a}{\partial w_{11}}" if highlighted else "",
    )


def dense(*widths: int) -> Scene:
    """A fully connected network with labelled weights."""
    names = [[f"n{layer}{i}" for i in range(width)] for layer, width in enumerate(widths)]
    roles: dict[str, Role] = {}
    for layer, row in enumerate(names):
        roles |= dict.fromkeys(row, "input" if layer == 0 else "output" if layer == len(names) - 1 else "value")
    links = [
        (a, b, f"w{a[1:]}{b[2:]}") for left, right in zip(names, names[1:], strict=False) for b in right for a in left
    ]
    return scene(roles, links)


def skips() -> Scene:
    """A graph with links that skip columns, a loss with its target, and a bias."""
    roles: dict[str, Role] = {
        "x1": "input",
        "x2": "input",
        "x3": "input",
        "y": "target",
        "b": "parameter",
        "c": "parameter",
    }
    roles |= dict.fromkeys(("s1", "s2", "s3", "r1", "r2", "q"), "value")
    roles |= {"a": "output", "loss": "loss"}
    links = [("x1", "s1", ""), ("x2", "s2", ""), ("x3", "s3", ""), ("b", "s2", ""), ("x2", "s1", "")]
    links += [("s1", "r1", ""), ("s2", "r1", ""), ("s3", "r2", ""), ("r1", "q", ""), ("r2", "q", "")]
    links += [
        ("x2", "q", "k"),
        ("x1", "a", "m"),
        ("q", "a", "g"),
        ("a", "loss", ""),
        ("y", "loss", ""),
        ("s2", "a", ""),
    ]
    links += [("c", "s1", ""), ("c", "s3", "")]
    return scene(roles, links, [("x2 q a loss", "k g"), ("x1 a loss", "m"), ("c s3 r2 q a loss", "g")])


def chain(length: int) -> Scene:
    """One neuron after another, and one link over all of them."""
    names = [f"z{i}" for i in range(length)]
    roles: dict[str, Role] = {"x": "input"} | dict.fromkeys(names, "value")  # type: ignore[assignment]
    roles[names[-1]] = "output"
    path = ["x", *names]
    links = [(a, b, "f") for a, b in zip(path, path[1:], strict=False)]
    links.append(("z1", names[-1], "r"))
    return scene(roles, links, [("x " + " ".join(names), "1"), ("x z0 z1 " + names[-1], "r")])


def single() -> Scene:
    """One box."""
    return scene({"a": "output"}, [])
