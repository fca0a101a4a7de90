"""The Hessian of a network of arrays that is too large to be written out: its product with a direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np

from backpropsym.arrays import Array, Given, Values
from backpropsym.derive.analyses.hessian import Hessian
from backpropsym.derive.entry_derivation import read_entry
from backpropsym.derive.gradient_graph import HigherDerivation
from backpropsym.errors import LimitError, ValuesError, did_you_mean
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import entry_values
from backpropsym.kernels.api.compile import compile_kernel

_FIX = "choose some entries with --wrt, or multiply it by a direction: --times, in Python times"


class LargeHessian(Hessian):
    """All second derivatives of a number by whole leaves, of which only products are computed.

    Parameters
    ----------
    of : what is derived; default: the output where that is a scalar, else the loss.
    wrt : leaves; default: the parameters.
    refusal : why the network is not written out entry by entry.

    Raises
    ------
    LimitError : the refusal, where `of` or one of `wrt` is an entry.
    """

    def __init__(self, graph: Graph, of: str | None, wrt: Sequence[str], refusal: LimitError) -> None:
        self.whole = graph
        target, leaves = of or graph.default_target, tuple(wrt or graph.names(Role.PARAMETER))
        if not {target, *leaves} <= graph.nodes.keys() or graph[target].shape or graph.symbols:
            raise refusal
        self.refusal = LimitError(refusal.problems[0].message, fix=_FIX)
        self.of = target
        self.leaves = leaves

    def __repr__(self) -> str:
        return f"LargeHessian(of {self.of}, by {', '.join(self.leaves)})"

    def __getattr__(self, name: str) -> NoReturn:
        """What only a Hessian has that is written out, such as its names and its graph."""
        if name.startswith("_") or name == "refusal":
            raise AttributeError(name)
        raise self.refusal

    def __getitem__(self, pair: tuple[str, str]) -> HigherDerivation:
        """Never: the network is too large.

        Raises
        ------
        LimitError : always.
        """
        raise self.refusal

    def evaluate(self, /, **values: Given) -> Array:
        """Never: the matrix is too large; `times` gives its products.

        Raises
        ------
        LimitError : always.
        """
        raise self.refusal

    def times(self, direction: Values, /, **values: Given) -> dict[str, float]:
        """The product with a direction, by entry, at the cost of a few gradients; its mean over objects for a batch.

        Parameters
        ----------
        direction : arrays of the leaves in their shapes, or numbers of entries; 0 for names that are missing.
        values : numbers or arrays by name, completed by the network's own.

        Raises
        ------
        ValuesError : the direction names something else, or numbers are missing.
        """
        kernel = compile_kernel(replace(self.whole, output=self.of, loss=None), parameters=self.leaves)
        found = kernel.hvp({**self.whole.values, **values}, self._directions(direction), self.leaves)
        return {name: float(number) for name, number in entry_values(self.whole, found).items()}

    def _directions(self, direction: Values) -> Mapping[str, Array]:
        """The direction as one array a leaf."""
        shapes = {name: tuple(map(int, self.whole[name].shape)) for name in self.leaves}
        moved = {name: np.zeros(shape) for name, shape in shapes.items()}
        for name, value in direction.items():
            leaf, at = (name, None) if name in shapes else read_entry(name, self.whole)
            if leaf not in shapes:
                fix = did_you_mean(name, self.leaves, f"its columns are those of {', '.join(self.leaves[:5])}")
                raise ValuesError(f"the Hessian has no column {name}", fix=fix)
            if np.shape(value) != (shapes[leaf] if at is None else ()):
                fix = f"give an array of shape {shapes[leaf]}"
                raise ValuesError(f"the direction of {name} has the shape {np.shape(value)}", fix=fix)
            moved[leaf][... if at is None else at] = value
        return moved


def hessian(kind: type[Hessian], graph: Graph, of: str | None, wrt: Sequence[str]) -> Hessian:
    """All second derivatives, entry by entry where the network is small enough, else products alone.

    Parameters
    ----------
    kind : the class of Hessians that are written out.

    Raises
    ------
    LimitError : the network is too large, and `of` or one of `wrt` is an entry.
    NotScalarError : `of` has axes.
    UnknownNameError : no such names, or none.
    """
    try:
        return kind(graph, of, wrt)
    except LimitError as error:
        return LargeHessian(graph, of, wrt, error)
