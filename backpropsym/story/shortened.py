"""Long formulas of a step, by their beginning and their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.lines import Breakable
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.formula.tree import Add, Call, Expr, Mul

MAX_FACTORS = 12
"""A product or sum of more parts shows its beginning and its end."""


def shortened(tree: Expr, writer: Writer) -> Breakable:
    """`tree`, written; of a long sum or product, also inside a function, its beginning and its end."""
    match tree:
        case Add(terms) if len(terms) > MAX_FACTORS // 2:
            first, last = writer.marked(Add(terms[:2])), writer.marked(terms[-1])
            signed = last if last.startswith(("-", "−")) else f"+ {last}"
            return Breakable(f"{first}{writer.stop} + {dots(writer)}{writer.stop} {signed}")
        case Mul(factors) if len(factors) > MAX_FACTORS:
            half = MAX_FACTORS // 2
            sides = (writer.marked(Mul(part)) for part in (factors[:half], factors[-half:]))
            return Breakable(f" {dots(writer)} ".join(sides))
        case Call(function, (inner,), ()) if isinstance(inner, Add) and len(inner.terms) > MAX_FACTORS // 2:
            return Breakable(writer.function(function) + writer.brackets(shortened(inner, writer).marked))
        case _:
            return Breakable(writer.marked(tree))


def dots(writer: Writer) -> str:
    """What stands for parts that are left out."""
    return r"\cdots" if isinstance(writer, LatexWriter) else "⋯"


def ends(count: int) -> Iterable[int]:
    """The positions of the parts of a long list that are shown."""
    half = MAX_FACTORS // 2
    return range(count) if count <= MAX_FACTORS else [*range(half), *range(count - half, count)]


def elided(shown: Sequence[str], count: int, joint: str, writer: Writer) -> str:
    """`shown` joined, with dots in the middle where there are more."""
    half = MAX_FACTORS // 2
    parts = list(shown) if len(shown) == count else [*shown[:half], dots(writer), *shown[half:]]
    return joint.join(parts)
