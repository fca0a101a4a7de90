"""Exercises on one network: what is asked, the worked solution, and the proof of it by independent numerics."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backpropsym.derive.analyses.sensitivity import Verdict, Wiggles
from backpropsym.derive.analyses.trace import Brick, Trace
from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.conventions import here
from backpropsym.document.formulas import Formula, Joined, Line, Math, Node, Prose, Quotient, Route, Value
from backpropsym.document.model import Blocks, Display, Table
from backpropsym.document.reports.sensitivity import reason
from backpropsym.document.writers.numbers import put_in
from backpropsym.errors import GradientMismatchError
from backpropsym.evaluate.arithmetic import COMPLEX, evaluate, imaginary_part
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Role

STEP = 1e-100
TOLERANCE = 1e-9


def complex_step(graph: Graph, of: str, wrt: str, values: Mapping[str, float]) -> float:
    """d of / d wrt without any derivative: the imaginary part of the network run beside the real axis.

    References
    ----------
    Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
    """
    leaves: dict[str, Any] = {name: np.complex128(value) for name, value in values.items()}
    leaves[wrt] = leaves[wrt] + 1j * STEP
    return float(imaginary_part(forward(graph, leaves, of, COMPLEX)[of])) / STEP


def prove(what: str, found: float, expected: float) -> None:
    """Refuse a solution that independent numerics do not confirm.

    Raises
    ------
    GradientMismatchError : the two differ.
    """
    if not math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise GradientMismatchError(f"the solution of {what} gives {found:.12g}, independent numerics {expected:.12g}")


@dataclass(frozen=True)
class Exercise(ABC):
    """One exercise on a network of scalars."""

    kind: ClassVar[str]
    graph: Graph

    @abstractmethod
    def question(self) -> Blocks:
        """What is asked."""

    @abstractmethod
    def solution(self) -> Blocks:
        """The worked solution."""

    @abstractmethod
    def verify(self) -> None:
        """Prove the solution.

        Raises
        ------
        GradientMismatchError : it is wrong.
        """


@dataclass(frozen=True)
class Derive(Exercise):
    """The derivative as a sum over paths. `points` are where the sum is compared with a complex step."""

    kind: ClassVar[str] = "derive"
    derivation: Derivation
    points: tuple[Mapping[str, float], ...]
    concrete: Graph

    def question(self) -> Blocks:
        """Asks for the sum over paths."""
        asked = Quotient(self.derivation.of, self.derivation.wrt)
        return (("Write ", asked, " as a sum over paths, one product of local derivatives a path."),)

    def solution(self) -> Blocks:
        """Each path with its term, and what the functions are."""
        derivation = self.derivation
        left = Quotient(derivation.of, derivation.wrt)
        rows = tuple((Route(term.path), Formula(term.tree)) for term in derivation.terms)
        whole = Joined((left, Formula(derivation.tree("paths"))))
        nodes = self.graph.between(derivation.wrt, derivation.of)
        notes = here(derivation.graph, [name for name in nodes if name != derivation.wrt])
        return Display((whole,)), Table("", ("path", "term"), rows, notes=notes)

    def verify(self) -> None:
        """The written sum, term by term, equals the complex step at every point."""
        self.prove_tree(self.derivation.tree("paths"))

    def prove_tree(self, tree: Expr) -> None:
        """Compare a formula with the complex step at every point."""
        of, wrt = self.derivation.of, self.derivation.wrt
        table = self.graph.functions.with_own(self.concrete.functions.own)
        for point in self.points:
            values = forward(self.concrete, {name: np.float64(value) for name, value in point.items()}, of)
            found = float(evaluate(tree, values, table))
            prove(f"d{of}/d{wrt}", found, complex_step(self.concrete, of, wrt, point))


@dataclass(frozen=True)
class Bricks(Derive):
    """The derivative with common bricks pulled out."""

    kind: ClassVar[str] = "bricks"

    def question(self) -> Blocks:
        """Asks for the factored form."""
        asked = Quotient(self.derivation.of, self.derivation.wrt)
        return (("Pull what the paths share out of ", asked, ", so that nothing is computed twice."),)

    def solution(self) -> Blocks:
        """The factored form."""
        left = Quotient(self.derivation.of, self.derivation.wrt)
        return (Display((Joined((left, Formula(self.derivation.tree("factored"), thin=True))),)),)

    def verify(self) -> None:
        """The factored form equals the complex step at every point."""
        self.prove_tree(self.derivation.tree("factored"))


@dataclass(frozen=True)
class Count(Exercise):
    """How many paths there are."""

    kind: ClassVar[str] = "count"
    derivation: Derivation

    def question(self) -> Blocks:
        """Asks for the number of paths."""
        start, end = Node(self.derivation.wrt), Node(self.derivation.of)
        return (("How many paths lead from ", start, " to ", end, "?"),)

    def solution(self) -> Blocks:
        """The number of paths from each node on, each a sum of those found before."""
        space, rows = self.derivation.space, list[tuple[Prose, ...]]()
        for name in reversed(space.nodes):
            users = space.successors[name]
            counts = " + ".join(str(space.to_target[user]) for user in users) or "1"
            rows.append((Node(name), counts, str(space.to_target[name])))
        below = "Each node has as many paths as the nodes that use it together."
        table = Table("", ("from", "sum", "paths"), tuple(rows), frozenset({2}), notes=(below,))
        many = self.derivation.count
        return (f"{many} path{'' if many == 1 else 's'}.",), table

    def verify(self) -> None:
        """As many as there are when they are listed one by one."""
        listed = len(set(self.derivation.space))
        prove(f"the paths from {self.derivation.wrt} to {self.derivation.of}", self.derivation.count, listed)


@dataclass(frozen=True)
class Dead(Exercise):
    """Which parameters do nothing at an object, and why."""

    kind: ClassVar[str] = "dead"
    wiggles: Wiggles
    values: Mapping[str, float]

    def question(self) -> Blocks:
        """Asks which derivatives are zero."""
        given = [(name, value) for name, value in self.values.items() if self.graph[name].role is not Role.TARGET]
        asked = (". Which parameters can be pushed a little without moving ", Node(self.wiggles.of))
        return (("Let ", *numbers(given), *asked, ", and what cuts their paths?"),)

    def solution(self) -> Blocks:
        """The parameters with the links that cut them."""
        pairs = [(row, stage) for row, stage in zip(self.wiggles.rows, self.wiggles.stages, strict=True)]
        rows = tuple((Node(row.name), reason(row, stage)) for row, stage in pairs if row.verdict is not Verdict.MOVES)
        moving = tuple(Node(row.name) for row, _ in pairs if row.verdict is Verdict.MOVES)
        rest: Blocks = (("The others move it: ", *listed(moving), "."),) if moving else ()
        return *rest, Table("", ("parameter", "why"), rows)

    def verify(self) -> None:
        """Where a derivative is zero the complex step and a small push say so too, and where it is not they do not."""
        for row in self.wiggles.rows:
            expected = complex_step(self.graph, self.wiggles.of, row.name, self.values)
            prove(f"d{self.wiggles.of}/d{row.name}", row.derivative, expected)
            still = all(push.change == 0.0 for push in row.pushes[1:3])
            prove(f"the push of {row.name}", float(row.verdict is Verdict.MOVES), float(not still))


@dataclass(frozen=True)
class Compute(Exercise):
    """Both passes by hand, and the step of descent of one parameter."""

    kind: ClassVar[str] = "compute"
    trace: Trace
    wrt: str

    def question(self) -> Blocks:
        """Asks for the value, the derivative and the step."""
        trace = self.trace
        assert trace.descent is not None
        given = numbers((name, float(value)) for name, value in trace.leaves.items())
        asked = (". Compute ", Node(trace.of), " and ", Quotient(trace.of, self.wrt), " number by number. What is ")
        step = f" after one step of gradient descent with the rate {trace.descent.rate:g}?"
        return (("Let ", *given, *asked, Node(self.wrt), step),)

    def solution(self) -> Blocks:
        """Forward and backward pass as far as they are needed, then the step."""
        trace = self.trace
        assert trace.descent is not None
        rows = tuple(
            (Node(step.node), Formula(put_in(step.formula, step.inputs)), Value(float(step.value)))
            for step in trace.forward
        )
        needed = set(self.graph.between(self.wrt, trace.of))
        backward = tuple(
            (Quotient(trace.of, step.node), _products(step.bricks), Value(float(step.adjoint)))
            for step in trace.backward
            if step.node in needed and step.bricks
        )
        before, slope, after = (
            Value(float(values[self.wrt]))
            for values in (trace.descent.before, trace.descent.gradient, trace.descent.after)
        )
        step = Joined((before, Joined((Value(trace.descent.rate), slope), "*")), "-")
        return (
            Table("", ("node", "numbers put in", "value"), rows, frozenset({2})),
            Table("", ("adjoint", "bricks times local derivatives", "value"), backward, frozenset({2})),
            Display((Joined((Node(self.wrt), step, after)),)),
        )

    def verify(self) -> None:
        """The value by the network run again, the derivative by a complex step, the step by both."""
        trace = self.trace
        assert trace.descent is not None
        leaves = {name: np.float64(value) for name, value in trace.leaves.items()}
        prove(trace.of, trace.descent.value_before, float(forward(self.graph, leaves, trace.of)[trace.of]))
        slope = complex_step(self.graph, trace.of, self.wrt, leaves)
        prove(f"d{trace.of}/d{self.wrt}", float(trace.descent.gradient[self.wrt]), slope)
        moved = float(trace.leaves[self.wrt]) - trace.descent.rate * slope
        prove(f"the step of {self.wrt}", float(trace.descent.after[self.wrt]), moved)


def _products(bricks: tuple[Brick, ...]) -> Math:
    """The sum of the products of adjoints and local derivatives, in numbers."""
    return Joined(tuple(Joined((Value(brick.adjoint), Value(brick.factor)), "*") for brick in bricks), "+")


def listed(parts: Iterable[Math]) -> Line:
    """Parts of a sentence with commas between them."""
    return tuple(piece for part in parts for piece in (", ", part))[1:]


def numbers(values: Iterable[tuple[str, float]]) -> Line:
    """Nodes with their numbers within a sentence."""
    return listed(Joined((Node(name), Value(value))) for name, value in values)
