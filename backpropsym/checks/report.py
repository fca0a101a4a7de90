"""What a check found: one row a derivative, and every fault by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from textwrap import wrap

from backpropsym.checks.comparison_result import Compared, Outcome, unreached
from backpropsym.derive.local.links import Edge
from backpropsym.errors import GradientMismatchError, Problem
from backpropsym.graph.graph import Graph

HEADER = ("derivative by", "value", "complex step", "differences", "50 digits", "forms", "verdict")
MAX_LISTED = 20
WIDTH = 110
MAX_ROWS = 100
KERNEL = "kernel "
"""How the names of comparisons of compiled kernels begin."""

UNCHECKED = "no point was found at which all values and derivatives are finite"


class Verdict(StrEnum):
    """What the points say of a derivative, the gravest first."""

    MISMATCH = "MISMATCH"
    UNDEFINED = "UNDEFINED"
    KINK = "KINK"
    NEAR = "NEAR"
    UNREACHED = "UNREACHED"
    OK = "OK"


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, by the place where it is wrong.

    Attributes
    ----------
    place : the edge "s1 -> z1", the node, or the form.
    derived : what the derivation says, as text.
    numeric : what independent numerics say; nan where it is no number that is wrong.
    edge : the edge whose local derivative is wrong, where it is one.
    """

    place: str
    derived: str
    numeric: float
    edge: Edge | None = None

    def __str__(self) -> str:
        if math.isnan(self.numeric):
            return f"{self.place}: {self.derived}"
        return f"{self.place}: derived {self.derived}, numerics say {self.numeric:.12g}"


@dataclass(frozen=True)
class Kink:
    """A point at which the objective has no derivative along a leaf.

    Attributes
    ----------
    derived : the derivative by the declared convention.
    left, right : the one-sided slopes.
    conventions : the conventions of the functions that are at their kinks there.
    where : of a leaf with axes, the entry such as [0,1], or "along a direction".
    """

    point: int
    derived: float
    left: float
    right: float
    conventions: tuple[str, ...] = ()
    where: str = ""

    @property
    def place(self) -> str:
        """What stands behind the leaf's name: an entry, or along a direction."""
        return self.where if self.where.startswith("[") or not self.where else f" {self.where}"

    def __str__(self) -> str:
        told = f"; convention: {', '.join(self.conventions)}" if self.conventions else ""
        return f"slope {self.left:.6g} on the left, {self.right:.6g} on the right, derived {self.derived:.6g}{told}"


@dataclass(frozen=True)
class Row:
    """One derivative of the objective.

    Attributes
    ----------
    name : the parameter, or the input where there are no parameters.
    values : the derived derivative at the points at which it was compared; the network's own point first.
    ratio : the worst |derived - complex step| in units of eps * (sum of absolute path products); 32 is accepted.
    differences : the worst |derived - extrapolated differences| relative to that sum; nan where none was taken.
    exact : the disagreement at 50 digits relative to that sum; nan where it was not computed.
    forms : the forms that agree with the derivative; None where they were not compared.
    kinks : the points on kinks.
    near : the number of points too close to a kink for differences.
    passed : the number of points at which all numerics agree.
    """

    name: str
    verdict: Verdict
    values: tuple[float, ...]
    ratio: float = math.nan
    differences: float = math.nan
    exact: float = math.nan
    forms: tuple[str, ...] | None = None
    faults: tuple[Fault, ...] = ()
    kinks: tuple[Kink, ...] = ()
    near: int = 0
    passed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table, under `HEADER`."""
        forms = "" if self.forms is None else f"{len(self.forms)} agree"
        measures = [f"{self.ratio:.2g} eps"] + [f"{each:.0e}" for each in (self.differences, self.exact)]
        shown = ["" if text.startswith("nan") else text for text in measures]
        value = f"{self.values[0]:.9g}" if self.values else ""
        return (self.name, value, *shown, forms, str(self.verdict))

    @property
    def failed(self) -> bool:
        """Whether something disagrees, or no point was found at which the derivative is defined."""
        return self.verdict is Verdict.MISMATCH or (self.verdict is Verdict.UNDEFINED and not self.passed)

    def json(self) -> dict[str, object]:
        """The row as plain data."""
        return {
            "wrt": self.name,
            "verdict": str(self.verdict),
            "values": [_finite(value) for value in self.values],
            "complex_step": _finite(self.ratio),
            "differences": _finite(self.differences),
            "exact": _finite(self.exact),
            "forms": None if self.forms is None else list(self.forms),
            "points_passed": self.passed,
            "points_near_a_kink": self.near,
            "kinks": [
                {
                    "point": kink.point,
                    "where": kink.where,
                    "derived": _finite(kink.derived),
                    "left": _finite(kink.left),
                    "right": _finite(kink.right),
                    "conventions": list(kink.conventions),
                }
                for kink in self.kinks
            ],
            "faults": [_fault_data(fault) for fault in self.faults],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Report:
    """What a check of one network found.

    Attributes
    ----------
    of : the objective, the loss or else the output.
    points : the number of points, at each of which edges and forms are compared.
    stepped : how many of them whole derivatives are compared at, by complex steps and differences.
    seed : of the random points; the same seed gives the same report.
    faults : all faults, also those that touch no row.
    notes : how it was checked; what stood in for abstract functions.
    comparisons : what was compared with what, and what each comparison came to.
    seconds : how long it took.
    limit : how long it was allowed to take; None for no limit.
    """

    of: str
    rows: tuple[Row, ...]
    points: int
    stepped: int
    seed: int
    title: str = ""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    comparisons: tuple[Compared, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    limit: float | None = None

    @property
    def kernels(self) -> tuple[str, ...]:
        """The compiled kernels that give the same value and gradients."""
        agree = (each.name for each in self.comparisons if each.outcome is Outcome.AGREES)
        return tuple(name.removeprefix(KERNEL) for name in agree if name.startswith(KERNEL))

    @property
    def complete(self) -> bool:
        """Whether every comparison reached all that it compares."""
        return bool(self.comparisons) and all(each.complete for each in self.comparisons)

    @property
    def passed(self) -> bool:
        """Whether nothing disagrees, and no derivative was left without a point at which it is defined.

        Kinks and points near them are neither a pass nor a failure; what was not reached is told by `complete`.
        """
        return not self.faults and not any(row.failed for row in self.rows)

    def raise_for_failure(self) -> None:
        """Return when the check passed, else raise.

        Raises
        ------
        GradientMismatchError : a derivative disagrees with numerics, or could not be checked at all; the message
            names the parameters and the edges.
        """
        if self.passed:
            return
        problems = [_problem(self.of, row) for row in self.rows if row.failed]
        in_rows = {fault for row in self.rows for fault in row.faults}
        problems += [Problem(f"a derivative is wrong: {fault}") for fault in self.faults if fault not in in_rows]
        raise GradientMismatchError(problems)

    def json(self) -> dict[str, object]:
        """The report as plain data; what is not finite is None."""
        return {
            "of": self.of,
            "title": self.title,
            "passed": self.passed,
            "complete": self.complete,
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "points": self.points,
            "stepped": self.stepped,
            "rows": [row.json() for row in self.rows],
            "faults": [_fault_data(fault) for fault in self.faults],
            "notes": list(self.notes),
            "kernels": list(self.kernels),
            "comparisons": [each.json() for each in self.comparisons],
        }

    @property
    def summary(self) -> str:
        """One line: how many derivatives got which verdict."""
        counts = {verdict: sum(row.verdict is verdict for row in self.rows) for verdict in Verdict}
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing to derive by"
        points = f"{self.points} points"
        if self.stepped < self.points:
            points = f"{self.stepped} points, their edges and forms at {self.points}"
        return f"{'passed' if self.passed else 'FAILED'}: {told} at {points} (seed {self.seed}){self._completeness}"

    @property
    def _completeness(self) -> str:
        if self.complete:
            return ", complete"
        left = sum(not each.complete for each in self.comparisons)
        within = "" if self.limit is None else f" in {self.limit:g} s"
        return f", NOT COMPLETE: {left} of {len(self.comparisons)} comparisons have not reached all{within}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What stands below the table: faults, kinks and notes."""
        lines = [f"wrong: {fault}" for fault in self.faults]
        lines += [f"kink: d{self.of}/d{row.name}{kink.place} has {kink}" for row in self.rows for kink in row.kinks]
        lines += [f"note: {row.name}: {note}" for row in self.rows for note in row.notes]
        lines += [f"note: {note}" for note in self.notes]
        hidden = len(lines) - MAX_LISTED
        return (*lines[:MAX_LISTED], f"and {hidden} more remarks") if hidden > 0 else tuple(lines)

    @property
    def agreements(self) -> tuple[str, ...]:
        """What agrees and what was not reached, in few lines, which may be long."""
        lines = [f"kernels agree: {', '.join(self.kernels)}"] if self.kernels else []
        agree = [each for each in self.comparisons if each.outcome is Outcome.AGREES]
        others = [f"{each.name} ({each.numbers:,})" for each in agree if not each.name.startswith(KERNEL)]
        lines += [f"numbers agree: {', '.join(others)}"] if others else []
        reasons: dict[str, list[str]] = {}
        for each in self.comparisons:
            if each.left:
                reasons.setdefault(each.left, []).append(each.name)
        return (*lines, *(f"not reached: {', '.join(names)}: {why}" for why, names in reasons.items()))

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows of the printed table: all, or where there are very many, what is not OK and the first others."""
        if len(self.rows) <= MAX_ROWS:
            return self.rows
        notable = [row for row in self.rows if row.verdict is not Verdict.OK][:MAX_ROWS]
        return tuple(notable + [row for row in self.rows if row.verdict is Verdict.OK][: MAX_ROWS - len(notable)])

    def __str__(self) -> str:
        table = _aligned([HEADER, *(row.cells for row in self.shown)])
        hidden = len(self.rows) - len(self.shown)
        more = [f"and {hidden} more rows"] if hidden else []
        agreements = (wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False) for line in self.agreements)
        below = [*more, *self.remarks, *chain.from_iterable(agreements), self.summary]
        return "\n".join([f"derivatives of {self.of}", *table, *below])


def undefined_report(
    graph: Graph,
    names: Sequence[str],
    seed: int,
    notes: Sequence[str],
    compared: Sequence[Compared] = (),
    faults: Sequence[Fault] = (),
) -> Report:
    """The report of a network for which no point was found."""
    advice = f"{UNCHECKED}; give numbers inside the domains of its functions in [values]"
    rows = tuple(Row(name, Verdict.UNDEFINED, (), notes=(advice,)) for name in names)
    return Report(
        graph.objective,
        rows,
        0,
        0,
        seed,
        graph.title,
        tuple(faults),
        (*notes, UNCHECKED),
        (*compared, unreached("complex steps", "derivatives, with numerics", UNCHECKED)),
    )


def _problem(of: str, row: Row) -> Problem:
    if row.verdict is Verdict.UNDEFINED:
        fix = "give numbers inside the domains of its functions: a section [values] in the network file"
        return Problem(f"d{of}/d{row.name} could not be checked at any point", details=row.notes, fix=fix)
    places = ", ".join(dict.fromkeys(fault.place for fault in row.faults))
    correct = f"correct the derivative at {places}" if places else None
    details = tuple(map(str, row.faults)) + row.notes
    return Problem(f"d{of}/d{row.name} disagrees with independent numerics", details=details, fix=correct)


def _fault_data(fault: Fault) -> dict[str, object]:
    edge = None if fault.edge is None else list(fault.edge)
    return {"place": fault.place, "derived": fault.derived, "numeric": _finite(fault.numeric), "edge": edge}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows of text with columns of equal width, the first and the last aligned left."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    lines = []
    for row in listed:
        cells = [
            cell.ljust(width) if index in (0, len(row) - 1) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
