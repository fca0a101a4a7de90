"""What a picture is of, at one level of detail: a graph whose nodes are boxes, and what the boxes stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from backpropsym.derive.derivation import Derivation
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Shape
from backpropsym.picture.content.highlighted_paths import ChosenPaths
from backpropsym.picture.scene import Cells


class ElidedEntries(NamedTuple):
    """Entries of a tensor that have no box: how many, and the box after which they would stand."""

    left_out: int
    after: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A network as it is drawn.

    Attributes
    ----------
    graph : one node a box, or a weight on a link; nodes may also be there only because formulas name them.
    derivation : what is highlighted.
    chosen : its paths that are.
    outputs : the boxes of the network's output.
    symbols : names that stand for derivatives (of, by) in the terms of the derivation.
    boxes : the entries of tensors that may have a box; None where boxes are no entries.
    elided : by tensor, the entries that have none.
    shapes : the shapes of boxes that are whole tensors; None where boxes are scalars.
    cells : tensors drawn as grids.
    equations : left and right side of the boxes that are defined entry by entry.
    """

    graph: Graph
    derivation: Derivation | None = None
    chosen: ChosenPaths = ChosenPaths()
    outputs: frozenset[str] = frozenset()
    symbols: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    boxes: frozenset[str] | None = None
    elided: Mapping[str, ElidedEntries] = field(default_factory=lambda: MappingProxyType({}))
    shapes: Mapping[str, Shape] | None = None
    cells: Mapping[str, Cells] = field(default_factory=lambda: MappingProxyType({}))
    equations: Mapping[str, tuple[Expr, Expr]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def whole(self) -> bool:
        """Whether boxes are whole tensors."""
        return self.shapes is not None
