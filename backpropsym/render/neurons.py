"""From a network to a scene: neurons with weights on their links, or whole tensors as plates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, TypedDict

from backpropsym.derive.derivation import paths_text
from backpropsym.derive.local import Edge, LocalDerivatives
from backpropsym.errors import LimitError
from backpropsym.formula.algebra import mul
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import ONE, Expr, Mul, Name
from backpropsym.render.columns import columns
from backpropsym.render.conventions import conventions, spelled_out
from backpropsym.render.elision import stretches
from backpropsym.render.flow import Flow, Width, flows
from backpropsym.render.grid import OUTER
from backpropsym.render.lines import width
from backpropsym.render.notation import latex_name
from backpropsym.render.passes import Passes
from backpropsym.render.patches import shaded
from backpropsym.render.rows import first_and_last
from backpropsym.render.scene import Box, Cells, Cluster, Link, LinkId, Role, Scene, Trail, looks
from backpropsym.render.signs import sign
from backpropsym.render.subject import Subject
from backpropsym.render.trails import Highlight
from backpropsym.render.weights import activation, labels, shared_weights, weights, wrapped
from backpropsym.render.writer import Writer

MAX_BOXES = 2_000
"""More boxes than this make no picture that can be read; setting their labels takes about 5 ms each."""

MAX_FACTORS = 14
"""A path or term with more parts than this shows its beginning and its end."""

MAX_JACOBIANS = 6
"""The same for a product of quotients, which are wider."""

_ABOUT = 200
_LONGEST_FORMULA = 18
"""A formula of more letters than this is told only where its box is pointed at."""

_MOST_FACTS = 3
_LONGEST_FACTOR = 30
"""A factor of more letters than this is written as the derivative that it is."""

_BACKSLASH = "\\"


@dataclass(frozen=True, slots=True)
class View:
    """What a scene shows of its subject.

    Attributes
    ----------
    weights : whether weights are labels of links; else every node is a box.
    values : numbers for inputs, targets and parameters, completed by the network's own; None draws no numbers.
    derivatives : whether links carry their local derivatives instead of weights and functions.
    rows : the most boxes of a column; None for all up to 16, else 5.
    width : what sets the width of links, where there are numbers.
    """

    weights: bool = True
    values: Mapping[str, Any] | None = None
    derivatives: bool = False
    rows: int | None = None
    width: Width | None = None


DEFAULT = View()


def scene(subject: Subject, writer: Writer, view: View = DEFAULT, numbers: Passes | None = None) -> Scene:
    """The picture of `subject`, with the paths of its derivation highlighted where it has one.

    Parameters
    ----------
    writer : writes names and formulas as LaTeX.
    numbers : both passes, where numbers are drawn.

    Raises
    ------
    LimitError : the picture would have more than 2,000 boxes.
    """
    return _Builder(subject, writer, view, numbers).scene()


class _Sum(TypedDict, total=False):
    derivative: str
    total: str
    partial: bool
    facts: tuple[str, ...]


class _Builder:
    """Builds one scene; `places` are the parameters that stand on links."""

    def __init__(self, subject: Subject, writer: Writer, view: View, numbers: Passes | None) -> None:
        self.subject, self.writer, self.view = subject, writer, view
        self.graph, self.derivation = subject.graph, subject.derivation
        self.places = self._weights()
        self.on_link = labels(self.places)
        self.values = self._numbers(numbers, "value")
        self.adjoints = self._numbers(numbers, "adjoint")
        self.passes = numbers
        self.given = None if subject.whole else view.values
        self.shown, self.note = subject.lit.shown, subject.lit.note
        lit = [each.number for each in self.shown]
        self.looks = dict(zip(lit, looks(lit), strict=True))

    def _weights(self) -> dict[str, tuple[LinkId, ...]]:
        if not self.view.weights:
            return {}
        if self.subject.boxes is None:
            return {name: (link,) for name, link in weights(self.graph).items()}
        return shared_weights(self.graph)

    def _numbers(self, numbers: Passes | None, which: str) -> dict[str, float]:
        """The numbers of one pass for everything that is a single number in this picture."""
        if numbers is None:
            return {}
        read = numbers.value if which == "value" else numbers.adjoint
        shapes = self.subject.shapes or {}
        found = {name: read(name) for name in self.graph.nodes if not shapes.get(name)}
        return {name: number for name, number in found.items() if number is not None}

    def scene(self) -> Scene:
        """The whole scene."""
        graph = self.graph
        names = [name for name in graph.nodes if name not in self.places]
        if self.subject.boxes is not None:
            names = [name for name in names if name in self.subject.boxes]
        there = set(names)
        links = [LinkId(p, name) for name in names for p in graph[name].parents if p in there]
        roles = {name: self._role(name) for name in names}
        places = columns(roles, links)
        kept, hidden = self._rows(roles, places)
        if len(kept) > MAX_BOXES:
            raise LimitError(
                f"the picture would have {len(kept):,} boxes in {len(set(places.values())):,} columns",
                details=(f"at most {MAX_BOXES:,} are drawn",),
                fix="ask for fewer rows, or draw a smaller network of the same kind",
            )
        visible = [link for link in links if link.source in kept and link.target in kept]
        boxes = tuple(self._boxes(roles, places, kept, hidden))
        return Scene(
            self.graph.title or "A network",
            self._description(),
            boxes,
            (*self._links(visible), *self._rests(kept, hidden, places)),
            tuple(self._trail(each) for each in self.shown if len(each.term.path) > 1),
            note=self.note,
            adjoint_of=self.writer.name(self.passes.of) if self.passes and self.adjoints else "",
            clusters=tuple(self._clusters({box.id for box in boxes})),
            **self._sum(),
        )

    def _sum(self) -> _Sum:
        """What the highlighted terms add up to; a single one of many is no sum."""
        derivation = self.derivation
        if derivation is None or not self.shown:
            return {}
        found: _Sum = {"facts": () if self.subject.whole else self._facts()}
        if len(self.shown) > 1 or derivation.count == 1:
            found["derivative"] = self.writer.derivative(derivation.of, derivation.wrt)
            found["partial"] = derivation.count > len(self.shown)
            found["total"] = "" if self.given is None else _number(derivation.evaluate(**self.given))
        return found

    def _facts(self) -> tuple[str, ...]:
        """Conventions of the functions on the paths, and what their derivatives in the terms stand for."""
        assert self.derivation is not None
        factors = (factor for each in self.shown for factor in each.term.derivatives)
        found = conventions(self.derivation, self.writer)
        found += spelled_out(factors, self.graph.functions, self.writer)
        return tuple(found) if len(found) <= _MOST_FACTS else ()

    def _role(self, name: str) -> Role:
        if name == self.graph.loss:
            return "loss"
        return "output" if name in self.subject.outputs else self.graph[name].role.value

    def _rows(
        self, roles: Mapping[str, Role], places: Mapping[str, int]
    ) -> tuple[set[str], dict[str, tuple[int, int]]]:
        """The nodes that get a box; by the box after which others are left out, their column and number."""
        if self.subject.boxes is not None:
            rests = self.subject.rests.values()
            return set(roles), {
                rest.after: (places[rest.after], rest.left_out) for rest in rests if rest.after in places
            }
        needed = {name for each in self.shown for name in each.term.path} | {self.graph.output, self.graph.objective}
        needed |= {link.source for name in needed for link in self.places.get(name, ())}
        inner, outer = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
        for name, place in places.items():
            (outer if roles[name] in OUTER else inner)[place].append(name)
        kept: set[str] = set()
        hidden: dict[str, tuple[int, int]] = {}
        for place, listed in inner.items():
            shown = first_and_last(len(listed), self.view.rows, [i for i, each in enumerate(listed) if each in needed])
            kept |= {listed[i] for i in shown}
            if len(shown) < len(listed):
                gap = next((i for i, at in enumerate(shown) if at != i), len(shown))
                hidden[listed[gap - 1]] = (place, len(listed) - len(shown))
        for listed in outer.values():
            used = [name for name in listed if name in needed or kept.intersection(self.graph.consumers[name])]
            listed = used or listed
            found = first_and_last(len(listed), self.view.rows, [i for i, each in enumerate(listed) if each in needed])
            kept |= {listed[i] for i in found}
        return kept, hidden

    def _boxes(
        self,
        roles: Mapping[str, Role],
        places: Mapping[str, int],
        kept: set[str],
        hidden: Mapping[str, tuple[int, int]],
    ) -> Iterator[Box]:
        """The boxes in the order written, each with those left out after it as one."""
        for name, role in roles.items():
            if name in kept:
                yield self._box(name, role, places[name])
            if name in hidden and role not in OUTER:
                yield _more(name, *hidden[name])

    def _box(self, name: str, role: Role, column: int) -> Box:
        node = self.graph[name]
        about = f"{name} = {to_text(node.op.formula)[:_ABOUT]}" if node.op else f"{name}, {role}"
        label, below = self._label(name), []
        if self.view.weights and (function := self._wrapped(name)):
            below.append(function)
        elif self.subject.whole and (formula := self._formula(name)):
            below.append(formula)
        elif self.graph.steps and name not in self.graph.steps and (operation := self._sign(name)):
            below.append(operation)
        if name in self.values:
            number = _number(self.values[name])
            if role in ("parameter", "constant"):
                label += f" = {number}"
            else:
                below.append(number)
            about += f" = {self.values[name]:.6g}"
        adjoint = _number(self.adjoints[name]) if name in self.adjoints and name != self.passes_of else None
        shape = self._shape(name)
        if shape:
            about += f", shape ({', '.join(map(str, (self.subject.shapes or {})[name]))})"
        return Box(
            name, column, label, name, role, r",\,".join(below) or None, about, shape, adjoint, self._cells(name)
        )

    def _label(self, name: str) -> str:
        """What is written in a box: the name that a person gave, else the sign of the operation."""
        nameless = name in self.graph.steps and not self.subject.whole
        return (self._sign(name) if nameless else "") or self.writer.name(name)

    def _sign(self, name: str) -> str:
        formula = self.graph[name].formula
        return sign(formula, self.writer) if formula else ""

    @property
    def passes_of(self) -> str:
        """The node that the adjoints derive; its own is 1 by definition."""
        return self.passes.of if self.passes else ""

    def _shape(self, name: str) -> tuple[str, ...]:
        shapes = self.subject.shapes or {}
        return tuple(latex_name(size) if isinstance(size, str) else str(size) for size in shapes.get(name, ()))

    def _cells(self, name: str) -> Cells | None:
        cells = self.subject.cells.get(name)
        if cells is None or self.passes is None or name not in self.passes.values:
            return cells
        return shaded(cells, self.passes.values[name])

    def _formula(self, name: str) -> str:
        """The layer that a plate is, or its formula where that is short and no link tells it."""
        node = self.graph[name]
        if node.formula is None or name == self.graph.loss or activation(node, self.graph):
            return ""
        layer = next((block.label for block in self.graph.blocks if block.nodes == (name,)), "")
        written = _layer(layer) if layer else self.writer.write(node.formula)
        return written if width(written) <= _LONGEST_FORMULA else ""

    def _wrapped(self, name: str) -> str:
        """The function around a neuron's weighted sum, which no link shows."""
        function = wrapped(self.graph[name], self.graph)
        return self.writer.notation.function(function).latex if function else ""

    def _links(self, links: Sequence[LinkId]) -> Iterator[Link]:
        found: Mapping[LinkId, Flow] = {}
        if self.values and not self.subject.whole:
            found = flows(self.graph, links, self.on_link, self.values, self.adjoints, self.derivation, self.view.width)
        local = LocalDerivatives(self.graph) if self.view.derivatives else None
        for link in links:
            flow = found.get(link, Flow())
            yield replace(self._link(link, local), strength=flow.strength, dead=flow.dead)

    def _rests(
        self, kept: Collection[str], hidden: Mapping[str, tuple[int, int]], places: Mapping[str, int]
    ) -> Iterator[Link]:
        """One link for all those that a box has from boxes that are left out."""
        tensors = {name: rest.after for name, rest in self.subject.rests.items()}
        column = {place: after for after, (place, _) in hidden.items()}
        for name in self.graph.nodes:
            parents = [each for each in self.graph[name].parents if each not in kept] if name in kept else []
            if self.subject.boxes is None:
                stands = {column.get(places[each]) for each in parents if each in places}
            else:
                stands = {tensors.get(each.partition("[")[0]) for each in parents}
            for after in sorted(each for each in stands if each is not None and each in hidden):
                yield Link(f"+{after}", name, rest=True)

    def _link(self, link: LinkId, local: LocalDerivatives | None) -> Link:
        graph, writer = self.graph, self.writer
        if local is not None and not self.subject.whole:
            tree = local[Edge(*link)]
            return Link(*link, writer.write(tree), to_text(tree))
        if names := self.on_link.get(link):
            texts = (self._weight(name) for name in names)
            return Link(*link, r",\;".join(texts), ", ".join(names))
        found = activation(graph[link.target], graph)
        if found and found[0] == link.source:
            return Link(*link, writer.notation.function(found[1]).latex, found[1])
        return Link(*link)

    def _weight(self, name: str) -> str:
        text = self.writer.name(name)
        return f"{text} = {_number(self.values[name])}" if name in self.values else text

    def _trail(self, each: Highlight) -> Trail:
        names = each.term.path
        links = [LinkId(a, b) for a, b in zip(names, names[1:], strict=False)]
        start = next((link for link in self.places.get(names[0], ()) if link.target == names[1]), None)
        if start:
            links[0] = start
        return Trail(
            each.number,
            names,
            tuple(links),
            self._routes[each.number],
            self._terms[each.number],
            start is not None,
            "" if each.value is None else _number(each.value),
            self._share(each),
            self.looks[each.number],
        )

    def _share(self, each: Highlight) -> float | None:
        """The magnitude of a term against the largest that is shown."""
        if self.view.width != "share" or each.value is None:
            return None
        return abs(each.value) / (max(abs(other.value or 0.0) for other in self.shown) or 1.0)

    @cached_property
    def _routes(self) -> dict[int, str]:
        """The path of each trail by its number."""
        found = stretches([each.term.path for each in self.shown], MAX_FACTORS)
        texts = [r" \to \cdots \to ".join(map(self._route, runs)) for runs in found]
        return {each.number: text for each, text in zip(self.shown, texts, strict=True)}

    def _route(self, names: Sequence[str]) -> str:
        # In braces a sign is a thing of its own, not an operation between its neighbours with room on either side.
        return r" \to ".join(
            f"{{{self._label(name)}}}" if name in self.graph.steps else self._label(name) for name in names
        )

    @cached_property
    def _terms(self) -> dict[int, str]:
        """The product of each trail by its number."""
        products = [self._factors(each) for each in self.shown]
        most = MAX_JACOBIANS if self.subject.whole else MAX_FACTORS
        found: dict[int, str] = {}
        runs = stretches([factors for factors, _ in products], most)
        for each, (_, symbols), shown in zip(self.shown, products, runs, strict=True):
            writer = self.writer.with_derivatives(symbols)
            whole = each.term.tree if len(shown) == 1 and not symbols else None
            found[each.number] = r" \cdots ".join(writer.write(whole or mul(list(part))) for part in shown)
        return found

    def _factors(self, each: Highlight) -> tuple[list[Expr], dict[str, tuple[str, str]]]:
        """The factors of a path; those too long to read as the derivatives that they are, told by their symbols."""
        symbols: dict[str, tuple[str, str]] = {}
        factors: list[Expr] = []
        for (source, target), factor in zip(pairwise(each.term.path), each.term.derivatives, strict=True):
            if width(self.writer.write(factor)) > _LONGEST_FACTOR:
                symbols[f"d{target}_d{source}"] = (target, source)
                factors.append(Name(f"d{target}_d{source}"))
            elif factor != ONE:
                factors += factor.factors if isinstance(factor, Mul) else (factor,)
        return factors, symbols

    def _clusters(self, boxes: set[str]) -> Iterator[Cluster]:
        """The layers that a person wrote as one step, with the parameters that only they use."""
        for block in self.graph.blocks if self.subject.whole else ():
            inner = [name for name in block.nodes if name in boxes]
            own = [
                name
                for name in self.graph.nodes
                if name in boxes
                and self.graph[name].role.value in ("parameter", "constant")
                and set(self.graph.consumers[name]) <= set(inner)
            ]
            if len(inner) > 1:
                yield Cluster(_layer(block.label), block.label, tuple(own + inner))

    def _description(self) -> str:
        """What the picture shows, for those who do not see it."""
        derivation = self.derivation
        if derivation is None:
            inputs = ", ".join(_elided([n for n, node in self.graph.nodes.items() if node.role == "input"], "..."))
            return f"A network from {inputs or 'no inputs'} to {self.graph.output}."
        head = f"The derivative of {derivation.of} by {derivation.wrt}: {paths_text(derivation.count)}."
        paths = (f"Path {each.number}: {' → '.join(_elided(each.term.path, '...'))}." for each in self.shown)
        return " ".join([head, *paths])


def _layer(label: str) -> str:
    """A layer as a person wrote it, such as dense(4, tanh), upright in LaTeX."""
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "_(), =.+*-[]") else "?" for c in label.replace(", ", ",")
    )
    return rf"\mathrm{{{plain.replace('_', _BACKSLASH + '_').replace(' ', _BACKSLASH + ' ')}}}"


def _more(after: str, column: int, count: int) -> Box:
    """What stands for the boxes that are left out after one."""
    return Box(f"+{after}", column, r"\vdots", f"{count:,} more", "more", rf"{_grouped(count)}\ \mathrm{{more}}")


def _grouped(count: int) -> str:
    """A count with thin spaces between groups of digits."""
    return f"{count:,}".replace(",", r"\,")


def _elided(parts: Sequence[str], dots: str) -> list[str]:
    """`parts`, or the beginning and the end of them."""
    half = MAX_FACTORS // 2
    return list(parts) if len(parts) <= MAX_FACTORS else [*parts[:half], dots, *parts[-half:]]


def _number(value: float) -> str:
    """A number in LaTeX, to four digits."""
    mantissa, _, exponent = f"{value + 0.0:.4g}".replace("-", "{-}", value < 0).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
