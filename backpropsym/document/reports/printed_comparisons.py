"""Derivations as they are printed, read back and compared: a part of what `check` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from backpropsym.arrays import Array, Given
from backpropsym.checks.arrays.finite_differences import Position, some_entries
from backpropsym.checks.arrays.work import work
from backpropsym.checks.comparisons.expected import Expected
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.checks.comparisons.registry import Comparison, Pair
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import EntryDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.data import data
from backpropsym.errors import LimitError
from backpropsym.evaluate.printed_data import PrintedData
from backpropsym.evaluate.printed_words import DELAYED
from backpropsym.graph.graph import Graph

MOST_WORK = 3_000
"""Of networks whose sums are read back, in numbers that a forward pass takes in."""

MOST_NUMBER = 500.0
"""Of the values of nodes: not far above, exp and its products are no doubles."""

MOST_PATHS = 20
PLACES = 3
LOOSE = 1e-8
OF_ARRAYS = ("matrix", "index")
OVER_INDICES = re.compile(rf"\b(?:{'|'.join(DELAYED)})\(")
"""Words whose formulas are computed at each position of their indices."""

OF_ENTRIES = ("paths", "factored", "expanded", "backward", "forward")


def printed(subject: Subject) -> Iterator[Pair]:
    """Every form of the derivative by each leaf, as data for scripts print it, with the derivative.

    Of a large network only what computes with whole arrays is read back, for sums are read term by term.

    Raises
    ------
    LimitError : something is too long to be read back, or too large for doubles; what it is.
    """
    graph, single = subject.graph, _moderate(subject)
    small = work(graph) <= MOST_WORK
    left: list[str] = []
    for name in subject.leaves:
        if single.point.crosses(name):
            left.append(f"{name}: at a kink")
            continue
        adjoint = single.adjoint(name)
        texts = _texts(single, subject, name, left) if small else _of_whole_arrays(graph, subject.of, name)
        for place, text in texts:
            yield from _read_back(graph, single, text, place, adjoint)
    if not small:
        left.append("the sums over indices are too long to be read back, only matrix notation was")
    if left:
        raise LimitError("; ".join(left[:3]), fix="check a smaller network of the same kind")


def _moderate(subject: Subject) -> SingleObject:
    """The point of the smallest numbers: exp(900) as it is printed is no double, though the derivative is one."""

    def largest(single: SingleObject) -> float:
        return max((float(np.max(np.abs(value), initial=0.0)) for value in single.point.values.values()), default=0.0)

    finite = [single for single in subject.singles if single.point.finite]
    best = min(finite or subject.singles, key=largest)
    if not largest(best) <= MOST_NUMBER:
        fix = "check the network at random numbers, by leaving out those that are given"
        raise LimitError("doubles do not hold what is printed where numbers are so large", fix=fix)
    return best


def _texts(
    single: SingleObject, subject: Subject, name: str, left: list[str]
) -> Iterator[tuple[Position | None, dict[str, Any]]]:
    """The data of each form, and the entry that they are of, None where they are of all; what is too long is `left`."""
    graph, of = subject.graph, subject.of
    position: Position = some_entries(np.shape(single.point.values[name]), 1, subject.random)[0]
    whole = TensorDerivation(graph, of, name)
    if _is_short(whole, name, left):
        yield from ((None, tensor_data(whole, form)) for form in OF_ARRAYS)
    derivation = EntryDerivation(graph, (of, ()), (name, position))
    if _is_short(derivation, f"entries of {name}", left):
        for form in OF_ENTRIES:
            try:
                yield position, data(derivation, form)
            except LimitError:
                left.append(f"{name}: its {form} form is too long")


def _is_short(derivation: Derivation, what: str, left: list[str]) -> bool:
    """Whether a derivative has few enough paths, and some."""
    if derivation.count > MOST_PATHS:
        left.append(f"{what}: {derivation.count:,} paths")
    return 0 < derivation.count <= MOST_PATHS


def _of_whole_arrays(graph: Graph, of: str, name: str) -> Iterator[tuple[None, dict[str, Any]]]:
    """The data of matrix notation without its sums, where it computes with whole arrays alone."""
    derivation = TensorDerivation(graph, of, name)
    if not 0 < derivation.count <= MOST_PATHS:
        return
    text = tensor_data(derivation, "matrix") | {"terms": []}
    expressions = [text["expression"], *(equation["expression"] for equation in text["equations"])]
    if not text["definitions"] and not any(OVER_INDICES.search(expression or "") for expression in expressions):
        yield None, text


def _read_back(
    graph: Graph, single: SingleObject, text: Mapping[str, Any], place: Position | None, adjoint: Expected
) -> Iterator[Pair]:
    """What each statement of the data says at some entries."""
    unknown = {name for block in graph.blocks for name in block.nodes[:-1]} - set(graph.written)
    named = {name: value for name, value in single.point.values.items() if graph[name].named}
    reader = PrintedData(text, {name: value for name, value in named.items() if name not in unknown}, graph.functions)
    reader.define({name: np.shape(value) for name, value in named.items()})
    shape = np.shape(adjoint.right) if place is None else ()
    places = some_entries(shape, PLACES, np.random.default_rng(0))
    taken = [place if place is not None else each for each in places]

    def at_places(array: Given) -> Array:
        return np.array([np.asarray(array)[each] for each in taken], float)

    expected = Expected(at_places(adjoint.right), at_places(adjoint.size), lambda: at_places(adjoint.blur()), LOOSE)
    for statement, value in reader.statements(shape, places):
        yield Pair(f"d{text['of']}/d{text['wrt']} as {text['form']}, {statement}", value, expected)


PRINTED = (Comparison("printed", "every form as it is printed, read back with the shapes as written", printed),)
