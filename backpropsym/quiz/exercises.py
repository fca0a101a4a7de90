"""Exercises on one network: what is asked, the worked solution, and the proof of it by independent numerics."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backpropsym.derive.analyses.sensitivity import Verdict, Wiggles
from backpropsym.derive.analyses.trace import Brick, Trace
from backpropsym.derive.derivation import Derivation
from backpropsym.document.derivation.conventions import conventions
from backpropsym.document.reports.sensitivity import verdict
from backpropsym.document.writers.numbers import put_in
from backpropsym.document.writers.tables import Table
from backpropsym.errors import GradientMismatchError
from backpropsym.evaluate.arithmetic import COMPLEX, evaluate
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Role
from backpropsym.quiz.exercise_writers import Pen

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
    return float(np.imag(np.asarray(forward(graph, leaves, of, COMPLEX)[of]))) / STEP


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
    def question(self, pen: Pen) -> str:
        """What is asked."""

    @abstractmethod
    def solution(self, pen: Pen) -> str:
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

    def question(self, pen: Pen) -> str:
        """Asks for the sum over paths."""
        asked = pen.derivative(self.derivation.of, self.derivation.wrt)
        return pen.words("Write ") + asked + pen.words(" as a sum over paths, one product of local derivatives a path.")

    def solution(self, pen: Pen) -> str:
        """Each path with its term, and what the functions are."""
        derivation, writer = self.derivation, pen.writer
        left = writer.derivative(derivation.of, derivation.wrt)
        rows = tuple((writer.path(term.path), writer.write(term.tree)) for term in derivation.terms)
        total = " + ".join(term for _, term in rows)
        known = conventions(derivation, pen.plain)
        notes = ("Here " + ", ".join(known) + ".",) if known else ()
        return pen.display([f"{left} = {total}"]) + pen.table(Table("", ("path", "term"), rows, notes=notes))

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

    def question(self, pen: Pen) -> str:
        """Asks for the factored form."""
        asked = pen.derivative(self.derivation.of, self.derivation.wrt)
        return (
            pen.words("Pull what the paths share out of ") + asked + pen.words(", so that nothing is computed twice.")
        )

    def solution(self, pen: Pen) -> str:
        """The factored form."""
        left = pen.writer.derivative(self.derivation.of, self.derivation.wrt)
        thin = type(pen.writer)(pen.writer.notation, thin=True)
        return pen.display([f"{left} = {thin.write(self.derivation.tree('factored'))}"])

    def verify(self) -> None:
        """The factored form equals the complex step at every point."""
        self.prove_tree(self.derivation.tree("factored"))


@dataclass(frozen=True)
class Count(Exercise):
    """How many paths there are."""

    kind: ClassVar[str] = "count"
    derivation: Derivation

    def question(self, pen: Pen) -> str:
        """Asks for the number of paths."""
        ends = (pen.names([self.derivation.wrt]), pen.names([self.derivation.of]))
        return pen.words("How many paths lead from ") + ends[0] + pen.words(" to ") + ends[1] + pen.words("?")

    def solution(self, pen: Pen) -> str:
        """The number of paths from each node on, each a sum of those found before."""
        space, writer = self.derivation.space, pen.writer
        rows = []
        for name in reversed(space.nodes):
            users = space.successors[name]
            counts = " + ".join(str(space.to_target[user]) for user in users) or "1"
            rows.append((writer.name(name), counts, str(space.to_target[name])))
        below = "Each node has as many paths as the nodes that use it together."
        table = Table("", ("from", "sum", "paths"), tuple(rows), frozenset({2}), notes=(below,))
        many = self.derivation.count
        return pen.words(f"{many} path{'' if many == 1 else 's'}.") + pen.table(table)

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

    def question(self, pen: Pen) -> str:
        """Asks which derivatives are zero."""
        given = [(name, value) for name, value in self.values.items() if self.graph[name].role is not Role.TARGET]
        asked = pen.words(". Which parameters can be pushed a little without moving ") + pen.names([self.wiggles.of])
        return pen.words("Let ") + pen.numbers(given) + asked + pen.words(", and what cuts their paths?")

    def solution(self, pen: Pen) -> str:
        """The parameters with the links that cut them."""
        pairs = [(row, stage) for row, stage in zip(self.wiggles.rows, self.wiggles.stages, strict=True)]
        rows = tuple(
            (pen.writer.name(row.name), pen.reason(verdict(row, stage, pen.plain)).partition(";")[0])
            for row, stage in pairs
            if row.verdict is not Verdict.MOVES
        )
        moving = [row.name for row, _ in pairs if row.verdict is Verdict.MOVES]
        rest = pen.words("The others move it: ") + pen.names(moving) + pen.words(".") if moving else ""
        return rest + pen.table(Table("", ("parameter", "why"), rows, words=frozenset({1})))

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

    def question(self, pen: Pen) -> str:
        """Asks for the value, the derivative and the step."""
        trace = self.trace
        assert trace.descent is not None
        asked = pen.names([trace.of]) + pen.words(" and ") + pen.derivative(trace.of, self.wrt)
        given = pen.numbers((name, float(value)) for name, value in trace.leaves.items())
        step = pen.words(f" after one step of gradient descent with the rate {trace.descent.rate:g}?")
        body = pen.words(". Compute ") + asked + pen.words(" number by number. What is ") + pen.names([self.wrt]) + step
        return pen.words("Let ") + given + body

    def solution(self, pen: Pen) -> str:
        """Forward and backward pass as far as they are needed, then the step."""
        writer, trace = pen.writer, self.trace
        assert trace.descent is not None
        rows = tuple(
            (
                writer.name(step.node),
                writer.write(put_in(step.formula, step.inputs)),
                writer.measured(float(step.value)),
            )
            for step in trace.forward
        )
        forward_table = Table("", ("node", "numbers put in", "value"), rows, frozenset({2}))
        needed = set(self.graph.between(self.wrt, trace.of))
        steps = [step for step in trace.backward if step.node in needed and step.bricks]
        backward = tuple(
            (
                writer.derivative(trace.of, step.node),
                writer.write(step.right) if not step.bricks else self._products(step.bricks, pen),
                writer.measured(float(step.adjoint)),
            )
            for step in steps
        )
        backward_table = Table("", ("adjoint", "bricks times local derivatives", "value"), backward, frozenset({2}))
        before, slope, after = (
            writer.measured(float(each[self.wrt]))
            for each in (trace.descent.before, trace.descent.gradient, trace.descent.after)
        )
        times = f"({slope})" if slope.startswith(writer.minus) else slope
        rate = writer.measured(trace.descent.rate)
        line = f"{writer.name(self.wrt)} = {before} {writer.minus} {rate}{writer.times}{times} = {after}"
        return pen.table(forward_table) + pen.table(backward_table) + pen.display([line])

    def _products(self, bricks: tuple[Brick, ...], pen: Pen) -> str:
        terms = []
        for brick in bricks:
            pair = [pen.writer.measured(brick.adjoint), pen.writer.measured(brick.factor)]
            terms.append(pen.writer.times.join(f"({n})" if n.startswith(pen.writer.minus) else n for n in pair))
        return " + ".join(terms)

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
