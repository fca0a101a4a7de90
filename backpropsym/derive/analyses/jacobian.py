"""The derivatives of several nodes by several nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array, Given, Values
from backpropsym.derive.derivation import Derivation


@dataclass(frozen=True)
class Jacobian:
    """One derivation a pair.

    Attributes
    ----------
    of, wrt : the nodes, or entries, of the rows and of the columns.
    parts : the derivation of each pair (of, wrt).
    """

    of: tuple[str, ...]
    wrt: tuple[str, ...]
    parts: Mapping[tuple[str, str], Derivation]

    def __getitem__(self, pair: tuple[str, str]) -> Derivation:
        """The derivation of one pair (of, wrt)."""
        return self.parts[pair]

    def evaluate(self, /, **values: Given) -> Array:
        """The matrix in numbers: a row for each entry of `of`, a column for each of `wrt`, the last axis fastest.

        Raises
        ------
        ValuesError : numbers are missing.
        """
        return np.block([[self._block(of, wrt, values) for wrt in self.wrt] for of in self.of])

    def _block(self, of: str, wrt: str, values: Values) -> Array:
        part = self.parts[of, wrt]
        found = np.asarray(part.evaluate(**values))
        rows = 1
        if part.between_arrays and part.of_at is None:
            rows = int(np.prod(found.shape[: len(part.graph[part.of].shape)], dtype=int))
        return found.reshape(rows, -1)
