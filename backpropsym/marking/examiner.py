"""Claims about a derivative: of numbers, of one entry, W1[2,0], or in index form, W1[i,j], at several positions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.local.entries import index_letters
from backpropsym.derive.paths.entry_paths import unroll_between
from backpropsym.errors import FormulaError, UnknownNameError
from backpropsym.formula.claims.indices import Asked
from backpropsym.formula.claims.parse import parse_claim
from backpropsym.formula.tree import Expr, names, number, substitute
from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.graph.unroll import entry_count, entry_name, require_sizes, unroll
from backpropsym.marking.claim_context import with_numbers
from backpropsym.marking.index_sums import written_out
from backpropsym.marking.verify import EntryExaminer, Verdict, vocabulary

MAX_WHOLE = 3_000
"""Entries of a network up to which a claim may name any of them; above, those on the paths and what they use."""

POSITIONS = 3
_ENTRY = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\[([\w\s,]*)\])?\s*\Z")


class Place(NamedTuple):
    """A node and the subscripts of an entry of it: whole numbers, or letters for any position."""

    node: str
    subscripts: tuple[str, ...]


class Examiner:
    """Marks claims about one derivative.

    Parameters
    ----------
    of, wrt : such as "loss", "p[1]", "W1[2,0]" or "W1[i,j]"; an array W1 alone is W1[i,j], in the letters of a
        derivation.
    seed : of the random points.

    Raises
    ------
    UnknownNameError : no such node or entry.
    """

    def __init__(self, graph: Graph, of: str, wrt: str, seed: int = 0) -> None:
        require_sizes(graph)
        self.graph, self.seed = with_numbers(graph, np.random.default_rng(seed)), seed
        letters = iter(index_letters(graph))
        self.wrt = _place(wrt, graph, letters)
        self.of = _place(of, graph, letters)
        self.vocabulary = vocabulary(self.graph, Asked(self.wrt.node, self._subscripts()))
        self._small = entry_count(graph) <= MAX_WHOLE
        self._examiners: dict[tuple[int, ...], EntryExaminer] = {}

    def verify(self, claim: str) -> Verdict:
        """Mark a claim; one in index form at several positions, of which the first wrong one is reported.

        Raises
        ------
        FormulaError : the claim cannot be read, or names what lies off the paths of a large network.
        """
        tree = parse_claim(claim, self.vocabulary)
        verdicts = []
        for position in self._positions():
            verdict = self._at(position, claim, tree)
            if not verdict.right:
                return verdict
            verdicts.append(verdict)
        points = sum(each.points for each in verdicts)
        method = "terms" if all(each.method == "terms" for each in verdicts) else "points"
        asked = (_written(self.of), _written(self.wrt)) if self._letters() else None
        return replace(verdicts[0], method=method, points=points, asked=asked)

    def _subscripts(self) -> tuple[tuple[str, int], ...]:
        """The subscripts asked for with the sizes of their axes, those of `wrt` first."""
        places = ((place, self.graph[place.node].shape) for place in (self.wrt, self.of))
        return tuple(
            (subscript, int(size)) for at, shape in places for subscript, size in zip(at.subscripts, shape, strict=True)
        )

    def _letters(self) -> dict[str, int]:
        """The free indices with the sizes of their axes."""
        found: dict[str, int] = {}
        for place in (self.of, self.wrt):
            for subscript, size in zip(place.subscripts, self.graph[place.node].shape, strict=True):
                if not subscript.isdigit():
                    found.setdefault(subscript, int(size))
        return found

    def _positions(self) -> list[dict[str, int]]:
        """Positions for the free indices, chosen at random; the first has its indices unequal where it can.

        Every two indices are equal at one of the positions besides: what a delta switches off elsewhere shows there.
        """
        letters = self._letters()
        if not letters:
            return [{}]
        random = np.random.default_rng(self.seed)
        drawn = [{name: int(random.integers(size)) for name, size in letters.items()} for _ in range(20)]
        drawn.sort(key=lambda values: -len(set(values.values())))
        chosen = list({tuple(values.values()): values for values in drawn}.values())[:POSITIONS]
        for pair in itertools.combinations(letters, 2):
            if not any(len({values[name] for name in pair}) == 1 for values in chosen):
                same = int(random.integers(min(letters[name] for name in pair)))
                chosen.append({**drawn[0], **dict.fromkeys(pair, same)})
        return chosen

    def _at(self, position: Mapping[str, int], claim: str, tree: Expr) -> Verdict:
        """The verdict at one position."""
        values = {name: number(value) for name, value in position.items()}
        found = written_out(substitute(tree, values), self.graph)
        return self._examiner(position, names(found)).examine(claim, found)

    def _examiner(self, position: Mapping[str, int], named: Sequence[str]) -> EntryExaminer:
        """Who marks claims at one position that name these entries."""
        _check_inside(named, self.graph)
        key = tuple(position.values())
        found = self._examiners.get(key)
        if found is not None and all(name in found.claim_context.graph.nodes for name in named):
            return found
        of, wrt = self._entry(self.of, position), self._entry(self.wrt, position)
        scalars = unroll(self.graph) if self._small else self._with(unroll_between(self.graph, of, wrt), named)
        self._examiners[key] = EntryExaminer(scalars, entry_name(*of), entry_name(*wrt), self.seed)
        return self._examiners[key]

    def _with(self, scalars: Graph, named: Sequence[str]) -> Graph:
        """The entries on the paths, and those that a claim names besides, where nothing off the paths hides them."""
        hidden = {name for name, node in scalars.nodes.items() if node.op is None and node.role is Role.VALUE}
        above = self.graph.ancestors(*{name.partition("[")[0] for name in hidden})
        extra = [name for name in named if name not in scalars.nodes]
        for name in extra:
            node = self.graph[name.partition("[")[0]]
            if node.op is not None or node.name in above:
                raise FormulaError(
                    f"{name} lies on no path, and the network is too large to follow what depends on it",
                    fix="name only what lies on the paths, and what those entries use",
                )
        leaves = {name: Node(name, self.graph[name.partition("[")[0]].role) for name in extra}
        return replace(scalars, nodes={**leaves, **scalars.nodes})

    def _entry(self, place: Place, position: Mapping[str, int]) -> tuple[str, tuple[int, ...]]:
        return place.node, tuple(
            int(subscript) if subscript.isdigit() else position[subscript] for subscript in place.subscripts
        )


def _written(place: Place) -> str:
    return f"{place.node}[{','.join(place.subscripts)}]" if place.subscripts else place.node


def _check_inside(names: Sequence[str], graph: Graph) -> None:
    """Refuse entries at positions that a node does not have."""
    for name in names:
        read_entry(name, graph)


def _place(text: str, graph: Graph, letters: Iterator[str]) -> Place:
    match = None if text in graph.nodes else _ENTRY.match(text)
    node = graph[match.group(1) if match else text]
    if match is None or match.group(2) is None:
        return Place(node.name, tuple(next(letters) for _ in node.shape))
    inner = match.group(2)
    subscripts = tuple(part.strip() for part in inner.split(",")) if inner.strip() else ()
    shape = ", ".join(map(str, node.shape))
    if len(subscripts) != len(node.shape):
        example = f"{node.name}[{','.join('ijklmn'[: len(node.shape)])}]" if node.shape else node.name
        fix = f"write {example}; the shape of {node.name} is ({shape})"
        raise UnknownNameError(f"{text.strip()} is not an entry of {node.name}", fix=fix)
    for subscript, size in zip(subscripts, node.shape, strict=True):
        if (
            not subscript
            or (subscript.isdigit() and isinstance(size, int) and int(subscript) >= size)
            or subscript in graph.nodes
        ):
            fix = f"positions count from zero; the shape of {node.name} is ({shape})"
            raise UnknownNameError(f"{node.name} has no entry {text.strip()!r}", fix=fix)
    return Place(node.name, subscripts)
