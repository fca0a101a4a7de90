"""Which paths of a derivation a picture highlights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation, count_text, paths_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.derive.paths.selection import number_of, path_of, representative
from backpropsym.derive.terms import Term
from backpropsym.errors import LimitError, UnknownNameError

MAX_HIGHLIGHTED = 8
"""More paths than this cannot be told apart in one picture."""

ON_SLIDES = 4
"""The most on slides, where each path is a slide of its own and what lies on paths takes room."""

MAX_CHOSEN = 16
"""The most that a person may choose."""

PathNumbers = int | Sequence[int]
"""One number of a path or several, counted from 1 in the order of the derivation."""


class Choice(NamedTuple):
    """Which paths to highlight: those of some numbers, or of all at most so many."""

    path: PathNumbers | None = None
    most: int = MAX_HIGHLIGHTED


ALL = Choice()


@dataclass(frozen=True, slots=True)
class ChosenPath:
    """A path to highlight: its number in the derivation, its term, and the term's value where numbers are given."""

    number: int
    term: Term
    value: float | None = None


@dataclass(frozen=True, slots=True)
class ChosenPaths:
    """The paths to highlight, and a note on those that are left out."""

    shown: tuple[ChosenPath, ...] = ()
    note: str = ""


def chosen_paths(derivation: Derivation, choice: Choice = ALL, values: Values | None = None) -> ChosenPaths:
    """The paths to highlight, each with its number in the order of the derivation.

    Parameters
    ----------
    choice : which; of more than its `most` the strongest at `values`, or without numbers the shortest and others that
        together take many links.
    values : numbers for inputs, targets and parameters, completed by the network's own.

    Raises
    ------
    UnknownNameError : there is no path of such a number.
    LimitError : more than 16 are chosen.
    ValuesError : numbers are missing.
    """
    count, (path, most) = derivation.count, choice
    if path is not None:
        return _chosen(derivation, (path,) if isinstance(path, int) else path, values)
    if count == 0:
        return ChosenPaths(
            (), f"{derivation.of} does not depend on {derivation.wrt}: d{derivation.of}/d{derivation.wrt} = 0"
        )
    if count > most and values is not None:
        strongest = derivation.numeric(values, top=most)
        found = (ChosenPath(number_of(derivation.space, each.term.path), each.term, each.value) for each in strongest)
        return ChosenPaths(tuple(found), f"the {most} strongest of {paths_text(count)}")
    numbers = representative(derivation.space, most)
    note = ""
    if count > most:
        first = numbers == list(range(1, most + 1))
        note = f"the first {most} of {paths_text(count)}"
        note = note if first else f"{most} of {paths_text(count)}, the shortest among them"
    return ChosenPaths(_numbered(derivation, numbers, values), note)


def _chosen(derivation: Derivation, path: Sequence[int], values: Values | None) -> ChosenPaths:
    numbers, count = list(dict.fromkeys(path)), derivation.count
    for number in numbers:
        if not 1 <= number <= count:
            fix = f"choose a number from 1 to {count_text(count)}" if count else "choose another parameter"
            name = f"d{derivation.of}/d{derivation.wrt}"
            raise UnknownNameError(f"{name} has {paths_text(count)}; there is no path {number:,}", fix=fix)
    if len(numbers) > MAX_CHOSEN:
        raise LimitError(
            f"{len(numbers):,} paths are chosen, and a picture shows at most {MAX_CHOSEN}",
            fix="choose fewer, or draw several pictures",
        )
    note = ""
    if count > len(numbers) == 1:
        note = f"path {numbers[0]:,} of {count_text(count)}"
    elif count > len(numbers):
        note = f"{len(numbers)} of {paths_text(count)}"
    return ChosenPaths(_numbered(derivation, numbers, values), note)


def _numbered(derivation: Derivation, numbers: Sequence[int], values: Values | None) -> tuple[ChosenPath, ...]:
    paths: list[Path] = [path_of(derivation.space, number) for number in numbers]
    if values is None:
        return tuple(ChosenPath(number, derivation.term(path)) for number, path in zip(numbers, paths, strict=True))
    found = zip(numbers, derivation.terms_in_numbers(paths, values), strict=True)
    return tuple(ChosenPath(number, each.term, each.value) for number, each in found)
