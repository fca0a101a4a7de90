"""Marked claims, as text and as data: what is right, what is wrong, and the nearest explanation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from rich.text import Text

from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.document.derivation.data import finite
from backpropsym.document.formats.text import elided, style
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import counted, printable
from backpropsym.formula.tree import Expr, Name
from backpropsym.marking.mark import Mark
from backpropsym.marking.slips import Kind, Slip
from backpropsym.marking.verify import MAX_PATHS, Verdict

_RIGHT, _WRONG, _UNREADABLE = "right", "wrong", "unreadable"
_STYLES = {_RIGHT: "bold green", _WRONG: "bold red", _UNREADABLE: "bold yellow"}
_MOST_SHOWN = 8


def verdict_text(verdict: Verdict, ascii: bool = False) -> Text:
    """One verdict for people."""
    writer = _writer(verdict, ascii)
    name = _name(verdict, writer)
    word = _RIGHT if verdict.right else _WRONG
    page = Text(word, style=_STYLES[word])
    page.append(f": {name}\n", style="not bold default")
    page.append(_how(verdict) + "\n", style="not bold dim")
    numbers = _path_numbers(verdict)
    for places in _alike(verdict.slips):
        page.append("\n")
        for slip in places[0]:
            page.append(f"  {sentence(slip, verdict, writer)}\n", style="not bold default")
        for slips in places[:_MOST_SHOWN]:
            page.append_text(_place(slips[0], numbers, writer))
        if len(places) > _MOST_SHOWN:
            page.append(f"    {writer.dots} {len(places) - _MOST_SHOWN:,} more\n", style="not bold dim")
    if not verdict.right and not verdict.slips:
        page.append("\n  no single slip explains the difference\n", style="not bold default")
    return page.append(_numbers(verdict, writer), style="not bold default")


def _name(verdict: Verdict, writer: TextWriter) -> str:
    """The derivative that a verdict is about."""
    if verdict.asked is None:
        return writer.derivative(*verdict.ends)
    graph = verdict.derivation.graph
    notation = Notation([*graph.nodes, *verdict.ends], graph.functions, graph.derivatives, graph.notation)
    return type(writer)(notation).derivative(*verdict.ends)


def _writer(verdict: Verdict, ascii: bool) -> TextWriter:
    return (AsciiWriter if ascii else UnicodeWriter)(Notation.of(verdict.derivation.graph))


def _how(verdict: Verdict) -> str:
    """What the verdict rests on."""
    compared = f"  compared at {counted(verdict.points, 'random point')} in fifty digits"
    if verdict.right and verdict.method == "terms":
        return f"{compared}; the terms are those of the path sum"
    return compared


def _numbers(verdict: Verdict, writer: TextWriter) -> str:
    """The example, and what could not be seen."""
    lines = []
    if verdict.example is not None:
        claimed, derived = map(writer.measured, verdict.example)
        lines.append(f"\n  at one of these points the claim is {claimed} and the derivative {derived}\n")
    if verdict.silent:
        links = ", ".join(writer.path(link) for link in verdict.silent[:_MOST_SHOWN])
        lines.append(f"\n  not seen, since nothing flows there at any point that was found: {links}\n")
    return "".join(lines)


def _alike(slips: Sequence[Slip]) -> list[list[list[Slip]]]:
    """The slips of each term together, and those terms together that have the same slips."""
    terms: dict[object, list[Slip]] = {}
    for slip in slips:
        terms.setdefault((slip.path, slip.right, slip.claimed), []).append(slip)
    found: dict[object, list[list[Slip]]] = {}
    for each in terms.values():
        found.setdefault(tuple(slip.nature for slip in each), []).append(each)
    return list(found.values())


def _groups(slips: Sequence[Slip]) -> list[list[Slip]]:
    """Slips of the same nature together."""
    found: dict[object, list[Slip]] = {}
    for slip in slips:
        found.setdefault(slip.nature, []).append(slip)
    return list(found.values())


def _path_numbers(verdict: Verdict) -> Mapping[Path, int]:
    """The numbers of the paths, as every listing counts them."""
    return {path: number for number, path in enumerate(itertools.islice(verdict.derivation.space, MAX_PATHS), 1)}


def _place(slip: Slip, numbers: Mapping[Path, int], writer: TextWriter) -> Text:
    """The path of a slip, and its term as claimed and as it should be."""
    result = Text()
    if slip.path is not None:
        number = numbers.get(slip.path, 0)
        result.append(f"  {number or '':>4}   {elided(slip.path, writer)}\n", style=style(number) if number else "")
    for label, tree in (("claimed", slip.claimed), ("right", slip.right)):
        if tree is not None:
            result.append(f"         {label:<10}{writer.write(tree)}\n", style="not bold default")
    return result


def sentence(slip: Slip, verdict: Verdict, writer: TextWriter) -> str:
    """What is wrong, in words."""
    found = _called(slip.found, verdict, writer) if slip.found is not None else ""
    expected = writer.write(slip.expected) if slip.expected is not None else ""
    instead = f"{found} stands where {expected} belongs"
    match slip.kind:
        case Kind.MISSING_PATH:
            return "a path is missing"
        case Kind.EXTRA_PATH:
            return "a term belongs to no path"
        case Kind.MISSING_FACTOR:
            told = f"the factor {expected} is missing"
        case Kind.EXTRA_FACTOR:
            told = f"the factor {found} is too much"
        case Kind.TRANSPOSED:
            told = f"{instead}: its two indices are exchanged"
        case Kind.FUNCTION:
            told = f"{instead}: {_mixed_up(slip, verdict)}"
        case Kind.ARGUMENT:
            told = f"{instead}: the derivative at the wrong argument"
        case Kind.SIGN:
            return "the sign is wrong"
        case Kind.CONSTANT:
            return f"the claimed term is the right one times {slip.number}"
        case _:
            told = instead
    return f"{told}, and the term is the right one times {slip.number} besides" if slip.number is not None else told


def _called(expr: Expr, verdict: Verdict, writer: TextWriter) -> str:
    """A factor; a node that is f(s) with what it is, so that a mix-up of f and f' can be seen."""
    if isinstance(expr, Name):
        formula = verdict.derivation.graph.nodes[expr.name].formula
        if formula is not None and type(formula).__name__ == "Call":
            return f"{writer.write(expr)} = {writer.write(formula)}"
    return writer.write(expr)


def _mixed_up(slip: Slip, verdict: Verdict) -> str:
    parent = verdict.derivation.graph.functions.parent(getattr(slip.expected, "function", ""))
    return "the function instead of its derivative" if parent else "the derivative instead of the function"


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """One verdict as plain data.

    Returns
    -------
    Keys `of`, `wrt`, `claim`, `right`, `method`, `points`, `slips`; each slip with `kind`, `message`, `path`,
    `found`, `expected`, `factor` (by which the term is too large), `claimed` and `right_term`; where the claim is
    wrong `values`, the two numbers at one point; and `unseen`, links that no point shows.
    """
    writer = _writer(verdict, ascii=True)
    data: dict[str, object] = {
        "of": verdict.ends[0],
        "wrt": verdict.ends[1],
        "claim": verdict.text,
        "right": verdict.right,
        "method": verdict.method,
        "points": verdict.points,
        "slips": [_slip_data(slip, verdict, writer) for slip in verdict.slips],
    }
    if verdict.example is not None:
        data["values"] = {"claim": finite(verdict.example[0]), "derivative": finite(verdict.example[1])}
    if verdict.silent:
        data["unseen"] = [list(link) for link in verdict.silent]
    return data


def _slip_data(slip: Slip, verdict: Verdict, writer: TextWriter) -> dict[str, object]:
    table = verdict.derivation.graph.functions

    def text(expr: Expr | None) -> str | None:
        return None if expr is None else sympy_text(table, expr)

    return {
        "kind": slip.kind.value,
        "message": sentence(slip, verdict, writer),
        "path": None if slip.path is None else list(slip.path),
        "found": text(slip.found),
        "expected": text(slip.expected),
        "factor": None if slip.number is None else str(slip.number),
        "claimed": text(slip.claimed),
        "right_term": text(slip.right),
    }


def marks_data(marks: Sequence[Mark]) -> dict[str, object]:
    """Many verdicts as plain data, with how many there are of each."""
    claims = []
    for mark in marks:
        entry: dict[str, object] = {"name": mark.claim.name}
        if mark.verdict is not None:
            entry |= verdict_data(mark.verdict)
        else:
            entry |= {"wrt": mark.claim.wrt, "claim": mark.claim.text, "right": False, "error": str(mark.error)}
        claims.append(entry)
    counts = {word: sum(_word(mark) == word for mark in marks) for word in _STYLES}
    return {**counts, "claims": claims}


def marks_text(marks: Sequence[Mark], ascii: bool = False) -> Text:
    """Many verdicts, a line each."""
    names = max((len(printable(mark.claim.name)) for mark in marks), default=0)
    wrts = max((len(printable(mark.claim.wrt)) for mark in marks), default=0)
    page = Text()
    for mark in marks:
        word = _word(mark)
        page.append(f"{printable(mark.claim.name):<{names}}   {printable(mark.claim.wrt):<{wrts}}   ")
        reason = _reason(mark, ascii)
        page.append(word, style=_STYLES[word])
        page.append(" " * (len(_UNREADABLE) - len(word) + 3) + reason + "\n" if reason else "\n")
    parts = [f"{sum(_word(mark) == word for mark in marks):,} {word}" for word in _STYLES]
    return page.append("\n" + ", ".join(parts) + "\n", style="bold")


def _word(mark: Mark) -> str:
    if mark.verdict is None:
        return _UNREADABLE
    return _RIGHT if mark.verdict.right else _WRONG


def _reason(mark: Mark, ascii: bool) -> str:
    """What is wrong, on one line."""
    if mark.verdict is None:
        return printable(mark.error.problems[0].message) if mark.error is not None else ""
    verdict = mark.verdict
    if verdict.right:
        return ""
    writer, numbers = _writer(verdict, ascii), _path_numbers(verdict)
    told = []
    for slips in _groups(verdict.slips)[:3]:
        where = [str(numbers[slip.path]) for slip in slips if slip.path is not None and slip.path in numbers]
        places = f" (path{'s' if len(where) > 1 else ''} {', '.join(where[:_MOST_SHOWN])})" if where else ""
        told.append(sentence(slips[0], verdict, writer) + places)
    return "; ".join(told) or "no single slip explains the difference"
