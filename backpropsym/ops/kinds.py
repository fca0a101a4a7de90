"""The closed set of kinds of op. Each stage has one rule a kind."""

from __future__ import annotations

from dataclasses import dataclass

from backpropsym.formula.tree import Expr


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A scalar formula over the names of the parents, applied entry by entry."""

    formula: Expr


Op = Elementwise
