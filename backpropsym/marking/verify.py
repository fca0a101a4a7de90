"""Whether a hand-derived formula is right, and if not, the nearest explanation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import Edge
from backpropsym.errors import LimitError
from backpropsym.formula.claims.indices import Asked
from backpropsym.formula.claims.names import Vocabulary
from backpropsym.formula.tree import Call, Expr, Name, called
from backpropsym.graph.graph import Graph
from backpropsym.marking.claim_context import ClaimContext, Column
from backpropsym.marking.guesses import Guesses
from backpropsym.marking.monomials import Atoms, Expansion, Monomial
from backpropsym.marking.slips import Comparison, Expected, Kind, Slip, expected_terms, same
from backpropsym.ops.function_table import FunctionTable
from backpropsym.ops.reducer import FOLDS, REDUCERS, filled, read

MAX_PATHS = 200
FEWEST_POINTS = 10


@dataclass(frozen=True)
class Verdict:
    """What became of one claim.

    Attributes
    ----------
    text : the claim as written.
    tree : the claim as read.
    right : whether it equals the derivative.
    method : "terms" where claim and path sum have the same terms, "points" where only their numbers were compared.
    points : at how many points they were compared, in fifty digits.
    slips : the nearest explanation of a wrong claim; empty where none is near.
    example : the values of the claim and of the derivative where they differ first.
    silent : links at which a mistake could not be seen: they carry nothing at any point that was found.
    asked : what is derived and by what, with the free indices as asked, where that is more than one entry.
    """

    derivation: Derivation
    text: str
    tree: Expr
    right: bool
    method: str
    points: int
    slips: tuple[Slip, ...] = ()
    example: tuple[float, float] | None = None
    silent: tuple[Edge, ...] = ()
    asked: tuple[str, str] | None = None

    @property
    def ends(self) -> tuple[str, str]:
        """What is derived and by what: every entry that the verdict holds for, or the one where it fails."""
        return self.asked or (self.derivation.of, self.derivation.wrt)


class EntryExaminer:
    """Marks claims about one number by one; what is found out about the network is used for all of them.

    Parameters
    ----------
    graph : a network of numbers, or of all entries.
    of, wrt : nodes.
    seed : of the random points.
    """

    def __init__(self, graph: Graph, of: str, wrt: str, seed: int = 0) -> None:
        self.claim_context = ClaimContext(graph, of, wrt, seed)

    def examine(self, text: str, tree: Expr) -> Verdict:
        """Mark a claim that is read, over the names of the graph."""
        claim_context = self.claim_context
        numbers = claim_context.numbers(tree)
        points, differs_at = claim_context.differing(numbers)
        derivation = claim_context.derivation
        if differs_at is None and points >= FEWEST_POINTS:
            method = "terms" if self._same_terms(tree) else "points"
            silent = () if method == "terms" else claim_context.silent
            return Verdict(derivation, text, tree, True, method, points, silent=silent)
        example = None
        if differs_at is not None:
            claimed, right = numbers[differs_at], claim_context.truth[differs_at]
            assert claimed is not None and right is not None, "points without a value are not compared"
            example = (float(claimed), float(right))
        slips = tuple(self._slips(tree, numbers)) if differs_at is not None else ()
        return Verdict(derivation, text, tree, False, "points", points, slips, example, claim_context.silent)

    @cached_property
    def _atoms(self) -> Atoms:
        return Atoms(self.claim_context)

    @cached_property
    def _expected(self) -> list[Expected]:
        """The monomials of the paths; none where there are too many paths to tell them apart."""
        derivation, expansion = self.claim_context.derivation, Expansion(self._atoms)
        if derivation.count > MAX_PATHS:
            return []
        try:
            return expected_terms([(term.path, expansion.terms(term.tree)) for term in derivation.terms])
        except LimitError:
            return []

    def _readings(self, tree: Expr, by_numbers: bool) -> Iterator[list[Monomial]]:
        """The claim as a sum of monomials: with unknown sums left alone, and with all multiplied out."""
        for opened in (False, True):
            with contextlib.suppress(LimitError):
                yield Expansion(self._atoms, by_numbers).terms(tree, opened)

    def _same_terms(self, tree: Expr) -> bool:
        """Whether the claim has the terms of the path sum by its spelling alone."""
        return bool(self._expected) and any(same(terms, self._expected) for terms in self._readings(tree, False))

    def _slips(self, tree: Expr, numbers: Column) -> list[Slip]:
        """The nearest explanation: the fewest kinds of slips, term by term; else one that fits the numbers."""
        if not self._expected:
            return []
        comparison = Comparison(self.claim_context.graph)
        options = [comparison.slips(terms, self._expected) for terms in self._readings(tree, True)]
        best = min(options, key=cost, default=[])
        if best and cost(best) == 1:
            return best
        guessed = Guesses(self._atoms, numbers, self._expected).slips()
        if guessed:
            return guessed
        unexplained = sum(slip.kind is Kind.EXTRA_PATH for slip in best)
        return best if unexplained <= max(1, len(self._expected) // 2) else []


def cost(slips: Sequence[Slip]) -> int:
    """How many different slips there are; terms that are there too often or not at all count each."""
    alone = sum(slip.kind in (Kind.EXTRA_PATH, Kind.MISSING_PATH) for slip in slips)
    return alone + len({slip.nature for slip in slips if slip.kind not in (Kind.EXTRA_PATH, Kind.MISSING_PATH)})


def vocabulary(graph: Graph, asked: Asked) -> Vocabulary:
    """What a claim about a derivative in `graph` may name."""
    table, shapes = graph.functions, {name: node.shape for name, node in graph.nodes.items()}
    return Vocabulary(shapes, table, _derivative(table), asked, _spellings(table), _definitions_by_sums(table))


def _definitions_by_sums(table: FunctionTable) -> dict[str, Expr]:
    """What each reduction is that sums alone spell, over x and n; among them the Euclidean norm."""

    def spelled(name: str, body: Expr) -> Expr:
        return Call(name, (body,)) if name in FOLDS else filled(REDUCERS[name].definition, {"x": body}, table, spelled)

    found: dict[str, Expr] = {name: spelled(name, Name("x")) for name in REDUCERS} | {"norm": read("sqrt(sum(x**2))")}
    return {name: expr for name, expr in found.items() if {"max", "min"}.isdisjoint(called(expr))}


def _derivative(table: FunctionTable) -> Callable[[str, str], str]:
    def name(function: str, argument: str) -> str:
        return table.derivative(function, argument or table[function].arguments[0]).name

    return name


def _spellings(table: FunctionTable) -> dict[str, str]:
    """How functions are called in LaTeX, as far as that is not their name."""
    found = {"ln": "log"}
    for name, function in table.items():
        for prefix in ("\\operatorname{", "\\mathrm{", "\\"):
            if function.latex.startswith(prefix):
                found[function.latex[len(prefix) :].rstrip("}")] = name
                break
    return found
