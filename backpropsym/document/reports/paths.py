"""Paths as data: how many, which, how strong, and how many of them carry nothing."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.analyses.kinks import Kink, kink_of
from backpropsym.derive.derivation import MAX_TERMS, Derivation, count_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.derive.terms import NumericTerm
from backpropsym.document.derivation.data import finite
from backpropsym.document.formats.text import LIMIT, elided, style
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.kinks import MARK, kink_data, kink_text
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter

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
    limit : the most paths that are listed without `top`.
    ascii : whether only ASCII is used.
    """

    values: Values | None = None
    top: int | None = None
    by: Order = "share"
    limit: int | None = None
    ascii: bool = False


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


def path_text(derivation: Derivation, view: PathsView) -> Text:
    """The same as a table."""
    view = _layers(derivation, view)
    writer: TextWriter = (AsciiWriter if view.ascii else UnicodeWriter)(Notation.of(derivation.graph))
    kink = _kink(derivation, view)
    rows = [_row(path, number, writer, kink) for path, number in _chosen(derivation, view, LIMIT)]
    count = derivation.count
    head = f"{count_text(count)} path{'' if count == 1 else 's'} from {writer.name(derivation.wrt)} to "
    result = Text(head + writer.name(derivation.of), style="bold")
    if _with_numbers(view) and count and not derivation.between_arrays:
        total = float(derivation.evaluate(**dict(view.values or {})))
        name = writer.derivative(derivation.of, derivation.wrt)
        result.append(f"; {name} = {writer.measured(total)}; {count_text(_dead(derivation, view))} dead")
    result.append("\n\n" if rows else "\n")
    for number, row in enumerate(_aligned(rows), 1):
        result.append(f"  {number:>{len(str(len(rows)))}}   {row}\n", style=style(number))
    if count > len(rows):
        result.append(f"  {writer.dots} {count_text(count - len(rows))} more\n", style="not bold dim")
    if kink is not None:
        result.append(f"\n  {kink_text(kink, writer)}\n", style="not bold")
    return result


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


def _row(path: Path, each: NumericTerm | None, writer: TextWriter, kink: Kink | None) -> tuple[str, ...]:
    links = len(path) - 1
    row = (elided(path, writer), f"{links} link{'' if links == 1 else 's'}")
    if each is None:
        return row
    share = "" if each.share != each.share else f"{100 * each.share:.1f} %"
    mark = (MARK if kink.marks(path, each.numbers) else "",) if kink else ()
    return (*row, writer.measured(each.value), share, *mark)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows with their cells under one another, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (
            row[0].ljust(widths[0]) + "".join(f"   {cell:>{n}}" for cell, n in zip(row[1:], widths[1:], strict=True))
        ).rstrip()
        for row in rows
    ]
