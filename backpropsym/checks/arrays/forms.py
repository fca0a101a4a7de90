"""The forms of each derivation of arrays against the reverse sweep: index notation, matrix notation, path sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from backpropsym.checks.arrays.finite_differences import Position, some_entries
from backpropsym.checks.arrays.index_evaluation import IndexNumbers
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.arrays.unrolled import Unrolled
from backpropsym.checks.comparisons.objects import SingleObject
from backpropsym.checks.edges import ratio
from backpropsym.checks.judgement import TOLERANCE
from backpropsym.checks.measurements import FormsFound
from backpropsym.checks.report import Fault
from backpropsym.checks.time_budget import OUT_OF_TIME, Budget, OutOfTimeError
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.derive.forms.callable_text import callable_products
from backpropsym.derive.forms.registry import FORMS, Form, of_arrays
from backpropsym.derive.forms.sympy_words import plain
from backpropsym.errors import LimitError, PrintedError
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.formula.text import to_text
from backpropsym.graph.graph import Graph
from backpropsym.graph.unroll import entry_name

ENTRIES = 8
PATH_ENTRIES = 2
MAX_LAYER_PATHS = 200
BLUR = 1e5
MANY = 64.0
"""Times the roundings of derivatives that are spelled with values."""


def _take(found: FormsFound, form: str, name: str, point: ArrayPoint, position: Position, value: float) -> bool:
    """Take in one entry of a form; whether it agrees.

    Derivatives are printed with values, as 1 - z**2, which loses digits where z is near 1: by as much as they move
    when every value is off by a few roundings, a form may be off.
    """
    right, size = float(point.adjoints[name][position]), float(point.magnitudes[name][position])
    if ratio(value, right, size) <= BLUR:
        return True
    blur = SingleObject(point, np.random.default_rng(0)).adjoint(name).blur()
    if abs(value - right) <= MANY * float(blur[position]):
        return True
    place = f"form {form} of d{point.graph.objective}/d{entry_name(name, position)}"
    found.faults.setdefault(name, []).append(Fault(place, f"{value:.12g}", right))
    return False


def compare_forms(
    graph: Graph,
    names: Sequence[str],
    points: Sequence[ArrayPoint],
    unrolled: Unrolled | None,
    random: np.random.Generator,
    budget: Budget,
) -> FormsFound:
    """Every form of each derivative at some entries, at points where no kink lies on its paths.

    Agreement is to 1e5 roundings of the sum of absolute path products: forms compute what they need in other ways,
    and links have been compared to fewer roundings before.
    """
    found = FormsFound()
    _matrix(graph, names, points, found)
    for done, name in enumerate(names):
        budget.show("forms", done + 1, len(names))
        if budget.spent:
            found.leave(OUT_OF_TIME)
            break
        free = [point for point in points if _comparable(point, name)]
        if not free:
            continue
        found.agree.setdefault(name, [])
        some = {id(point): some_entries(np.shape(point.values[name]), ENTRIES, random) for point in free}
        _index(graph, name, free, some, found, budget)
        if unrolled is not None:
            _paths(unrolled, name, free, found, random)
    _others(graph, names, points, found)
    return found


def _comparable(point: ArrayPoint, name: str) -> bool:
    """Whether forms must agree there: the derivative is a number, and no kink lies on its paths."""
    return bool(np.isfinite(point.adjoints[name]).all()) and not point.crosses(name)


def _index(
    graph: Graph,
    name: str,
    points: Sequence[ArrayPoint],
    some: Mapping[int, list[Position]],
    found: FormsFound,
    budget: Budget,
) -> None:
    """The form that names entries by indices, evaluated at some entries."""
    derivation = TensorDerivation(graph, graph.objective, name)
    if derivation.count > MAX_LAYER_PATHS:
        found.leave(f"index form of {name}: {derivation.count:,} layer paths")
        return
    agrees = True
    for point in points:
        numbers = IndexNumbers(point.values, graph.functions, budget)
        positions = some[id(point)]
        grid = dict(zip(derivation.indices, np.array(positions, int).reshape(len(positions), -1).T, strict=True))
        try:
            values = np.broadcast_to(numbers.at(derivation.path_sum(), grid), len(positions))
        except LimitError:
            found.leave(f"index form of {name}: its sums are too long")
            return
        except OutOfTimeError:
            found.leave(f"index form of {name}: {OUT_OF_TIME}")
            return
        agrees &= _agree("index", name, point, positions, values, found)
    found.agree[name] += ["index"] if agrees else []


def _agree(
    form: str, name: str, point: ArrayPoint, positions: Sequence[Position], values: Iterable[float], found: FormsFound
) -> bool:
    fine = True
    for position, value in zip(positions, values, strict=True):
        fine &= _take(found, form, name, point, position, float(value))
    return fine


def _paths(
    unrolled: Unrolled, name: str, points: Sequence[ArrayPoint], found: FormsFound, random: np.random.Generator
) -> None:
    """The explicit path sum of single entries and the forms that come from it, in the unrolled network."""
    agreed: set[str] | None = None
    for position in some_entries(np.shape(points[0].values[name]), PATH_ENTRIES, random):
        derived = np.array([point.adjoints[name][position] for point in points])
        size = np.array([point.magnitudes[name][position] for point in points])
        verdict = unrolled.forms(entry_name(name, position), points, derived, size, TOLERANCE)
        if verdict is None:
            found.leave(f"path sums of some entries of {name}: they are long")
            continue
        agreed = set(verdict.agree) if agreed is None else agreed & set(verdict.agree)
        for form, (value, reference) in verdict.differ.items():
            place = f"form {form} of d{points[0].graph.objective}/d{entry_name(name, position)}"
            found.faults.setdefault(name, []).append(Fault(place, f"{value:.12g}", reference))
    found.agree[name] += [form for form in ("paths", "factored", "expanded", "forward") if form in (agreed or ())]


_OWN_WAYS = ("paths", "index", "matrix", "backward", "numeric")
"""The forms that are compared above, or that are numbers of these."""


def _others(graph: Graph, names: Sequence[str], points: Sequence[ArrayPoint], found: FormsFound) -> None:
    """Every other registered form as data print it."""
    for form in (FORMS[name] for name in of_arrays() if name not in _OWN_WAYS):
        for name in (name for name in names if name in found.agree):
            derivation = TensorDerivation(graph, graph.objective, name)
            agrees = all(_printed(form, derivation, point, found) for point in points if _comparable(point, name))
            found.agree[name] += [form.name] if agrees else []


def _printed(form: Form, derivation: TensorDerivation, point: ArrayPoint, found: FormsFound) -> bool:
    """One form at one point."""
    name, text = derivation.wrt, derivation.expression(form.name)
    right = np.asarray(point.adjoints[name])
    printed = PrintedFormulas(point.values, derivation.graph.functions)
    try:
        value = (
            printed.entries(text, derivation.indices, right.shape) if form.entries else printed.array(text, right.shape)
        )
    except PrintedError as error:
        fault = Fault(f"form {form.name}: {error.problems[0].message}", "a shape", float("nan"))
        found.faults.setdefault(name, []).append(fault)
        return False
    return _agree(form.name, name, point, list(np.ndindex(*right.shape)), np.ravel(value), found)


def _matrix(graph: Graph, names: Sequence[str], points: Sequence[ArrayPoint], found: FormsFound) -> None:
    """The adjoint programme in matrix notation as data prints it, whole arrays at once, no shape mended."""
    programme = matrix_programme(graph, graph.objective, tuple(names))
    texts = [(each, to_text(callable_products(plain(graph.functions.written(each.right))))) for each in programme]
    agrees = dict.fromkeys(names, True)
    for point in points:
        printed = PrintedFormulas(point.values, graph.functions)
        for equation, text in texts:
            right = np.asarray(point.adjoints[equation.node])
            try:
                value = printed.array(text, right.shape)
            except PrintedError as error:
                wrong = error.problems[0].message
                found.faults.setdefault(equation.node, []).append(
                    Fault(f"form matrix: {wrong}", "a shape", float("nan"))
                )
                agrees[equation.node] = False
                break
            printed.values[equation.symbol] = value
            if equation.node not in agrees or not _comparable(point, equation.node):
                continue
            off = np.asarray(ratio(value, right, point.magnitudes[equation.node]))
            far = [tuple(place) for place in np.argwhere(off > BLUR)[:ENTRIES].tolist()]
            numbers = [float(np.asarray(value)[place]) for place in far]
            agrees[equation.node] &= _agree("matrix", equation.node, point, far, numbers, found)
    for name in names:
        if agrees[name] and any(each.node == name for each in programme):
            found.agree[name] = ["matrix"]
