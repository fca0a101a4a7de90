"""Which paths of a derivation a picture highlights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from backpropsym.derive.derivation import Derivation, Term, count_text, paths_text
from backpropsym.errors import LimitError, UnknownNameError

MAX_TRAILS = 8
"""More paths than this cannot be told apart in one picture."""

MAX_PATH_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class Highlight:
    """A path to highlight: its number in the picture, its term, and the term's value where numbers are given."""

    number: int
    term: Term
    value: float | None = None


def highlights(
    derivation: Derivation, path: int | None = None, values: Mapping[str, Any] | None = None
) -> tuple[tuple[Highlight, ...], str]:
    """The paths to highlight, and a note on those that are left out.

    Parameters
    ----------
    path : number of the only one, counted from 1 in the order of the derivation; without it all of them, or the
        eight strongest at `values`, or the first eight.
    values : numbers for inputs, targets and parameters, completed by the network's own.

    Raises
    ------
    UnknownNameError : there is no path of that number.
    LimitError : its number is above 100,000.
    ValuesError : numbers are missing.
    """
    count, name = derivation.count, f"d{derivation.of}/d{derivation.wrt}"
    if path is not None:
        return (_single(derivation, path, values),), f"path {path:,} of {count_text(count)}" if count > 1 else ""
    if count == 0:
        return (), f"{derivation.of} does not depend on {derivation.wrt}: {name} = 0"
    note = f"of {paths_text(count)}" if count > MAX_TRAILS else ""
    if values is None:
        found = tuple(Highlight(i, term) for i, term in enumerate(islice(derivation.terms, MAX_TRAILS), 1))
        return found, note and f"the first {MAX_TRAILS} {note}"
    strongest = derivation.numeric(values, top=MAX_TRAILS if count > MAX_TRAILS else None)
    return tuple(Highlight(i, each.term, each.value) for i, each in enumerate(strongest, 1)), (
        note and f"the {MAX_TRAILS} strongest {note}"
    )


def _single(derivation: Derivation, path: int, values: Mapping[str, Any] | None) -> Highlight:
    count = derivation.count
    if not 1 <= path <= count:
        fix = f"choose a number from 1 to {count_text(count)}" if count else "choose another parameter"
        raise UnknownNameError(
            f"d{derivation.of}/d{derivation.wrt} has {paths_text(count)}; there is no path {path:,}", fix=fix
        )
    if path > MAX_PATH_NUMBER:
        raise LimitError(
            f"path {path:,} is too far down the list to be reached one by one",
            fix=f"choose a number up to {MAX_PATH_NUMBER:,}, or list the strongest: backpropsym paths ... --top 10",
        )
    if values is None:
        return Highlight(path, next(islice(derivation.terms, path - 1, None)))
    each = next(islice(derivation.numeric(values), path - 1, None))
    return Highlight(path, each.term, each.value)
