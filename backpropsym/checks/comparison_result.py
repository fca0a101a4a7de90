"""What one comparison of a check came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

NOT_FINITE = "not finite, or not told by numerics, at the numbers given"


class Outcome(StrEnum):
    """What a comparison says, the gravest first."""

    DIFFERS = "DIFFERS"
    UNREACHED = "not reached"
    AGREES = "agrees"
    ABSENT = "nothing to compare"


@dataclass(frozen=True)
class Compared:
    """The result of one comparison.

    Attributes
    ----------
    name : of the comparison.
    about : what is compared with what.
    numbers : how many numbers were compared.
    seconds : how long it took.
    left : what was not reached, and why; empty where everything was.
    wrong : the first difference, as text.
    """

    name: str
    about: str
    outcome: Outcome
    numbers: int = 0
    seconds: float = field(default=0.0, compare=False)
    left: str = ""
    wrong: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing of it is left."""
        return not self.left

    def json(self) -> dict[str, object]:
        """The result as plain data."""
        return {
            "name": self.name,
            "about": self.about,
            "outcome": str(self.outcome),
            "numbers": self.numbers,
            "seconds": round(self.seconds, 3),
            "left": self.left,
            "wrong": self.wrong,
        }


def unreached(name: str, about: str, why: str) -> Compared:
    """A comparison that was not made."""
    return Compared(name, about, Outcome.UNREACHED, left=why)


def merged(results: Sequence[Compared]) -> Compared:
    """One result of a comparison that was made several times: the gravest outcome."""
    gravity = list(Outcome)
    gravest = min(results, key=lambda each: gravity.index(each.outcome))
    return replace(
        gravest,
        numbers=sum(each.numbers for each in results),
        seconds=sum(each.seconds for each in results),
        left=next((each.left for each in results if each.left), ""),
    )
