"""What kernels may be called with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backpropsym.graph.graph import Graph, Node, Role
from backpropsym.ops.sizes import size_symbols

MAX_KEYWORDS = 24


@dataclass(frozen=True)
class Names:
    """What a kernel may be called with.

    Attributes
    ----------
    objects : needed inputs and targets.
    numbers : needed parameters.
    ignored : declared names that the objective does not depend on.
    """

    objects: tuple[str, ...]
    numbers: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def needed(self) -> tuple[str, ...]:
        """Every needed name, in the order of the kernel's arguments."""
        return (*self.objects, *self.numbers)

    @property
    def as_keywords(self) -> bool:
        """Whether the kernel has an argument for each name.

        Python matches keywords with arguments one by one, so that many names are faster taken from one dict.
        """
        return len(self.needed) <= MAX_KEYWORDS


def kernel_names(graph: Graph, wanted: Collection[str] = ()) -> Names:
    """The names of a graph's kernel; gradients by the parameters `wanted` need the sizes of these."""
    needed = graph.ancestors(graph.objective)
    needed |= graph.sizing(needed)
    sizes = {symbol for name in needed if graph[name].op is None for symbol in _symbols(graph[name])}
    needed |= {name for name in wanted if not sizes.issuperset(_symbols(graph[name]))}
    leaves = {role: graph.names(role) for role in (Role.INPUT, Role.TARGET, Role.PARAMETER)}
    varying = leaves[Role.INPUT] + leaves[Role.TARGET]
    return Names(
        objects=tuple(name for name in varying if name in needed),
        numbers=tuple(name for name in leaves[Role.PARAMETER] if name in needed),
        ignored=tuple(name for names in leaves.values() for name in names if name not in needed),
    )


def _symbols(node: Node) -> set[str]:
    return {symbol for size in node.shape for symbol in size_symbols(size)}
