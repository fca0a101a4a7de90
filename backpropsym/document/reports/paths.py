"""Paths as data: how many, which, how strong, and how many of them carry nothing."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from backpropsym.arrays import Values
from backpropsym.derive.analyses.kinks import Kink, kink_of
from backpropsym.derive.derivation import MAX_TERMS, Derivation, count_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.derive.terms import NumericTerm
from backpropsym.document.derivation.data import finite
from backpropsym.document.formulas import Joined, Line, Node, Prose, Quotient, Route, Share, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.kinks import MARK, kink_data, kink_prose
from backpropsym.errors import counted

Order = Literal["share", "length"]


@dataclass(frozen=True)
class PathsView:
    """Which paths are listed, and how.

    Attributes
    ----------
    values : numbers for inputs, targets and parameters, completed by the network's own; None lists no numbers,
        unless paths are chosen by share.
    top : how many paths are chosen, strongest or shortest first; None lists them in the order written.
    by : what they are chosen by.
    limit : the most paths that are listed without `top`; None lists all of what is not too long to be written out.
    """

    values: Values | None = None
    top: int | None = None
    by: Order = "share"
    limit: int | None = None


def path_data(derivation: Derivation, view: PathsView, listed: bool = True) -> dict[str, object]:
    """The paths of `derivation` as plain data.

    Returns
    -------
    Keys `of`, `wrt`, `count`; with numbers `value` and `dead`, how many paths have a local derivative of zero; and
    where paths are `listed`, `paths`: the names from `wrt` to `of` as `path`, the number of links as `length`, and
    with numbers `value` and `share`, and at a kink whether it rests on a `convention`. There `kink` has the slopes of
    the whole to the `left` and to the `right`, the `value` by the conventions, and whether it is `neither`.

    Raises
    ------
    ValuesError : numbers are asked for and some are missing.
    """
    view = _layers(derivation, view)
    found: dict[str, object] = {"of": derivation.of, "wrt": derivation.wrt, "count": derivation.count}
    if _with_numbers(view) and not derivation.between_arrays:
        found["value"] = finite(float(derivation.evaluate(**dict(view.values or {}))))
        found["dead"] = _dead(derivation, view)
    kink = _kink(derivation, view)
    if kink is not None:
        found["kink"] = kink_data(kink)
    if listed:
        found["paths"] = [_entry(path, number, kink) for path, number in _chosen(derivation, view, MAX_TERMS)]
    return found


def paths_page(derivation: Derivation, view: PathsView, listed: bool = True) -> Page:
    """The same as a page, each path in its colour."""

    def table() -> tuple[Table]:
        return (_table(derivation, _layers(derivation, view), listed),)

    graph = derivation.graph
    return Page(Notation.of(graph), table, lambda: path_data(derivation, view, listed), graph.title)


def _table(derivation: Derivation, view: PathsView, listed: bool) -> Table:
    count, kink = derivation.count, _kink(derivation, view)
    chosen = _chosen(derivation, view, MAX_TERMS) if listed else ()
    rows = tuple((str(at), *_row(path, number, kink)) for at, (path, number) in enumerate(chosen, 1))
    ends = ("from ", Node(derivation.wrt), " to ", Node(derivation.of))
    title: Line = (f"{count_text(count)} path{'' if count == 1 else 's'} ", *ends)
    if _with_numbers(view) and count and not derivation.between_arrays:
        total = Value(float(derivation.evaluate(**dict(view.values or {}))))
        named = Joined((Quotient(derivation.of, derivation.wrt), total))
        title += ("; ", named, f"; {count_text(_dead(derivation, view))} dead")
    notes: list[Prose] = []
    if listed and count > len(rows):
        notes.append(f"and {count_text(count - len(rows))} more")
    if kink is not None:
        notes.append(kink_prose(kink))
    right = frozenset({0, *range(2, len(rows[0]) if rows else 0)})
    return Table(title, (), rows, right, tuple(notes), colours=tuple(range(1, len(rows) + 1)))


def _kink(derivation: Derivation, view: PathsView) -> Kink | None:
    """The kink at the numbers of the view, if there are any."""
    return kink_of(derivation, view.values) if _with_numbers(view) and not derivation.between_arrays else None


def exact_count(count: int) -> str:
    """All digits of a count, or about how many where Python writes no more."""
    longest = sys.get_int_max_str_digits()
    return str(count) if not longest or count.bit_length() < 3.3 * longest else count_text(count)


def _layers(derivation: Derivation, view: PathsView) -> PathsView:
    """The view of layer paths, each of which stands for many paths of neurons and has no one number."""
    if not derivation.between_arrays:
        return view
    return replace(view, values=None, by="length")


def _with_numbers(view: PathsView) -> bool:
    return view.values is not None or (view.top is not None and view.by == "share")


def _chosen(derivation: Derivation, view: PathsView, default: int) -> Iterator[tuple[Path, NumericTerm | None]]:
    """The paths to list, each with its numbers where there are any."""
    if not derivation.between_arrays and (numbers := _numbered(derivation, view, default)) is not None:
        yield from ((each.term.path, each) for each in numbers)
        return
    # Halving at each link makes the strongest paths the shortest ones.
    paths = iter(derivation.space) if view.top is None else derivation.space.strongest(lambda link: 0.5)
    yield from ((path, None) for path in itertools.islice(paths, view.top or view.limit or default))


def _numbered(derivation: Derivation, view: PathsView, default: int) -> Iterator[NumericTerm] | None:
    """The terms to list with their numbers; None where paths are listed without."""
    if view.top is not None and view.by == "share":
        return derivation.numeric(view.values, top=view.top) if derivation.count else iter(())
    if view.values is not None and view.top is None:
        numbers = derivation.numeric(view.values) if derivation.count else iter(())
        return itertools.islice(numbers, view.limit or default)
    return None


def _dead(derivation: Derivation, view: PathsView) -> int:
    numbers = {link: float(np.mean(number)) for link, number in derivation.numbers(view.values).items()}
    return derivation.count - derivation.space.alive(lambda link: numbers[link] != 0.0)


def _entry(path: Path, each: NumericTerm | None, kink: Kink | None) -> dict[str, object]:
    entry: dict[str, object] = {"path": list(path), "length": len(path) - 1}
    if each is not None:
        entry |= {"value": finite(each.value), "share": finite(each.share)}
    return entry | ({"convention": kink.marks(path, each.numbers)} if each and kink else {})


def _row(path: Path, each: NumericTerm | None, kink: Kink | None) -> tuple[Prose, ...]:
    row = (Route(path), counted(len(path) - 1, "link"))
    if each is None:
        return row
    mark = (MARK if kink.marks(path, each.numbers) else "",) if kink else ()
    return (*row, Value(each.value), Share(each.share), *mark)
