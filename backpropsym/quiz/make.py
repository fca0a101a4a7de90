"""Exercises chosen by chance, the same for the same seed; each is proved before it is given out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backpropsym.derive.analyses.sensitivity import Verdict, Wiggles, wiggle
from backpropsym.derive.analyses.trace import trace
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.errors import LimitError, UnknownNameError
from backpropsym.evaluate.random_functions import abstract_functions, concrete
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.levels import at_level
from backpropsym.graph.unroll import entry_count
from backpropsym.quiz.exercises import Bricks, Compute, Count, Dead, Derive, Exercise

MOST_EXERCISES = 200
MOST_PATHS = 64
"""A derivative with more paths than this is no exercise."""

MOST_ENTRIES = 300
_TRIES = 300
_POINTS = 3
_INPUTS = (-2, -1, 0, 1, 2, 3)


@dataclass(frozen=True)
class Quiz:
    """Exercises on one network, all proved."""

    graph: Graph
    seed: int
    exercises: tuple[Exercise, ...]


def make_quiz(graph: Graph, count: int = 5, seed: int = 0, kinds: Sequence[str] = ()) -> Quiz:
    """`count` exercises on `graph`, taking the kinds in turn.

    Numbers for an object are made by chance: whole inputs, and weights in quarters where the network gives none.

    Parameters
    ----------
    graph : a network of scalars, or of at most 300 entries.
    kinds : of derive, dead, compute, bricks and count; default: all that the network allows.

    Raises
    ------
    LimitError : the network is too large, or too many exercises are asked for.
    UnknownNameError : no exercise of these kinds exists on this network.
    GradientMismatchError : a solution is wrong; nothing is given out then.
    """
    if not 1 <= count <= MOST_EXERCISES:
        raise LimitError(f"{count} exercises are asked for", fix=f"ask for 1 to {MOST_EXERCISES}")
    maker = _Maker(_neurons(graph), random.Random(f"quiz {seed}"))
    exercises = tuple(maker.take(count, kinds))
    for exercise in exercises:
        exercise.verify()
    return Quiz(maker.graph, seed, exercises)


def _neurons(graph: Graph) -> Graph:
    if graph.symbols or entry_count(graph) > MOST_ENTRIES:
        raise LimitError(
            f"the network is too large for pen and paper: more than {MOST_ENTRIES} entries",
            fix="take a smaller one, or: backpropsym quiz random",
        )
    return at_level(graph, "neurons")


class _Maker:
    def __init__(self, graph: Graph, chance: random.Random) -> None:
        self.graph, self.chance = graph, chance
        self.concrete = concrete(graph, np.random.default_rng(chance.randrange(2**32)))
        self.local = LocalDerivatives(graph)
        self.kinds: Mapping[str, Callable[[], Exercise | None]] = {
            "derive": lambda: self._formula(Derive),
            "dead": self._dead,
            "compute": self._compute,
            "bricks": lambda: self._formula(Bricks),
            "count": self._count,
        }

    def take(self, count: int, kinds: Sequence[str]) -> Iterator[Exercise]:
        """Exercises of the kinds in turn; a kind that the network does not allow is left out."""
        unknown = [kind for kind in kinds if kind not in self.kinds]
        if unknown:
            raise UnknownNameError(f"no exercises are called {unknown[0]!r}", fix=f"choose of {', '.join(self.kinds)}")
        left, seen, at, made = list(kinds or self.kinds), set[str](), 0, 0
        while made < count:
            if not left:
                raise UnknownNameError(
                    "the network allows no such exercise", fix="take another network, or other kinds of exercises"
                )
            kind = left[at % len(left)]
            exercise = self._new(kind, seen)
            if exercise is None:
                left.remove(kind)
                continue
            made, at = made + 1, at + 1
            yield exercise

    def _new(self, kind: str, seen: set[str]) -> Exercise | None:
        """An exercise unlike those before where there is one."""
        found: Exercise | None = None
        for _ in range(12):
            found = self.kinds[kind]()
            if found is None or repr(_asked(found)) not in seen:
                break
        if found is not None:
            seen.add(repr(_asked(found)))
        return found

    def _derivation(self, least: int) -> Derivation | None:
        """The derivative of the output by a parameter, or by an input if there is none, with some paths."""
        graph = self.graph
        names = graph.names(Role.PARAMETER) or graph.names(Role.INPUT)
        found = [Derivation(self.local, graph.output, name) for name in names]
        fitting = [each for each in found if least <= each.count <= MOST_PATHS]
        return self.chance.choice(fitting) if fitting else None

    def _formula(self, kind: type[Derive]) -> Exercise | None:
        derivation = self._derivation(2) or self._derivation(1)
        if derivation is None:
            return None
        points = tuple(self._point(None) for _ in range(_POINTS))
        return kind(self.graph, derivation, points, self.concrete)

    def _count(self) -> Exercise | None:
        names = self.graph.names(Role.INPUT, Role.PARAMETER)
        found = [Derivation(self.local, self.graph.objective, name) for name in names]
        fitting = [each for each in found if 2 <= each.count <= MOST_PATHS] or [
            each for each in found if each.count == 1
        ]
        return Count(self.graph, self.chance.choice(fitting)) if fitting else None

    def _point(self, inputs: Sequence[int] | None) -> dict[str, float]:
        """Numbers for all leaves: of any kind, or whole inputs with the network's own weights."""
        point: dict[str, float] = {}
        for name, node in self.graph.nodes.items():
            if node.op is not None:
                continue
            if node.role is Role.CONSTANT:
                point[name] = float(self.graph.constants[name])
            elif inputs is None:
                point[name] = self.chance.uniform(0.3, 2.0)
            elif node.role is not Role.PARAMETER:
                point[name] = float(self.chance.choice(inputs))
            else:
                quarter = self.chance.choice((-1, 1)) * self.chance.randint(1, 8) / 4
                point[name] = float(self.graph.values.get(name, quarter))
        return point

    def _objects(self) -> Iterator[tuple[dict[str, float], Wiggles]]:
        """Objects at which everything is finite and no function is at a kink."""
        if abstract_functions(self.graph) or not self.graph.names(Role.PARAMETER):
            return
        for _ in range(_TRIES):
            point = self._point(_INPUTS)
            found = wiggle(self.graph, point, self.graph.output)
            kinks = any(push.crossed for row in found.rows for push in row.pushes[1:3])
            finite = all(np.isfinite(push.change) for row in found.rows for push in row.pushes)
            if finite and not kinks:
                yield point, found

    def _dead(self) -> Exercise | None:
        """An object at which some parameters do nothing and some do something."""
        for point, found in self._objects():
            cut = sum(row.verdict is Verdict.CUT for row in found.rows)
            plain = all(row.verdict in (Verdict.CUT, Verdict.MOVES) for row in found.rows)
            moved = all(
                any(push.change for push in row.pushes[1:3]) for row in found.rows if row.verdict is Verdict.MOVES
            )
            if plain and moved and 0 < cut < len(found.rows):
                return Dead(self.graph, found, point)
        return None

    def _compute(self) -> Exercise | None:
        """An object, and a parameter whose derivative is not zero there."""
        for point, _ in self._objects():
            found = trace(self.graph, point)
            moving = [name for name, slope in found.gradient.items() if slope != 0.0]
            if moving and all(np.isfinite(step.adjoint) for step in found.backward):
                deepest = sorted(moving, key=lambda name: -len(self.graph.between(name, found.of)))
                return Compute(self.graph, found, self.chance.choice(deepest[: max(1, len(deepest) // 2)]))
        return None


def _asked(exercise: Exercise) -> tuple[object, ...]:
    """What distinguishes an exercise from another."""
    match exercise:
        case Dead():
            return (exercise.kind, tuple(exercise.values.items()))
        case Compute():
            return (exercise.kind, exercise.wrt)
        case Derive() | Count():
            return (exercise.kind, exercise.derivation.wrt)
        case _:
            return (exercise.kind, id(exercise))
