"""Pictures, read back: the terms of their legends, what these add up to, and the numbers beside boxes and terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

import backpropsym as bp
from backpropsym.document.notation.names import Notation
from backpropsym.evaluate import differences
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.evaluate.reference import Reference
from backpropsym.formula.tree import ONE, called
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_name
from backpropsym.network import Network
from backpropsym.ops.lowering import COMPOSITIONS
from backpropsym.picture.scene import HighlightedPath, Scene
from tests.document.latex_reader import ElidedError, LatexReader
from tests.stream.compare import Found, comparison
from tests.stream.generate import OWN_FUNCTIONS
from tests.stream.printed import node_values, spread
from tests.stream.truth import Truth

Array = Any
MOST_ENTRIES = 60
SHOWN = 5e-4
"""Numbers in pictures have four digits."""

BEHIND_FORMULA = r",\,"
"""What stands below the box of an array is its formula; where the array is a number, that stands behind it."""

_NUMBER = re.compile(r"(\{-\}|-)?([\d.]+)(?: \\cdot 10\^\{(-?\d+)\})?")
_FACT = re.compile(r"(.+?) = (.+)")


def _net(truth: Truth) -> Network:
    """The network with numbers for its sizes, of which entries have names."""
    return truth.case.net if not truth.case.sizes else bp.Network(graph=truth.graph)


class Derivatives:
    """What the quotients of a legend stand for: d of / d by, through all paths or on the link between them alone.

    Parameters
    ----------
    boxes : the nodes that the picture shows, each of which is held while another moves on its link.
    """

    def __init__(self, truth: Truth, boxes: set[str]) -> None:
        self.truth, self.boxes = truth, boxes
        self._found: dict[tuple[str, str, bool], Array] = {}

    def __call__(self, of: str, by: str, *, on_link: bool) -> Array:
        """The axes of `of` first; an entry has none."""
        (upper, at), (lower, place) = _read(of), _read(by)
        if (upper, lower, on_link) not in self._found:
            self._found[upper, lower, on_link] = self._jacobian(upper, lower, on_link=on_link)
        return self._found[upper, lower, on_link][at + place]

    def _jacobian(self, of: str, by: str, *, on_link: bool) -> Array:
        graph, leaves = self.truth.graph, self.truth.case.values
        held = (self.boxes & graph.nodes.keys()) - {of} if on_link else {by}
        arrays = {name: self.truth.value(leaves, name) for name in held}
        nodes = {name: Node(name, Role.INPUT, graph[name].shape) for name in held if graph[name].op is not None}
        cut = replace(graph, nodes={**graph.nodes, **nodes})
        if by not in cut.ancestors(of):
            return np.zeros((*np.shape(self.truth.value(leaves, of)), *np.shape(arrays[by])))
        return differences.complex_step(cut, {**leaves, **arrays}, of, [by])[by]


def _read(name: str) -> tuple[str, tuple[int, ...]]:
    """Node and position of an entry; a bias that is drawn once for each neuron has that behind an @."""
    node, _, place = name.partition("@")[0].partition("[")
    return node, tuple(int(part) for part in place.removesuffix("]").split(",") if part)


class Legend:
    """The formulas of a picture, over the numbers of one object."""

    def __init__(self, truth: Truth, scene: Scene) -> None:
        self.scene, self.table = scene, truth.graph.functions
        shown = {box.id.partition("@")[0] for box in scene.boxes}.union(*(path.names for path in scene.highlights))
        self.derivatives = Derivatives(truth, {_read(name)[0] for name in shown})
        self.known = node_values(truth)
        self.whole = truth.graph.nodes.keys() >= shown
        entries = {entry_name(name, at) for name, value in self.known.items() for at in np.ndindex(np.shape(value))}
        names = shown | self.known.keys() | (set() if self.whole else entries)
        self.functions = _functions(truth.graph)
        self.notation = Notation(sorted(names), self.table, own=truth.graph.notation)
        self.reader = LatexReader(self.notation, sorted(names), self.functions, self._symbol)
        self.symbols: dict[str, Array] = {}

    def _symbol(self, of: str, by: str, on_link: bool) -> str:
        symbol = f"quotient{len(self.symbols)}"
        self.symbols[symbol] = self.derivatives(of, by, on_link=on_link), of
        return symbol

    def term(self, latex: str) -> Array:
        """What a term stands for: a number, or an array in the shape of the derivative."""
        self.symbols.clear()
        text = self.reader.text(latex)
        if not any(np.ndim(value) for value, _ in self.symbols.values()):
            numbers = {symbol: value for symbol, (value, _) in self.symbols.items()}
            return PrintedFormulas({**self.known, **numbers}, self.table).value(text)
        factors = map(self.symbols.__getitem__, text.replace(" ", "").split("*"))
        return reduce(_after, [(value, self._rank(of)) for value, of in factors])[0]

    def typed(self, latex: str) -> Array:
        """The value of a formula as a person would type it, over the nodes."""
        shapes = ", ".join(f"{name} = {list(np.shape(value))}" for name, value in self.known.items())
        file = f'inputs = {{{shapes}}}\noutput = "below"\n[nodes]\nbelow = "{self.reader.text(latex)}"\n[functions]\n'
        try:
            net = bp.loads(file + "\n".join(f'"{key}" = "{text}"' for key, text in OWN_FUNCTIONS.items()))
        except bp.BackpropsymError:  # positions by data may hold more on a page than where they are typed
            return self.term(latex)
        return Reference(net.graph, self.known).array("below")

    def along(self, path: HighlightedPath) -> Array:
        """The derivative along one path, by the links that it runs along."""
        links = [(self.derivatives(of, by, on_link=True), self._rank(of)) for by, of in pairwise(path.names)]
        return reduce(_after, links)[0]

    def _rank(self, name: str) -> int:
        return 0 if "[" in name else np.ndim(self.known[name])

    def sides(self, fact: str, random: np.random.Generator) -> tuple[Array, Array] | None:
        """Both sides of an equation between functions at random arguments; None for words and for slopes of losses."""
        match = _FACT.fullmatch(fact)
        of_losses = tuple(f"{self.notation.function(name).latex}'" for name in COMPOSITIONS)
        if match is None or "text" in fact or fact.startswith(of_losses):
            return None
        arguments = sorted({name for function in self.table for name in self.table[function].arguments})
        reader = LatexReader(self.notation.for_arguments(), arguments, self.functions, self._symbol)
        formulas = PrintedFormulas({name: random.uniform(0.2, 0.9) for name in arguments}, self.table)
        left, right = (formulas.value(reader.text(side)) for side in match.groups())
        return left, right


def _after(first: tuple[Array, int], then: tuple[Array, int]) -> tuple[Array, int]:
    """The derivative through a node in between; beside each the number of axes of what is derived."""
    (inner, _), (outer, rank) = first, then
    return np.tensordot(outer, inner, np.ndim(outer) - rank), rank


def _functions(graph: Graph) -> list[str]:
    """The functions that terms may call: all, and the derivatives of those that the formulas call."""
    table = graph.functions
    used = {name for node in graph.nodes.values() if node.formula is not None for name in called(node.formula)}
    used |= {name for own in used & table.own.keys() for name in called(table.definition(own) or ONE)}
    primes = [
        table.derivative(name, by).name
        for name in sorted(used & {*table})
        for by in table[name].arguments
        if by in table[name].derivatives or table[name].formula or table[name].abstract
    ]
    return [*table, *COMPOSITIONS.keys() - {*table}, *primes]


@comparison()
def terms_of_pictures(truth: Truth) -> Found:
    """Each term of a legend by the links of its path, their sum by the whole derivative, and what stands below."""
    for scene, right in _drawn(truth):
        yield from _told(truth, scene, right)


@comparison(tolerance=SHOWN)
def numbers_of_pictures(truth: Truth) -> Found:
    """The numbers beside boxes and terms."""
    for scene, right in _drawn(truth, truth.case.values):
        yield from _shown(truth, scene, right)


def _drawn(truth: Truth, values: Mapping[str, Array] | None = None) -> Iterator[tuple[Scene, Array]]:
    """Pictures of the derivative by each leaf, and where it is small by an entry of it; and the derivative."""
    case, net = truth.case, _net(truth)
    right = truth.gradients(case.values)
    entries = sum(np.size(value) for value in node_values(truth).values())
    for name in truth.leaves:
        shape = np.shape(case.values[name])
        yield net.draw(wrt=name, of=case.output, values=values).scene, right[name]
        if shape and entries <= MOST_ENTRIES:
            at = spread(shape, 2)[-1]
            yield net.draw(wrt=entry_name(name, at), of=case.output, values=values).scene, right[name][at]


def _told(truth: Truth, scene: Scene, right: Array) -> Found:
    if not scene.highlights:
        return
    legend = Legend(truth, scene)
    total: Array = 0.0
    for path in scene.highlights:
        along = legend.along(path)
        total = total + along
        with suppress(ElidedError):
            yield f"{path.term}, along {path.caption}", legend.term(path.term), along
    if scene.derivative:
        yield f"{scene.derivative}, as the left side", legend.term(scene.derivative), right
        if not scene.partial:
            yield f"{scene.derivative}, the sum of all terms", total, right
    for box in scene.boxes:
        formula = (box.value or "").partition(BEHIND_FORMULA)[0]
        if legend.whole and formula:
            yield f"formula below {box.id}: {formula}", legend.typed(formula), legend.known[box.id]
    random = np.random.default_rng(truth.case.seed)
    for fact in scene.facts:
        sides = legend.sides(fact, random)
        if sides is not None:
            yield fact, *sides


def _shown(truth: Truth, scene: Scene, right: Array) -> Found:
    values = truth.case.values
    for box in scene.boxes:
        name, at = _read(box.id)
        if name not in truth.graph.named.nodes:
            continue
        number = (box.value or "").rpartition(BEHIND_FORMULA)[2]
        if _NUMBER.fullmatch(number):
            yield f"value of {box.id}", _number(number), truth.value(values, name)[at]
        if box.adjoint is not None:
            yield f"adjoint of {box.id}", _number(box.adjoint), truth.gradient_by_node(values, name)[at]
    numbers = [_number(path.value) for path in scene.highlights if path.value]
    if numbers and scene.total:
        yield f"{scene.derivative}, in numbers", _number(scene.total), right
        if not scene.partial:
            yield f"{scene.derivative}, sum of the numbers of its terms", sum(numbers), right


def _number(latex: str) -> float:
    """A number as it is written in a picture."""
    sign, digits, exponent = _NUMBER.fullmatch(latex).groups()
    return float(f"{'-' if sign else ''}{digits}e{exponent or 0}")
