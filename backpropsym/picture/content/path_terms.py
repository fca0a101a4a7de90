"""What a scene tells of the paths of its derivation: their strokes, their terms, and what those add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TypedDict

from backpropsym.arrays import Values
from backpropsym.derive.derivation import paths_text
from backpropsym.document.derivation.conventions import conventions, spelled_out
from backpropsym.document.writers.latex_width import width
from backpropsym.document.writers.lines import STOP, Breakable
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.formula.algebra import mul
from backpropsym.formula.tree import ONE, Expr, Mul, Name
from backpropsym.graph.graph import Graph
from backpropsym.picture.content.elision import stretches
from backpropsym.picture.content.highlighted_paths import ChosenPath
from backpropsym.picture.content.op_symbols import sign
from backpropsym.picture.content.subject import Subject
from backpropsym.picture.scene import HighlightedPath, LinkId, looks

MAX_FACTORS = 14
"""A path or term with more parts than this shows its beginning and its end."""

MAX_JACOBIANS = 6
"""The same for a product of quotients, which are wider."""

_MOST_FACTS = 3
_LONGEST_FACTOR = 30
"""A factor of more letters than this is written as the derivative that it is."""


class Sum(TypedDict, total=False):
    """The fields of a scene that its highlighted terms fill."""

    derivative: str
    total: str
    partial: bool
    facts: tuple[str, ...]


class Terms:
    """The paths of `subject` that are highlighted.

    Parameters
    ----------
    places : the links on which a parameter stands that is no box.
    values : numbers for inputs, targets and parameters, or None.
    shares : whether strokes are as wide as the shares of their terms.
    """

    def __init__(
        self,
        subject: Subject,
        writer: Writer,
        places: Mapping[str, tuple[LinkId, ...]],
        values: Values | None,
        *,
        shares: bool,
    ) -> None:
        self.subject, self.writer, self.places = subject, writer, places
        self.graph, self.derivation = subject.graph, subject.derivation
        self.given = None if subject.whole else values
        self.shares = shares
        self.shown = subject.chosen.shown
        lit = [chosen.number for chosen in self.shown]
        self.looks = dict(zip(lit, looks(lit), strict=True))

    def label(self, name: str) -> str:
        """What is written in a box: the name that a person gave, else the sign of the operation."""
        nameless = name in self.graph.steps and not self.subject.whole
        return (self.sign(name) if nameless else "") or self.writer.name(name)

    def sign(self, name: str) -> str:
        """The sign of the operation that a box is; empty where it has none."""
        formula = self.graph[name].formula
        return sign(formula, self.writer) if formula else ""

    def sum(self) -> Sum:
        """What the highlighted terms add up to; a single one of many is no sum."""
        derivation = self.derivation
        if derivation is None or not self.shown:
            return {}
        found: Sum = {"facts": (*(() if self.subject.whole else self._facts()), *self._on_links())}
        if len(self.shown) > 1 or derivation.count == 1:
            found["derivative"] = self.writer.derivative(derivation.of, derivation.wrt)
            found["partial"] = derivation.count > len(self.shown)
            found["total"] = "" if self.given is None else latex_number(float(derivation.evaluate(**self.given)))
        return found

    def _facts(self) -> tuple[str, ...]:
        """Conventions of the functions on the paths, and what their derivatives in the terms stand for."""
        assert self.derivation is not None
        factors = [factor for chosen in self.shown for factor in chosen.term.derivatives]
        found = conventions(self.derivation, self.writer)
        found += spelled_out(factors, self.graph.functions, self.writer)
        return tuple(found) if len(found) <= _MOST_FACTS else ()

    def _on_links(self) -> tuple[str, ...]:
        """What the symbol of a local derivative means where other paths lead from the same node to the same."""
        symbols = dict(self.subject.symbols)
        for chosen in self.shown:
            symbols |= self._factors(chosen)[1]
        used = {f"d{after}_d{before}" for chosen in self.shown for before, after in pairwise(chosen.term.path)}
        for name in sorted(used & {*with_other_paths(self.graph, symbols)}):
            writer = self.writer.with_derivatives(symbols, (name,))
            return (f"{writer.name(name)} {writer.words(' is the derivative on the link alone')}",)
        return ()

    def highlights(self) -> tuple[HighlightedPath, ...]:
        """A stroke for every path with a link."""
        return tuple(self._highlight(chosen) for chosen in self.shown if len(chosen.term.path) > 1)

    def _highlight(self, each: ChosenPath) -> HighlightedPath:
        names = each.term.path
        links = [LinkId(a, b) for a, b in zip(names, names[1:], strict=False)]
        start = next((link for link in self.places.get(names[0], ()) if link.target == names[1]), None)
        if start:
            links[0] = start
        return HighlightedPath(
            each.number,
            names,
            tuple(links),
            self._routes[each.number],
            self._terms[each.number],
            start is not None,
            "" if each.value is None else latex_number(each.value),
            self._share(each),
            self.looks[each.number],
        )

    def _share(self, each: ChosenPath) -> float | None:
        """The magnitude of a term against the largest that is shown."""
        if not self.shares or each.value is None:
            return None
        return abs(each.value) / (max(abs(other.value or 0.0) for other in self.shown) or 1.0)

    @cached_property
    def _routes(self) -> dict[int, str]:
        """The path of each path by its number."""
        found = stretches([each.term.path for each in self.shown], MAX_FACTORS)
        arrow = f"{STOP} \\to "
        texts = [Breakable(rf"{arrow}\cdots{arrow}".join(map(self._route, runs))) for runs in found]
        return {chosen.number: text for chosen, text in zip(self.shown, texts, strict=True)}

    def _route(self, names: Sequence[str]) -> str:
        # In braces a sign is a thing of its own, not an operation between its neighbours with room on either side.
        return f"{STOP} \\to ".join(
            f"{{{self.label(name)}}}" if name in self.graph.steps else self.label(name) for name in names
        )

    @cached_property
    def _terms(self) -> dict[int, str]:
        """The product of each path by its number."""
        products = [self._factors(each) for each in self.shown]
        most = MAX_JACOBIANS if self.subject.whole else MAX_FACTORS
        found: dict[int, str] = {}
        runs = stretches([factors for factors, _ in products], most)
        for chosen, (_, symbols), shown in zip(self.shown, products, runs, strict=True):
            writer = self.writer.with_derivatives(symbols, with_other_paths(self.graph, symbols))
            whole = chosen.term.tree if len(shown) == 1 and not symbols else None
            marked = f"{STOP} \\cdots ".join(writer.marked(whole or mul(list(part))) for part in shown)
            found[chosen.number] = Breakable(marked)
        return found

    def _factors(self, each: ChosenPath) -> tuple[list[Expr], dict[str, tuple[str, str]]]:
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

    def description(self) -> str:
        """What the picture shows, for those who do not see it."""
        derivation = self.derivation
        if derivation is None:
            inputs = ", ".join(elided([n for n, node in self.graph.nodes.items() if node.role == "input"], "..."))
            return f"A network from {inputs or 'no inputs'} to {self.graph.output}."
        head = f"The derivative of {derivation.of} by {derivation.wrt}: {paths_text(derivation.count)}."
        paths = (f"Path {chosen.number}: {' → '.join(elided(chosen.term.path, '...'))}." for chosen in self.shown)
        return " ".join([head, *paths])


def with_other_paths(graph: Graph, symbols: Mapping[str, tuple[str, str]]) -> list[str]:
    """The symbols of local derivatives on links beside which other paths lead from the same node to the same."""
    return [
        symbol
        for symbol, (of, by) in symbols.items()
        if any(user != of and user in graph.ancestors(of) for user in graph.consumers[by])
    ]


def elided(parts: Sequence[str], dots: str) -> list[str]:
    """`parts`, or the beginning and the end of them."""
    half = MAX_FACTORS // 2
    return list(parts) if len(parts) <= MAX_FACTORS else [*parts[:half], dots, *parts[-half:]]


def latex_number(value: float) -> str:
    """A number in LaTeX, to four digits."""
    mantissa, _, exponent = f"{value + 0.0:.4g}".replace("-", "{-}", value < 0).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
