"""What all paths of a derivative are like, as text and as data."""

from __future__ import annotations

import math

from rich.text import Text

from backpropsym.arrays import Values
from backpropsym.derive.derivation import Derivation, count_text
from backpropsym.derive.paths.analytics import PathAnalytics, PathNumbers
from backpropsym.document.derivation.data import finite
from backpropsym.document.formats.text import elided
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import counted

_MOST_LENGTHS = 12
_BAR = 24


def analytics_of(derivation: Derivation, values: Values | None) -> PathAnalytics:
    """The analytics of a derivation; layer paths of tensors have no numbers, whatever `values` are.

    Raises
    ------
    ValuesError : `values` do not make the numbers complete.
    """
    return derivation.analytics(values)


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


def analytics_text(derivation: Derivation, found: PathAnalytics, ascii: bool = False) -> Text:
    """The same for people."""
    writer: TextWriter = (AsciiWriter if ascii else UnicodeWriter)(Notation.of(derivation.graph))
    ends = f"from {writer.name(derivation.wrt)} to {writer.name(derivation.of)}"
    page = Text(f"{count_text(found.count)} path{'' if found.count == 1 else 's'} {ends}\n\n", style="bold")
    lines = _lengths(found, writer, ascii)
    if found.numbers is not None and found.count:
        lines += _numbers(found, found.numbers, writer)
    width = max((len(label) for label, _ in lines), default=0)
    for label, told in lines:
        page.append(f"  {label:<{width}}   {told}\n", style="not bold")
    return page


def _lengths(found: PathAnalytics, writer: TextWriter, ascii: bool) -> list[tuple[str, str]]:
    """The histogram, a line a length; of many lengths the ends and the mean."""
    if not found.lengths:
        return []
    shortest, longest = min(found.lengths), max(found.lengths)
    if len(found.lengths) > _MOST_LENGTHS:
        return [("length", f"{shortest:,} to {longest:,} links, {found.mean_length:,.1f} in the mean")]
    most = max(found.lengths.values())
    counts = {length: count_text(count) for length, count in found.lengths.items()}
    width = max(map(len, counts.values()))
    lines = []
    for length, count in found.lengths.items():
        bar = ("#" if ascii else "█") * max(1, round(_BAR * (count / most)))
        lines.append((counted(length, "link"), f"{counts[length]:>{width}}  {bar}"))
    return lines


def _numbers(found: PathAnalytics, numbers: PathNumbers, writer: TextWriter) -> list[tuple[str, str]]:
    """What the paths carry."""
    lines = [
        ("sum", writer.measured(numbers.value)),
        (
            "sum of absolute values",
            f"{writer.measured(numbers.magnitude)}, {_percent(numbers.cancelled)} of it cancels",
        ),
        ("alive", f"{count_text(numbers.alive)} of {count_text(found.count)}"),
    ]
    if numbers.strongest is not None:
        value, share = writer.measured(numbers.strongest_value), _percent(numbers.strongest_share)
        lines.append(("strongest", f"{elided(numbers.strongest, writer)}: {value}, {share} of all"))
        lines.append(("entropy", f"{numbers.entropy:.4g} nats, as of {_as_many(numbers)} equally strong paths"))
    return [*lines, ("path norm", writer.measured(numbers.path_norm))]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "?"


def _as_many(numbers: PathNumbers) -> str:
    return f"{numbers.effective:,.1f}" if numbers.effective < 1e6 else f"{numbers.effective:.3g}"
