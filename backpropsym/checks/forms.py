"""The forms of each derivation, evaluated from their own trees and programmes, against the accumulated adjoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from backpropsym.arrays import Array, Numeric
from backpropsym.checks.edges import ratio
from backpropsym.checks.exact import AGREE, ExactPoint
from backpropsym.derive.derivation import MAX_TERMS, Derivation
from backpropsym.derive.forms.programme import Programme
from backpropsym.derive.forms.registry import of_numbers
from backpropsym.errors import LimitError
from backpropsym.evaluate.scalar_evaluation import Evaluate, in_range
from backpropsym.formula.tree import Expr
from backpropsym.formula.tree import size as parts_of

PROGRAMMES = ("backward", "forward")
PARTS = 200_000
"""As many parts of formulas are compared in one network."""


@dataclass(frozen=True)
class FormsVerdict:
    """How the forms of one derivation compare.

    Attributes
    ----------
    agree : the forms that agree with the accumulated adjoint.
    differ : the forms that do not, with the two numbers.
    parts : how many parts of formulas it took.
    """

    agree: tuple[str, ...]
    differ: Mapping[str, tuple[float, float]]
    parts: int


def compare_forms(
    derivation: Derivation,
    derived: Array,
    size: Array,
    tolerance: float,
    values: Mapping[str, Array],
    exact: Callable[[int], ExactPoint],
) -> FormsVerdict:
    """All forms of `derivation` that can be written, at the points of `values`.

    Parameters
    ----------
    derived : the derivative by the shared backward programme, shape (points,).
    size : the sum of the absolute values of its path products, shape (points,).
    tolerance : the most that is accepted, in eps * size.
    exact : the network in fifty digits at a point; it decides where rounding may be the reason.
    """
    agree: list[str] = []
    differ: dict[str, tuple[float, float]] = {}
    table, parts = derivation.graph.functions, 0
    for form, count, compute in _forms(derivation):
        parts += count
        found = np.broadcast_to(in_range(compute, values, table), derived.shape)
        off = ratio(found, derived, size)
        worst = int(np.argmax(off)) if len(off) else 0
        if not len(off) or off[worst] <= tolerance or _same_exactly(derivation, compute, exact(worst), size[worst]):
            agree.append(form)
        else:
            differ[form] = (float(found[worst]), float(derived[worst]))
    return FormsVerdict(tuple(agree), differ, parts)


def _same_exactly(
    derivation: Derivation, compute: Callable[[Evaluate], Numeric], point: ExactPoint, size: float
) -> bool:
    return point.gap(lambda: (compute(point.number), point.derived[derivation.wrt]), size) <= AGREE


def _forms(derivation: Derivation) -> Iterator[tuple[str, int, Callable[[Evaluate], Numeric]]]:
    """The forms, each with its number of parts and as a function of how a formula is evaluated."""
    for form in of_numbers():
        if form == "numeric":
            continue  # the numbers of the paths form
        if form in PROGRAMMES and derivation.count > MAX_TERMS:
            programme = derivation.programme(form)
            yield form, sum(len(equation.parts) for equation in programme.equations), _programme(programme)
            continue
        try:
            tree = derivation.tree(form)
        except LimitError:
            continue
        yield form, parts_of(tree), _tree(tree)


def _tree(tree: Expr) -> Callable[[Evaluate], Numeric]:
    return lambda number: number(tree)


def _programme(programme: Programme) -> Callable[[Evaluate], Numeric]:
    """The last equation of a programme, all equations computed in their order."""

    def compute(number: Evaluate) -> Numeric:
        known: dict[str, Numeric] = {}
        for equation in programme.equations:
            parts = [known[name] * number(programme.local[link]) for name, link in equation.parts]
            known[programme.varying(equation)] = sum(parts[1:], parts[0]) if parts else 1.0
        return known[programme.varying(programme.equations[-1])]

    return compute
