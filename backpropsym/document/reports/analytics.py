"""What all paths of a derivative are like, as a page and as data."""

from __future__ import annotations

import math
from collections.abc import Iterator

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.paths.analytics import PathAnalytics, PathNumbers
from backpropsym.document.derivation.data import finite
from backpropsym.document.formulas import Bar, Node, Prose, Route, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.errors import counted

_MOST_LENGTHS = 12


def analytics_data(found: PathAnalytics) -> dict[str, object]:
    """The analytics as plain data.

    Returns
    -------
    Keys `count`, `lengths` (number of paths by number of links), `mean_length`; with numbers besides `value`,
    `magnitude` (sum of absolute values), `cancelled`, `alive`, `dead`, `strongest` (`path`, `value`, `share`),
    `entropy` in nats, `effective` and `path_norm`.
    """
    data: dict[str, object] = {
        "count": found.count,
        "lengths": {str(length): count for length, count in found.lengths.items()},
        "mean_length": finite(found.mean_length),
    }
    numbers = found.numbers
    if numbers is None:
        return data
    strongest = None
    if numbers.strongest is not None:
        value, share = finite(numbers.strongest_value), finite(numbers.strongest_share)
        strongest = {"path": list(numbers.strongest), "value": value, "share": share}
    return data | {
        "value": finite(numbers.value),
        "magnitude": finite(numbers.magnitude),
        "cancelled": finite(numbers.cancelled),
        "alive": numbers.alive,
        "dead": found.count - numbers.alive,
        "strongest": strongest,
        "entropy": finite(numbers.entropy),
        "effective": finite(numbers.effective),
        "path_norm": finite(numbers.path_norm),
    }


def analytics_page(derivation: Derivation, values: Values | None) -> Page:
    """What all paths of a derivation are like, as a page; layer paths of tensors have no numbers.

    Raises
    ------
    ValuesError : `values` do not make the numbers complete.
    """
    found = derivation.analytics(values)

    def table() -> tuple[Table]:
        ends = ("from ", Node(derivation.wrt), " to ", Node(derivation.of))
        title = (f"{count_text(found.count)} path{'' if found.count == 1 else 's'} ", *ends)
        numbers = _numbers(found, found.numbers) if found.numbers is not None and found.count else ()
        return (Table(title, (), (*_lengths(found), *numbers)),)

    ends = {"of": derivation.of, "wrt": derivation.wrt}
    return Page(Notation.of(derivation.graph), table, lambda: ends | analytics_data(found), derivation.graph.title)


def _lengths(found: PathAnalytics) -> Iterator[tuple[Prose, ...]]:
    """The histogram, a row a length; of many lengths the ends and the mean."""
    if len(found.lengths) > _MOST_LENGTHS:
        shortest, longest = min(found.lengths), max(found.lengths)
        yield "length", f"{shortest:,} to {longest:,} links, {found.mean_length:,.1f} in the mean"
        return
    width = max((len(count_text(count)) for count in found.lengths.values()), default=0)
    for length, count in found.lengths.items():
        yield counted(length, "link"), (f"{count_text(count):>{width}}  ", Bar(count / max(found.lengths.values())))


def _numbers(found: PathAnalytics, numbers: PathNumbers) -> Iterator[tuple[Prose, ...]]:
    """What the paths carry."""
    yield "sum", Value(numbers.value)
    yield "sum of absolute values", (Value(numbers.magnitude), f", {_percent(numbers.cancelled)} of it cancels")
    yield "alive", f"{count_text(numbers.alive)} of {count_text(found.count)}"
    if numbers.strongest is not None:
        value, share = Value(numbers.strongest_value), _percent(numbers.strongest_share)
        yield "strongest", (Route(numbers.strongest), ": ", value, f", {share} of all")
        yield "entropy", f"{numbers.entropy:.4g} nats, as of {_as_many(numbers)} equally strong paths"
    yield "path norm", Value(numbers.path_norm)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "?"


def _as_many(numbers: PathNumbers) -> str:
    return f"{numbers.effective:,.1f}" if numbers.effective < 1e6 else f"{numbers.effective:.3g}"
