"""A network as declared, before anything is checked: the common form of files, strings and Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backpropsym.errors import Location
from backpropsym.formula.tree import Expr, Span
from backpropsym.graph.graph import Block
from backpropsym.ops.kinds import Shape
from backpropsym.ops.lowering import Lowered

Places = Callable[[str, str, Span | None], Location]


@dataclass
class Declaration:
    """What a person declared.

    Attributes
    ----------
    inputs, targets, parameters : declared shapes by name, `()` for a scalar.
    nodes : formulas by name, as text or as trees.
    indices : the free indices of nodes that are defined entry by entry.
    heads : what stands left of such nodes' formulas, "out[r, c]", by name.
    offsets : the smallest index of each axis of leaves that do not count from zero.
    lowered : the steps of nodes whose formulas were lowered when they were declared, by name.
    blocks : the layers written as one step, as label and nodes.
    notation : how names are written in LaTeX, by name or pattern.
    functions : "f" or "f(x, beta)" to a registered name, a formula, or "abstract".
    symbols : the symbolic sizes of the leaves, which formulas may use as numbers.
    unreadable : names in what could not be read; using them is not a further mistake.
    located : where (section, key, columns of the formula) stands in the text, for error messages; a declaration
        without a text of its own names the section and the key.
    """

    title: str = ""
    inputs: dict[str, Shape] = field(default_factory=dict)
    targets: dict[str, Shape] = field(default_factory=dict)
    parameters: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    nodes: dict[str, str | Expr] = field(default_factory=dict)
    indices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, tuple[int, ...]] = field(default_factory=dict)
    output: str | None = None
    loss: str | Expr | None = None
    lowered: dict[str, list[Lowered]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    functions: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    notation: Mapping[str, object] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    located: Places | None = None

    def places(self, section: str, key: str, span: Span | None) -> Location:
        """Where `key` of `section` stands; with `span`, those columns of its formula."""
        if self.located is not None:
            return self.located(section, self.heads.get(key, key) if section == "nodes" else key, span)
        written = getattr(self, section).get(key) if section else getattr(self, key, None)
        name = f"[{section}] {key}" if section else key
        if span is None or not isinstance(written, str):
            return Location(name)
        return Location(name, None, written, span[0], span[1] - span[0])
