"""All second derivatives of a number: as formulas with their paths, as a matrix, and times a direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backpropsym.arrays import Array, Given, Numbers, Numeric, Values
from backpropsym.derive.entry_derivation import read_entry, scalar_names
from backpropsym.derive.gradient_graph import (
    MOST_WRT,
    HigherDerivation,
    LiveDerivatives,
    gradient_graph,
    live,
    scalar_network,
)
from backpropsym.derive.local.exact_numbers import MOST_LINKS, ExactNumbers, may_be_exact, rounded
from backpropsym.derive.local.link_numbers import local_numbers
from backpropsym.derive.local.links import Edge
from backpropsym.errors import LimitError, UnknownNameError, ValuesError, did_you_mean
from backpropsym.evaluate.leaf_arrays import array_leaves
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.levels import with_steps
from backpropsym.graph.unroll import entry_values

if TYPE_CHECKING:
    import mpmath

MOST_NUMBERS = 50_000_000
"""Directions times nodes: what the matrix in numbers needs to hold at once."""


class Hessian:
    """d^2 of / d row d column, by names of scalars, or of entries of tensors.

    Second derivatives are derivatives in the gradient network; the matrix is computed by carrying one tangent for
    each column through it, a product with a direction by carrying one alone.

    Attributes
    ----------
    of : what is derived.
    names : rows and columns, in this order.

    Raises
    ------
    UnknownNameError : no such names, or none: the network has no parameters.

    References
    ----------
    Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994.
    """

    def __init__(self, graph: Graph, of: str | None = None, wrt: Sequence[str] = ()) -> None:
        self.whole = graph
        self.names = tuple(dict.fromkeys(scalar_names(graph, wrt or graph.names(Role.PARAMETER), MOST_WRT)))
        if not self.names:
            raise UnknownNameError("the network has no parameters to derive by", fix="name inputs with --wrt")
        self._flat, self.of = scalar_network(graph, of)

    def __repr__(self) -> str:
        return f"Hessian(of {self.of}, {len(self.names)} x {len(self.names)})"

    @cached_property
    def graph(self) -> Graph:
        """The gradient network; errors as for `gradient_graph`."""
        return gradient_graph(self._flat, self.of, self.names)

    @cached_property
    def symbols(self) -> dict[str, str]:
        """The node that holds d of / d name, for each name."""
        found = {by: symbol for symbol, (of, by) in self.graph.derivatives.items() if of == self.of}
        return {name: found[name] for name in self.names}

    @cached_property
    def carrier(self) -> Hessian:
        """The same with every step inside a formula as a node, by which numbers come: a mean is computed once."""
        if all(node.named for node in self.whole.nodes.values()):
            return self
        try:
            return Hessian(with_steps(self.whole), self.of, self.names)
        except LimitError:
            return self

    @cached_property
    def paths(self) -> LiveDerivatives:
        """The local derivatives of the gradient network on the links that are not zero everywhere.

        Raises
        ------
        LimitError : their formulas are too long.
        """
        return live(self.graph)

    def __getitem__(self, pair: tuple[str, str]) -> HigherDerivation:
        """One entry as a derivation: of the first derivative by `row`, by `column`."""
        row, column = pair
        for name in pair:
            if name not in self.symbols:
                fix = did_you_mean(name, self.names, f"the names are {', '.join(self.names[:5])}")
                raise UnknownNameError(f"the Hessian has no row called {name!r}", fix=fix)
        return HigherDerivation(self.graph, self.paths, self.symbols[row], column)

    def upper(self) -> Iterator[tuple[str, str]]:
        """The pairs on and above the diagonal; the matrix is symmetric."""
        for at, row in enumerate(self.names):
            yield from ((row, column) for column in self.names[at:])

    def evaluate(self, /, **values: Given) -> Array:
        """The matrix in numbers, shape (names, names); its mean over objects for a batch.

        Parameters
        ----------
        values : numbers or arrays by name, completed by the network's own.

        Raises
        ------
        ValuesError : numbers are missing.
        LimitError : the matrix is too large; `times` gives its product with a direction.
        """
        carrier = self.carrier
        needed = len(self.names) * len(carrier.graph.nodes)
        if needed > MOST_NUMBERS:
            raise LimitError(
                f"the matrix needs {needed:,} numbers at once", fix="choose fewer names, or multiply it by a direction"
            )
        return carrier._carried(np.eye(len(self.names)), values)

    def times(self, direction: Values, /, **values: Given) -> dict[str, float]:
        """The product with a direction, by name, at the cost of about two gradients.

        Parameters
        ----------
        direction : numbers by name, for tensors arrays in their shapes; 0 for names that are missing.
        values : numbers or arrays by name, completed by the network's own.

        Raises
        ------
        ValuesError : the direction names something else, or numbers are missing.
        """
        steps = {name: float(number) for name, number in self._entries(direction).items()}
        unknown = [name for name in steps if name not in self.symbols]
        if unknown:
            raise ValuesError(f"the Hessian has no column {unknown[0]}", fix=f"its columns are {self._listed()}")
        seeds = np.array([[steps.get(name, 0.0) for name in self.names]])
        return dict(zip(self.names, map(float, self.carrier._carried(seeds, values)[0]), strict=True))

    def _listed(self) -> str:
        return ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")

    def _entries(self, numbers: Values) -> dict[str, Any]:
        arrays = {name: value for name, value in numbers.items() if name in self.whole.nodes}
        entries = {name: value for name, value in numbers.items() if name not in arrays}
        for name, value in arrays.items():
            if np.shape(value) != self.whole[name].shape:
                fix = f"give an array of shape {self.whole[name].shape}"
                raise ValuesError(f"the direction of {name} has the shape {np.shape(value)}", fix=fix)
        return entries | entry_values(self.whole, arrays)

    def _numbers(self, values: Values) -> dict[str, Numeric]:
        """The value of every node of the gradient network."""
        within = self.graph.ancestors(*self.symbols.values())
        wanted = [name for name, node in self.graph.nodes.items() if node.op is None and name in within]
        arrays, _, _ = array_leaves(self.whole, values, {read_entry(name, self.whole)[0] for name in wanted})
        leaves = entry_values(self.whole, arrays)
        directions = dict.fromkeys(self.graph.names(Role.INPUT), np.float64(0.0))
        return forward(self.graph, directions | leaves, self.graph.output)

    def _carried(self, seeds: Array, values: Values) -> Array:
        """For each row of `seeds`, a direction, the change of every first derivative: tangents of the adjoints."""
        numbers, within = self._numbers(values), self.graph.ancestors(*self.symbols.values())
        parents = {name: self.paths.graph[name].parents for name in self.graph.order if name in within}
        links = [Edge(parent, name) for name, above in parents.items() for parent in above]
        still = np.zeros((len(seeds), 1))
        exact = self._in_many_digits(numbers, links, len(seeds))
        if exact is not None:
            found = self._tangents(seeds, parents, exact)
            sizes = self._tangents(abs(seeds), parents, {link: abs(number) for link, number in exact.items()})
            pairs = [(found.get(symbol, still), sizes.get(symbol, still)) for symbol in self.symbols.values()]
            return np.stack([np.frompyfunc(rounded, 2, 1)(*pair).astype(float)[:, 0] for pair in pairs], axis=-1)
        tangents = self._tangents(seeds, parents, local_numbers(self.paths, links, numbers))
        return np.stack([np.mean(tangents.get(symbol, still), axis=-1) for symbol in self.symbols.values()], axis=-1)

    def _tangents(
        self, seeds: Array, parents: Mapping[str, Sequence[str]], factors: Mapping[Edge, Numeric]
    ) -> dict[str, Any]:
        """The change of every node along each direction of `seeds`, shape (directions, objects)."""
        tangents: dict[str, Any] = {name: seeds[:, at, None] for at, name in enumerate(self.names)}
        with np.errstate(all="ignore"):
            for name, above in parents.items():
                parts = [tangents[parent] * factors[Edge(parent, name)] for parent in above if parent in tangents]
                if parts:
                    tangents[name] = sum(parts, tangents.get(name, 0.0))
        return tangents

    def _in_many_digits(self, numbers: Numbers, links: list[Edge], times: int) -> dict[Edge, mpmath.mpf] | None:
        """The local derivatives in fifty digits; None for a batch, at kinks, and where there are too many."""
        leaves = {name: value for name, value in numbers.items() if self.graph[name].op is None}
        if len(links) * times > MOST_LINKS or not may_be_exact(self.graph, numbers):
            return None
        return ExactNumbers(self.graph, self.paths, leaves).links(self.symbols.values(), links)
