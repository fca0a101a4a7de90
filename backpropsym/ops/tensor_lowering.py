"""From a formula of whole tensors, with sums over indices inside it, to nodes of the four kinds."""

from __future__ import annotations

from backpropsym.formula.tree import Call
from backpropsym.ops.index_lowering import IndexLowering
from backpropsym.ops.lowering import Lowering, Value


class TensorLowering(Lowering):
    """Lowers a formula of whole tensors; a sum over indices inside it is lowered as one of entries."""

    def indexed(self, expr: Call) -> Value:
        """A sum over indices inside a formula of whole tensors."""
        inner = IndexLowering(self.owner, self.shapes, self.table, (), self.offsets)
        inner.nodes = self.nodes
        return inner.entries(expr, {}).value
