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
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.numbers import put_in
from backpropsym.document.writers.tables import Table
from backpropsym.errors import GradientMismatchError
from backpropsym.evaluate.arithmetic import COMPLEX, evaluate, imaginary_part
from backpropsym.evaluate.scalar_evaluation import forward
from backpropsym.formula.tree import Expr
from backpropsym.graph.graph import Graph, Role
from backpropsym.quiz.exercise_writers import ExerciseWriter

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
    def question(self, writer: ExerciseWriter) -> str:
        """What is asked."""

    @abstractmethod
    def solution(self, writer: ExerciseWriter) -> str:
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

    def question(self, writer: ExerciseWriter) -> str:
        """Asks for the sum over paths."""
        asked = writer.derivative(self.derivation.of, self.derivation.wrt)
        return (
            writer.words("Write ")
            + asked
            + writer.words(" as a sum over paths, one product of local derivatives a path.")
        )

    def solution(self, writer: ExerciseWriter) -> str:
        """Each path with its term, and what the functions are."""
        derivation, formulas = self.derivation, writer.formulas
        left = formulas.derivative(derivation.of, derivation.wrt)
        rows = tuple((formulas.path(term.path), formulas.write(term.tree)) for term in derivation.terms)
        total = " + ".join(term for _, term in rows)
        known = conventions(derivation, writer.plain)
        notes = ("Here " + ", ".join(known) + ".",) if known else ()
        return writer.display([f"{left} = {total}"]) + writer.table(Table("", ("path", "term"), rows, notes=notes))

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

    def question(self, writer: ExerciseWriter) -> str:
        """Asks for the factored form."""
        asked = writer.derivative(self.derivation.of, self.derivation.wrt)
        return (
            writer.words("Pull what the paths share out of ")
            + asked
            + writer.words(", so that nothing is computed twice.")
        )

    def solution(self, writer: ExerciseWriter) -> str:
        """The factored form."""
        left = writer.formulas.derivative(self.derivation.of, self.derivation.wrt)
        thin = type(writer.formulas)(writer.formulas.notation, thin=True)
        return writer.display([f"{left} = {thin.write(self.derivation.tree('factored'))}"])

    def verify(self) -> None:
        """The factored form equals the complex step at every point."""
        self.prove_tree(self.derivation.tree("factored"))


@dataclass(frozen=True)
class Count(Exercise):
    """How many paths there are."""

    kind: ClassVar[str] = "count"
    derivation: Derivation

    def question(self, writer: ExerciseWriter) -> str:
        """Asks for the number of paths."""
        ends = (writer.names([self.derivation.wrt]), writer.names([self.derivation.of]))
        return writer.words("How many paths lead from ") + ends[0] + writer.words(" to ") + ends[1] + writer.words("?")

    def solution(self, writer: ExerciseWriter) -> str:
        """The number of paths from each node on, each a sum of those found before."""
        space, formulas = self.derivation.space, writer.formulas
        rows = []
        for name in reversed(space.nodes):
            users = space.successors[name]
            counts = " + ".join(str(space.to_target[user]) for user in users) or "1"
            rows.append((formulas.name(name), counts, str(space.to_target[name])))
        below = "Each node has as many paths as the nodes that use it together."
        table = Table("", ("from", "sum", "paths"), tuple(rows), frozenset({2}), notes=(below,))
        many = self.derivation.count
        return writer.words(f"{many} path{'' if many == 1 else 's'}.") + writer.table(table)

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

    def question(self, writer: ExerciseWriter) -> str:
        """Asks which derivatives are zero."""
        given = [(name, value) for name, value in self.values.items() if self.graph[name].role is not Role.TARGET]
        asked = writer.words(". Which parameters can be pushed a little without moving ") + writer.names(
            [self.wiggles.of]
        )
        return writer.words("Let ") + writer.numbers(given) + asked + writer.words(", and what cuts their paths?")

    def solution(self, writer: ExerciseWriter) -> str:
        """The parameters with the links that cut them."""
        pairs = [(row, stage) for row, stage in zip(self.wiggles.rows, self.wiggles.stages, strict=True)]
        rows = tuple(
            (writer.formulas.name(row.name), writer.reason(plain(verdict(row, stage), writer.plain)).partition(";")[0])
            for row, stage in pairs
            if row.verdict is not Verdict.MOVES
        )
        moving = [row.name for row, _ in pairs if row.verdict is Verdict.MOVES]
        rest = writer.words("The others move it: ") + writer.names(moving) + writer.words(".") if moving else ""
        return rest + writer.table(Table("", ("parameter", "why"), rows, words=frozenset({1})))

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

    def question(self, writer: ExerciseWriter) -> str:
        """Asks for the value, the derivative and the step."""
        trace = self.trace
        assert trace.descent is not None
        asked = writer.names([trace.of]) + writer.words(" and ") + writer.derivative(trace.of, self.wrt)
        given = writer.numbers((name, float(value)) for name, value in trace.leaves.items())
        step = writer.words(f" after one step of gradient descent with the rate {trace.descent.rate:g}?")
        body = (
            writer.words(". Compute ")
            + asked
            + writer.words(" number by number. What is ")
            + writer.names([self.wrt])
            + step
        )
        return writer.words("Let ") + given + body

    def solution(self, writer: ExerciseWriter) -> str:
        """Forward and backward pass as far as they are needed, then the step."""
        formulas, trace = writer.formulas, self.trace
        assert trace.descent is not None
        rows = tuple(
            (
                formulas.name(step.node),
                formulas.write(put_in(step.formula, step.inputs)),
                formulas.measured(float(step.value)),
            )
            for step in trace.forward
        )
        forward_table = Table("", ("node", "numbers put in", "value"), rows, frozenset({2}))
        needed = set(self.graph.between(self.wrt, trace.of))
        steps = [step for step in trace.backward if step.node in needed and step.bricks]
        backward = tuple(
            (
                formulas.derivative(trace.of, step.node),
                formulas.write(step.right) if not step.bricks else self._products(step.bricks, writer),
                formulas.measured(float(step.adjoint)),
            )
            for step in steps
        )
        backward_table = Table("", ("adjoint", "bricks times local derivatives", "value"), backward, frozenset({2}))
        before, slope, after = (
            formulas.measured(float(each[self.wrt]))
            for each in (trace.descent.before, trace.descent.gradient, trace.descent.after)
        )
        times = f"({slope})" if slope.startswith(formulas.minus) else slope
        rate = formulas.measured(trace.descent.rate)
        line = f"{formulas.name(self.wrt)} = {before} {formulas.minus} {rate}{formulas.times}{times} = {after}"
        return writer.table(forward_table) + writer.table(backward_table) + writer.display([line])

    def _products(self, bricks: tuple[Brick, ...], writer: ExerciseWriter) -> str:
        terms = []
        for brick in bricks:
            pair = [writer.formulas.measured(brick.adjoint), writer.formulas.measured(brick.factor)]
            terms.append(
                writer.formulas.times.join(f"({n})" if n.startswith(writer.formulas.minus) else n for n in pair)
            )
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
