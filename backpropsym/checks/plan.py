"""How a network is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backpropsym.arrays import Values
from backpropsym.checks.time_budget import Budget

if TYPE_CHECKING:
    from backpropsym.checks.comparisons.registry import Comparison

SECONDS = 20.0
"""How long a check may take where nobody says."""


@dataclass(frozen=True)
class Plan:
    """How a network is checked.

    Attributes
    ----------
    samples : the number of points.
    seed : of the random ones.
    at : numbers that take precedence over the network's own.
    budget : the time that it may take.
    thorough : whether what takes very long is compared too.
    others : comparisons of what is made of derivations elsewhere.
    """

    samples: int = 3
    seed: int = 0
    at: Values = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    thorough: bool = False
    others: tuple[Comparison, ...] = ()
