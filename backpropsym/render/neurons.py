"""From a graph to a scene: neurons with weights on their links, or every node of the graph as a box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from backpropsym.derive.derivation import Derivation, paths_text
from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.derive.numbers import forward, given_values
from backpropsym.errors import LimitError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Expr, Mul
from backpropsym.graph import Graph
from backpropsym.render.columns import columns
from backpropsym.render.grid import OUTER
from backpropsym.render.scene import Box, Link, LinkId, Role, Scene, Trail
from backpropsym.render.trails import Highlight, highlights
from backpropsym.render.weights import activation, labels, wrapped
from backpropsym.render.writer import Writer

Level = Literal["neurons", "ops"]

MAX_ROWS = 16
"""A column with more boxes than this shows the first ones, and how many there are besides."""

MAX_BOXES = 2_000
"""More boxes than this make no picture that can be read; setting their labels takes about 5 ms each."""

MAX_FACTORS = 14
"""A path or term with more parts than this shows its beginning and its end."""

_ABOUT = 200


@dataclass(frozen=True, slots=True)
class View:
    """What a scene shows of a graph.

    Attributes
    ----------
    level : `neurons` draws weights as labels of links; `ops` draws every node as a box.
    path : number of the only path to highlight, counted from 1; None for all, or a few of many.
    values : numbers for inputs, targets and parameters, completed by the network's own; None draws no numbers.
    derivatives : whether links carry their local derivatives instead of weights and functions.
    rows : the most boxes of a column.
    """

    level: Level = "neurons"
    path: int | None = None
    values: Mapping[str, Any] | None = None
    derivatives: bool = False
    rows: int = MAX_ROWS


DEFAULT = View()


def scene(graph: Graph, writer: Writer, derivation: Derivation | None = None, view: View = DEFAULT) -> Scene:
    """The picture of `graph`, with the paths of `derivation` highlighted where one is given.

    Parameters
    ----------
    writer : writes names and formulas as LaTeX.

    Raises
    ------
    ValuesError : numbers are asked for and some are missing.
    UnknownNameError : there is no path of the number asked for.
    LimitError : the picture would have more than 2,000 boxes.
    """
    return _Builder(graph, writer, derivation, view).scene()


class _Sum(TypedDict, total=False):
    derivative: str
    total: str
    partial: bool


class _Builder:
    """Builds one scene; `weights` are the parameters that stand on links."""

    def __init__(self, graph: Graph, writer: Writer, derivation: Derivation | None, view: View) -> None:
        self.graph, self.writer, self.derivation, self.view = graph, writer, derivation, view
        self.weights = labels(graph) if view.level == "neurons" else {}
        self.link_of = {name: link for link, names in self.weights.items() for name in names}
        self.values = {} if view.values is None else _numbers(graph, view.values)
        self.shown, self.note = highlights(derivation, view.path, view.values) if derivation else ((), "")

    def scene(self) -> Scene:
        """The whole scene."""
        graph = self.graph
        names = [name for name in graph.nodes if name not in self.link_of]
        links = [LinkId(p, node.name) for node in graph.nodes.values() for p in node.parents if p not in self.link_of]
        roles = {name: self._role(name) for name in names}
        places = columns(roles, links)
        kept, hidden = self._rows(roles, places)
        if len(kept) > MAX_BOXES:
            raise LimitError(
                f"the picture would have {len(kept):,} boxes in {len(set(places.values())):,} columns",
                details=(f"at most {MAX_BOXES:,} are drawn",),
                fix="ask for fewer rows, or draw a smaller network of the same kind",
            )
        local = LocalDerivatives(graph) if self.view.derivatives else None
        drawn = [self._link(link, local) for link in links if link.source in kept and link.target in kept]
        trails = tuple(self._trail(each) for each in self.shown if len(each.term.path) > 1)
        return Scene(
            self.graph.title or "A network",
            self._description(),
            tuple(self._boxes(roles, places, kept, hidden)),
            tuple(drawn),
            trails,
            note=self.note,
            **self._sum(),
        )

    def _sum(self) -> _Sum:
        """What the highlighted terms add up to; a single one of many is no sum."""
        derivation = self.derivation
        if derivation is None or (self.view.path is not None and derivation.count > 1):
            return {}
        return {
            "derivative": self.writer.derivative(derivation.of, derivation.wrt),
            "partial": derivation.count > len(self.shown),
            "total": "" if self.view.values is None else _number(derivation.evaluate(**self.view.values)),
        }

    def _role(self, name: str) -> Role:
        if name == self.graph.loss:
            return "loss"
        return "output" if name == self.graph.output else self.graph[name].role.value

    def _rows(self, roles: Mapping[str, Role], places: Mapping[str, int]) -> tuple[set[str], dict[int, int]]:
        """The nodes that get a box, and how many of each column do not."""
        needed = {name for each in self.shown for name in each.term.path} | {self.graph.output, self.graph.objective}
        needed |= {self.link_of[name].source for name in needed if name in self.link_of}
        inner, outer = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
        for name, place in places.items():
            (outer if roles[name] in OUTER else inner)[place].append(name)
        kept: set[str] = set()
        hidden: dict[int, int] = {}
        for place, names in inner.items():
            kept |= _first(names, self.view.rows, needed)
            hidden[place] = sum(name not in kept for name in names)
        for names in outer.values():
            used = [name for name in names if name in needed or kept.intersection(self.graph.consumers[name])]
            kept |= _first(used or names, self.view.rows, needed)
        return kept, {place: count for place, count in hidden.items() if count}

    def _boxes(
        self, roles: Mapping[str, Role], places: Mapping[str, int], kept: set[str], hidden: Mapping[int, int]
    ) -> Iterator[Box]:
        """The boxes in the order written; one for those left out stands where the first of them would."""
        waiting = dict(hidden)
        for name, role in roles.items():
            if name in kept:
                yield self._box(name, role, places[name])
            elif role not in OUTER and places[name] in waiting:
                yield _more(places[name], waiting.pop(places[name]))

    def _box(self, name: str, role: Role, column: int) -> Box:
        node = self.graph[name]
        about = f"{name} = {to_text(node.op.formula)[:_ABOUT]}" if node.op else f"{name}, {role}"
        label, below = self.writer.name(name), []
        if self.view.level == "neurons" and (function := self._wrapped(name)):
            below.append(function)
        if name in self.values:
            number = _number(self.values[name])
            if role in ("parameter", "constant"):
                label += f" = {number}"
            else:
                below.append(number)
            about += f" = {self.values[name]:.6g}"
        return Box(name, column, label, name, role, r",\,".join(below) or None, about)

    def _wrapped(self, name: str) -> str:
        """The function around a neuron's weighted sum, which no link shows."""
        function = wrapped(self.graph[name], self.graph)
        return self.writer.notation.function(function).latex if function else ""

    def _link(self, link: LinkId, local: LocalDerivatives | None) -> Link:
        graph, writer = self.graph, self.writer
        if local is not None:
            tree = graph.functions.written(local[Edge(*link)])
            return Link(*link, writer.write(tree), to_text(tree))
        if names := self.weights.get(link):
            texts = (self._weight(name) for name in names)
            return Link(*link, r",\;".join(texts), ", ".join(names))
        found = activation(graph[link.target], graph) if self.view.level == "neurons" else None
        if found and found[0] == link.source:
            return Link(*link, writer.notation.function(found[1]).latex, found[1])
        return Link(*link)

    def _weight(self, name: str) -> str:
        text = self.writer.name(name)
        return f"{text} = {_number(self.values[name])}" if name in self.values else text

    def _trail(self, each: Highlight) -> Trail:
        names = each.term.path
        links = [LinkId(a, b) for a, b in zip(names, names[1:], strict=False)]
        start = self.link_of.get(names[0])
        if start:
            links[0] = start
        shown = [self.writer.name(name) for name in names]
        return Trail(
            each.number,
            names,
            tuple(links),
            r" \to ".join(_elided(shown, r"\cdots")),
            self._term(each.term.tree),
            start is not None,
            "" if each.value is None else _number(each.value),
        )

    def _term(self, tree: Expr) -> str:
        written = self.graph.functions.written(tree)
        if not isinstance(written, Mul) or len(written.factors) <= MAX_FACTORS:
            return self.writer.write(written)
        half = MAX_FACTORS // 2
        ends = (written.factors[:half], written.factors[-half:])
        return r" \cdots ".join(self.writer.write(Mul(part)) for part in ends)

    def _description(self) -> str:
        """What the picture shows, for those who do not see it."""
        derivation = self.derivation
        if derivation is None:
            inputs = ", ".join(_elided([n for n, node in self.graph.nodes.items() if node.role == "input"], "..."))
            return f"A network from {inputs or 'no inputs'} to {self.graph.output}."
        head = f"The derivative of {derivation.of} by {derivation.wrt}: {paths_text(derivation.count)}."
        paths = (f"Path {each.number}: {' → '.join(_elided(each.term.path, '...'))}." for each in self.shown)
        return " ".join([head, *paths])


def _more(column: int, count: int) -> Box:
    """What stands for the boxes of a column that are left out."""
    return Box(f"+{column}", column, r"\vdots", f"{count:,} more", "more", rf"{count}\ \mathrm{{more}}")


def _first(names: Sequence[str], rows: int, needed: Iterable[str]) -> set[str]:
    """The first `rows` names and those needed; all of them where only one would be left out."""
    kept = set(names[:rows]) | set(names).intersection(needed)
    return set(names) if len(kept) + 1 >= len(names) else kept


def _elided(parts: Sequence[str], dots: str) -> list[str]:
    """`parts`, or the beginning and the end of them."""
    half = MAX_FACTORS // 2
    return list(parts) if len(parts) <= MAX_FACTORS else [*parts[:half], dots, *parts[-half:]]


def _numbers(graph: Graph, values: Mapping[str, Any]) -> dict[str, float]:
    """The value of every node; the mean over objects for a batch."""
    found = forward(graph, given_values(graph, values, graph.nodes))
    return {name: float(np.mean(value)) for name, value in found.items()}


def _number(value: float) -> str:
    """A number in LaTeX, to four digits."""
    mantissa, _, exponent = f"{value:.4g}".replace("-", "{-}", value < 0).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
