"""From a network to a scene: neurons with weights on their links, or whole tensors as plates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backpropsym.arrays import Values
from backpropsym.derive.local.links import Edge, LocalDerivatives
from backpropsym.document.notation.names import latex_name
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.errors import LimitError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Name
from backpropsym.picture.content.biases import at_each
from backpropsym.picture.content.columns import columns
from backpropsym.picture.content.link_width import LinkWidth, Width, link_widths
from backpropsym.picture.content.node_values import NodeValues
from backpropsym.picture.content.patches import shaded
from backpropsym.picture.content.path_terms import Terms, latex_number
from backpropsym.picture.content.shown_rows import first_and_last
from backpropsym.picture.content.subject import Subject
from backpropsym.picture.content.weights import activation, labels, shared_weights, weights, wrapped
from backpropsym.picture.layout.grid import OUTER
from backpropsym.picture.scene import Box, Cells, Cluster, Link, LinkId, Role, Scene

MAX_BOXES = 2_000
"""More boxes than this make no picture that can be read; setting their labels takes about 5 ms each."""

_ABOUT = 200
_LONGEST_FORMULA = 18
"""A formula of more letters than this is shown only when its box is pointed at."""

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
    values: Values | None = None
    derivatives: bool = False
    rows: int | None = None
    width: Width | None = None


DEFAULT = View()


def scene(subject: Subject, writer: Writer, view: View = DEFAULT, numbers: NodeValues | None = None) -> Scene:
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


class _Builder:
    """Builds one scene; `places` are the parameters that stand on links."""

    def __init__(self, subject: Subject, writer: Writer, view: View, numbers: NodeValues | None) -> None:
        self.subject, self.writer, self.view = subject, writer, view
        self.graph, self.derivation = subject.graph, subject.derivation
        self.places = self._weights()
        self.on_link = labels(self.places)
        self.values = self._numbers(numbers, "value")
        self.adjoints = self._numbers(numbers, "adjoint")
        self.node_values = numbers
        self.terms = Terms(subject, writer, self.places, view.values, shares=view.width == "share")

    def _weights(self) -> dict[str, tuple[LinkId, ...]]:
        if not self.view.weights:
            return {}
        if self.subject.boxes is None:
            return {name: (link,) for name, link in weights(self.graph).items()}
        return shared_weights(self.graph)

    def _numbers(self, numbers: NodeValues | None, which: str) -> dict[str, float]:
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
        drawn = (*self._links(visible), *self._rests(kept, hidden, places))
        highlights = self.terms.highlights()
        if self.subject.boxes is not None:
            boxes, drawn = at_each(boxes, drawn, {link for highlight in highlights for link in highlight.links})
        return Scene(
            self.graph.title or "A network",
            self.terms.description(),
            boxes,
            drawn,
            highlights,
            note=self.subject.chosen.note,
            adjoint_of=self.writer.name(self.node_values.of) if self.node_values and self.adjoints else "",
            clusters=tuple(self._clusters({box.id for box in boxes})),
            **self.terms.sum(),
        )

    def _role(self, name: str) -> Role:
        if name == self.graph.loss:
            return "loss"
        return "output" if name in self.subject.outputs else self.graph[name].role.value

    def _rows(
        self, roles: Mapping[str, Role], places: Mapping[str, int]
    ) -> tuple[set[str], dict[str, tuple[int, int]]]:
        """The nodes that get a box; by the box after which others are left out, their column and number."""
        if self.subject.boxes is not None:
            elided = [rest for rest in self.subject.elided.values() if roles.get(rest.after, "target") not in OUTER]
            return set(roles), {rest.after: (places[rest.after], rest.left_out) for rest in elided}
        needed = {name for chosen in self.subject.chosen.shown for name in chosen.term.path} | {
            self.graph.output,
            self.graph.objective,
        }
        needed |= {link.source for name in needed for link in self.places.get(name, ())}
        inner, outer = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
        for name, place in places.items():
            (outer if roles[name] in OUTER else inner)[place].append(name)
        kept: set[str] = set()
        hidden: dict[str, tuple[int, int]] = {}
        for place, listed in inner.items():
            shown = first_and_last(
                len(listed), self.view.rows, [i for i, listed_term in enumerate(listed) if listed_term in needed]
            )
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
            if name in hidden:
                yield _more(name, *hidden[name])

    def _box(self, name: str, role: Role, column: int) -> Box:
        node = self.graph[name]
        about = f"{name}, {role}"
        if node.op:
            left, right = self.subject.equations.get(name, (Name(name), node.op.formula))
            about = f"{to_text(left)} = {to_text(right)[:_ABOUT]}"
        label, below = self.terms.label(name), []
        if self.view.weights and (function := self._wrapped(name)):
            below.append(function)
        elif self.subject.whole and (formula := self._formula(name)):
            below.append(formula)
        elif self.graph.steps and name not in self.graph.steps and (operation := self.terms.sign(name)):
            below.append(operation)
        if name in self.values:
            number = latex_number(self.values[name])
            if role in ("parameter", "constant"):
                label += f" = {number}"
            else:
                below.append(number)
            about += f" = {self.values[name]:.6g}"
        adjoint = latex_number(self.adjoints[name]) if name in self.adjoints and name != self.passes_of else None
        shape = self._shape(name)
        if shape:
            about += f", shape ({', '.join(map(str, (self.subject.shapes or {})[name]))})"
        return Box(
            name, column, label, name, role, r",\,".join(below) or None, about, shape, adjoint, self._cells(name)
        )

    @property
    def passes_of(self) -> str:
        """The node that the adjoints derive; its own is 1 by definition."""
        return self.node_values.of if self.node_values else ""

    def _shape(self, name: str) -> tuple[str, ...]:
        shapes = self.subject.shapes or {}
        return tuple(latex_name(size) if isinstance(size, str) else str(size) for size in shapes.get(name, ()))

    def _cells(self, name: str) -> Cells | None:
        cells = self.subject.cells.get(name)
        if cells is None or self.node_values is None or name not in self.node_values.values:
            return cells
        return shaded(cells, self.node_values.values[name])

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
        found: Mapping[LinkId, LinkWidth] = {}
        if self.values and not self.subject.whole:
            found = link_widths(
                self.graph, links, self.on_link, self.values, self.adjoints, self.derivation, self.view.width
            )
        local = LocalDerivatives(self.graph) if self.view.derivatives else None
        for link in links:
            link_width = found.get(link, LinkWidth())
            yield replace(self._link(link, local), strength=link_width.strength, dead=link_width.dead)

    def _rests(
        self, kept: Collection[str], hidden: Mapping[str, tuple[int, int]], places: Mapping[str, int]
    ) -> Iterator[Link]:
        """One link for all those that a box has from boxes that are left out."""
        tensors = {name: rest.after for name, rest in self.subject.elided.items()}
        column = {place: after for after, (place, _) in hidden.items()}
        for name in self.graph.nodes:
            parents = [parent for parent in self.graph[name].parents if parent not in kept] if name in kept else []
            if self.subject.boxes is None:
                stands = {column.get(places[each]) for each in parents if each in places}
            else:
                stands = {tensors.get(each.partition("[")[0]) for each in parents}
            for after in sorted(stand for stand in stands if stand is not None and stand in hidden):
                yield Link(f"+{after}", name, rest=True)

    def _link(self, link: LinkId, local: LocalDerivatives | None) -> Link:
        graph, writer = self.graph, self.writer
        if local is not None and not self.subject.whole:
            tree = local[Edge(*link)]
            return Link(*link, writer.write(tree), to_text(tree))
        if names := self.on_link.get(link):
            texts = (self._weight(name) for name in names)
            arrays = dict.fromkeys(name.partition("[")[0] for name in names)
            return Link(*link, r",\;".join(texts), ", ".join(names), of=",\\;".join(map(writer.name, arrays)))
        found = activation(graph[link.target], graph)
        if found and found[0] == link.source:
            return Link(*link, writer.notation.function(found[1]).latex, found[1])
        return Link(*link)

    def _weight(self, name: str) -> str:
        text = self.writer.name(name)
        return f"{text} = {latex_number(self.values[name])}" if name in self.values else text

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


def _layer(label: str) -> str:
    """A layer as a person wrote it, such as dense(4, tanh), upright in LaTeX."""
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "_(), =.+*-[]") else "?" for c in label.replace(", ", ",")
    )
    return rf"\mathrm{{{plain.replace('_', _BACKSLASH + '_').replace(' ', _BACKSLASH + ' ')}}}"


def _more(after: str, column: int, count: int) -> Box:
    """What stands for the boxes that are left out after one."""
    below = rf"{_grouped(count)}\ \mathrm{{more}}"
    return Box(f"+{after}", column, r"\vdots", f"{count:,} more", "more", below, left_out=count)


def _grouped(count: int) -> str:
    """A count with thin spaces between groups of digits."""
    return f"{count:,}".replace(",", r"\,")
