"""Many claims marked: by whom, and what of those that cannot be read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backpropsym.errors import BackpropsymError
from backpropsym.graph.graph import Graph
from backpropsym.marking.claim_files import Claim
from backpropsym.marking.examiner import Examiner
from backpropsym.marking.verify import Verdict

_KEPT = 16


@dataclass(frozen=True)
class Mark:
    """A claim with its verdict, or with the error that kept it from being read."""

    claim: Claim
    verdict: Verdict | None
    error: BackpropsymError | None = None


class Marker:
    """Marks claims about derivatives in one network.

    Parameters
    ----------
    graph : the network.
    seed : of the random points; the same seed gives the same verdicts.
    """

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        self.graph, self.seed = graph, seed
        self._examiners: OrderedDict[tuple[str, str], Examiner] = OrderedDict()

    def verify(self, text: str, wrt: str, of: str | None = None) -> Verdict:
        """Mark one claim.

        Parameters
        ----------
        of : default: the output where that is a scalar, else the objective.

        Raises
        ------
        FormulaError : the claim cannot be read.
        UnknownNameError : no such node or entry.
        """
        return self._examiner(of or self.graph.default_target, wrt).verify(text)

    def mark(self, claims: Iterable[Claim]) -> Iterator[Mark]:
        """Mark many, one after the other; a claim that cannot be read does not stop the others."""
        for claim in claims:
            try:
                yield Mark(claim, self.verify(claim.text, claim.wrt, claim.of))
            except BackpropsymError as error:
                yield Mark(claim, None, error)

    def _examiner(self, of: str, wrt: str) -> Examiner:
        key = (of, wrt)
        if key not in self._examiners:
            self._examiners[key] = Examiner(self.graph, of, wrt, self.seed)
            if len(self._examiners) > _KEPT:
                self._examiners.popitem(last=False)
        self._examiners.move_to_end(key)
        return self._examiners[key]
