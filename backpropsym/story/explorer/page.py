"""One page for a browser on which a network can be explored: its derivatives one by one, path by path, in numbers."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from backpropsym.files import write_whole, writer_for
from backpropsym.picture.formats.svg_boxes import escaped
from backpropsym.picture.look.themes import Theme
from backpropsym.story.results import frame

_ROLES = {"parameter": "Parameters", "input": "Inputs", "target": "Targets"}


@dataclass(frozen=True)
class Leaf:
    """A leaf on the page.

    Attributes
    ----------
    name, shown : as the network has it, and as it is written.
    role : parameter, input or target.
    value : its number to begin with; None where the page computes nothing.
    """

    name: str
    shown: str
    role: str
    value: float | None


@dataclass(frozen=True)
class View:
    """One derivative: by what, its picture with the paths lit, how many are lit, and its forms as text."""

    wrt: str
    svg: str
    paths: tuple[int, ...]
    count: int
    text: str


@dataclass(frozen=True)
class Explorer:
    """A page with everything in it, which loads nothing and sends nothing.

    Attributes
    ----------
    leaves : those that the derived node depends on.
    nodes : each node: its name, as it is written, and its formula.
    script : a function `network` that computes; nothing where there are no numbers.
    note : what stands below the title.
    """

    title: str
    leaves: tuple[Leaf, ...]
    nodes: tuple[tuple[str, str, str], ...]
    views: tuple[View, ...]
    script: str
    note: str
    theme: Theme

    @property
    def html(self) -> str:
        """The text of the page."""
        script = f"{self.script}\n{_asset('page.js')}"
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escaped(self.title)}</title>\n<style>{self._colours()}{_asset('page.css')}</style>\n</head>\n<body>\n"
            f"<header><h1>{escaped(self.title)}</h1><p>{escaped(self.note)}</p></header>\n<main>\n"
            f"<aside>\n{self._leaves()}{self._nodes()}</aside>\n<div>\n{self._views()}</div>\n</main>\n"
            f"<script>{script}</script>\n</body>\n</html>\n"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to an .html file.

        Raises
        ------
        OutputError : another suffix, a missing folder, or a place that cannot be written.
        """
        return write_whole(Path(path), writer_for(Path(path), _FORMATS, "a page")(self))

    def __repr__(self) -> str:
        return f"<Explorer of {self.title!r}: {len(self.views)} derivatives>"

    def _repr_html_(self) -> str:
        return frame(self.html, scripts=True)

    def _colours(self) -> str:
        theme = self.theme
        return (
            f":root {{ --ground: {theme.background}; --ink: {theme.ink}; --quiet: {theme.quiet}; "
            f"--line: {theme.link}; --focus: {theme.patch}; }}\n"
        )

    def _leaves(self) -> str:
        parts = ['<div class="leaves">']
        for role, title in _ROLES.items():
            leaves = [leaf for leaf in self.leaves if leaf.role == role]
            if leaves:
                parts.append("\n".join(self._table(title, leaves)))
        reset = '<button type="button" id="reset">start again</button>' if self.script else '<span id="reset"></span>'
        return "\n".join([*parts, "</div>", f"<p>{reset}</p>\n"])

    def _table(self, title: str, leaves: Sequence[Leaf]) -> Iterator[str]:
        derived = {view.wrt for view in self.views}
        heads = ("", "value", "derivative") if self.script else ("", "", "")
        yield f"<h2>{title}</h2>\n<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
        for leaf in leaves:
            name, shown = escaped(leaf.name), escaped(leaf.shown)
            first = f'<button type="button" data-wrt="{name}">{shown}</button>' if leaf.name in derived else shown
            number = ""
            if leaf.value is not None:
                number = (
                    f'<input type="number" step="0.1" data-leaf="{name}" value="{_plain(leaf.value)}" '
                    f'aria-label="value of {shown}">'
                )
            slot = f'<td class="number" data-gradient="{name}"></td>' if leaf.role != "target" else "<td></td>"
            yield f"<tr><td>{first}</td><td>{number}</td>{slot}</tr>"
        yield "</table>"

    def _nodes(self) -> str:
        rows = [
            f'<tr><td>{escaped(shown)}</td><td class="formula">{escaped(formula)}</td>'
            f'<td class="number" data-node="{escaped(name)}"></td></tr>'
            for name, shown, formula in self.nodes
        ]
        return "\n".join(["<h2>Forward pass</h2>", '<div class="wide"><table>', *rows, "</table></div>\n"])

    def _views(self) -> str:
        return "\n".join(_view(view) for view in self.views) + "\n"


def _plain(value: float) -> str:
    """A number with all its digits, without a fraction where it has none."""
    return repr(value).removesuffix(".0")


def _view(view: View) -> str:
    name = escaped(view.wrt)
    chips = "".join(
        f'<button type="button" data-path="{number}" aria-pressed="false">{number}</button>' for number in view.paths
    )
    every = '<button type="button" data-path="" aria-pressed="true">all</button>'
    of = f" of {view.count:,}" if view.count != len(view.paths) else ""
    plural = "" if view.count == 1 else "s"
    lines = "\n".join(map(escaped, view.text.split("\n")))
    lit = f'<div class="chips"><span>{len(view.paths)}{of} path{plural}:</span>{every}{chips}</div>\n'
    return (
        f'<section class="view" data-wrt="{name}" hidden>\n{lit}{view.svg}\n'
        f"<details open><summary>as text</summary><pre>{lines}</pre></details>\n</section>"
    )


def _asset(name: str) -> str:
    return resources.files("backpropsym.story.explorer").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """What the page may do: run this script, and load nothing."""
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


_FORMATS: Mapping[str, Callable[[Explorer], bytes]] = MappingProxyType({".html": lambda page: page.html.encode()})
