"""Marked claims, as pages and as data: what is right, what is wrong, and the nearest explanation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.paths.path_space import Path
from backpropsym.document.derivation.data import finite
from backpropsym.document.formulas import Formula, Joined, Line, Math, Prose, Quotient, Route, Stated, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.errors import counted
from backpropsym.formula.tree import Call, Expr, Name
from backpropsym.graph.graph import Graph
from backpropsym.marking.mark import Mark
from backpropsym.marking.slips import Kind, Slip
from backpropsym.marking.verify import MAX_PATHS, Verdict

_RIGHT, _WRONG, _UNREADABLE = "right", "wrong", "unreadable"
_TONES: Mapping[str, Literal["good", "bad", "open"]] = {_RIGHT: "good", _WRONG: "bad", _UNREADABLE: "open"}
_UNEXPLAINED = "no single slip explains the difference"
_MOST_SHOWN = 8


def verdict_page(verdict: Verdict) -> Page:
    """One verdict as a page."""
    graph = verdict.derivation.graph
    return Page(_notation(verdict), lambda: tuple(_tables(verdict)), lambda: verdict_data(verdict), graph.title)


def _notation(verdict: Verdict) -> Notation:
    """How names are written, those of all entries that a claim is about too."""
    graph = verdict.derivation.graph
    if verdict.asked is None:
        return Notation.of(graph)
    return Notation([*graph.nodes, *verdict.ends], graph.functions, graph.derivatives, graph.notation)


def _tables(verdict: Verdict) -> Iterator[Table]:
    compared = f"compared at {counted(verdict.points, 'random point')} in fifty digits"
    if verdict.right and verdict.method == "terms":
        compared += "; the terms are those of the path sum"
    yield Table((_stated(verdict), ": ", Quotient(*verdict.ends)), (), (), notes=(compared,))
    numbers = _path_numbers(verdict)
    for places in _alike(verdict.slips):
        yield _slip_table(places, numbers, verdict)
    notes = tuple(_notes(verdict))
    if notes:
        yield Table("", (), (), notes=notes)


def _slip_table(places: Sequence[Sequence[Slip]], numbers: Mapping[Path, int], verdict: Verdict) -> Table:
    """What is wrong in the same way, and the terms in which it is: as claimed, and as they should be."""
    title = tuple(part for slip in places[0] for part in ("; ", *sentence(slip, verdict)))[1:]
    rows: list[tuple[Prose, ...]] = []
    colours = []
    for slip in (slips[0] for slips in places[:_MOST_SHOWN]):
        if slip.path is not None:
            number = numbers.get(slip.path, 0)
            rows.append((str(number or ""), Route(slip.path)))
            colours.append(number)
        terms = (("claimed   ", slip.claimed), ("right     ", slip.right))
        rows += [("", (label, Formula(tree))) for label, tree in terms if tree is not None]
        colours += [0] * (len(rows) - len(colours))
    left = len(places) - _MOST_SHOWN
    notes = (f"and {left:,} more",) if left > 0 else ()
    return Table(title, (), tuple(rows), frozenset({0}), notes, colours=tuple(colours))


def _notes(verdict: Verdict) -> Iterator[Line]:
    """That nothing explains it, the example, and what could not be seen."""
    if not verdict.right and not verdict.slips:
        yield (_UNEXPLAINED,)
    if verdict.example is not None:
        claimed, derived = map(Value, verdict.example)
        yield "at one of these points the claim is ", claimed, " and the derivative ", derived
    if verdict.silent:
        links = tuple(part for link in verdict.silent[:_MOST_SHOWN] for part in (", ", Route(tuple(link))))
        yield ("not seen, since nothing flows there at any point that was found: ", *links[1:])


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


def sentence(slip: Slip, verdict: Verdict) -> Line:
    """What is wrong, in words."""
    found = _called(slip.found, verdict) if slip.found is not None else ""
    expected = Formula(slip.expected) if slip.expected is not None else ""
    instead: Line = (found, " stands where ", expected, " belongs")
    match slip.kind:
        case Kind.MISSING_PATH:
            return ("a path is missing",)
        case Kind.EXTRA_PATH:
            return ("a term belongs to no path",)
        case Kind.MISSING_FACTOR:
            told: Line = ("the factor ", expected, " is missing")
        case Kind.EXTRA_FACTOR:
            told = ("the factor ", found, " is too much")
        case Kind.TRANSPOSED:
            told = (*instead, ": its two indices are exchanged")
        case Kind.FUNCTION:
            told = (*instead, f": {_mixed_up(slip, verdict)}")
        case Kind.ARGUMENT:
            told = (*instead, ": the derivative at the wrong argument")
        case Kind.SIGN:
            return ("the sign is wrong",)
        case Kind.CONSTANT:
            return (f"the claimed term is the right one times {slip.number}",)
        case _:
            told = instead
    return told if slip.number is None else (*told, f", and the term is the right one times {slip.number} besides")


def _called(expr: Expr, verdict: Verdict) -> Math:
    """A factor; a node that is f(s) with what it is, so that a mix-up of f and f' can be seen."""
    if isinstance(expr, Name):
        formula = verdict.derivation.graph.nodes[expr.name].formula
        if isinstance(formula, Call):
            return Joined((Formula(expr), Formula(formula)))
    return Formula(expr)


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
    writer = AsciiWriter(Notation.of(verdict.derivation.graph))
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


def _slip_data(slip: Slip, verdict: Verdict, writer: AsciiWriter) -> dict[str, object]:
    table = verdict.derivation.graph.functions

    def text(expr: Expr | None) -> str | None:
        return None if expr is None else sympy_text(table, expr)

    return {
        "kind": slip.kind.value,
        "message": plain(sentence(slip, verdict), writer),
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
    counts = {word: sum(_word(mark.verdict) == word for mark in marks) for word in _TONES}
    return {**counts, "claims": claims}


def marks_page(marks: Sequence[Mark], graph: Graph) -> Page:
    """Many verdicts on claims about `graph` as a page, a row each."""

    def table() -> tuple[Table]:
        rows = tuple((mark.claim.name, mark.claim.wrt, _stated(mark.verdict), _reason(mark)) for mark in marks)
        counts = ", ".join(f"{sum(_word(mark.verdict) == word for mark in marks):,} {word}" for word in _TONES)
        return (Table("", (), rows, notes=(counts,)),)

    return Page(Notation.of(graph), table, lambda: marks_data(marks), graph.title)


def _word(verdict: Verdict | None) -> str:
    if verdict is None:
        return _UNREADABLE
    return _RIGHT if verdict.right else _WRONG


def _stated(verdict: Verdict | None) -> Stated:
    return Stated(_word(verdict), _TONES[_word(verdict)])


def _reason(mark: Mark) -> Line:
    """What is wrong, on one line."""
    if mark.verdict is None:
        return (mark.error.problems[0].message,) if mark.error is not None else ()
    if mark.verdict.right:
        return ()
    numbers, told = _path_numbers(mark.verdict), list[str | Math]()
    for slips in _groups(mark.verdict.slips)[:3]:
        where = [str(numbers[slip.path]) for slip in slips if slip.path is not None and slip.path in numbers]
        places = f" (path{'s' if len(where) > 1 else ''} {', '.join(where[:_MOST_SHOWN])})" if where else ""
        told += ["; ", *sentence(slips[0], mark.verdict), places]
    return tuple(told[1:]) or (_UNEXPLAINED,)
