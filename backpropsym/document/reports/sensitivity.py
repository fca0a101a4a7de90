"""What parameters do at one object, as a table: numbers, and the cause in words where nothing moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backpropsym.derive.analyses.dead_neurons import DeadShares
from backpropsym.derive.analyses.sensitivity import Stage, Verdict, Wiggle, Wiggles, ZeroLink
from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.local.links import Edge
from backpropsym.derive.paths.path_space import PathSpace
from backpropsym.document.derivation.conventions import here
from backpropsym.document.formulas import Formula, Joined, Line, Node, Prose, Route, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.mathematics import plain
from backpropsym.document.writers.numbers import finite_data
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.document.writers.unicode import AsciiWriter, UnicodeWriter
from backpropsym.errors import counted
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.formula.tree import Call, Expr, Name, called
from backpropsym.graph.graph import Graph, Role
from backpropsym.graph.unroll import entry_name
from backpropsym.ops.function_table import FunctionTable

ZERO = Value(0.0)
_MOST_NAMED = 3
_ROLES = {Role.INPUT: "the input ", Role.PARAMETER: "the parameter ", Role.TARGET: "the target "}


def wiggle_page(found: Wiggles | DeadShares, limit: int | None = None) -> Page:
    """Wiggles, or shares of dead neurons, as a page."""

    def tables() -> tuple[Table]:
        table = _dead_table(found) if isinstance(found, DeadShares) else _wiggle_table(found)
        return (table.cut(limit, "rows"),)

    def data() -> object:
        return dead_data(found) if isinstance(found, DeadShares) else wiggle_data(found)

    return Page(Notation.of(_scalar_graph(found)), tables, data)


def _scalar_graph(found: Wiggles | DeadShares) -> Graph:
    return found.stages[0].graph if isinstance(found, Wiggles) and found.stages else found.graph


def _wiggle_table(found: Wiggles) -> Table:
    steps = [push.by for push in found.rows[0].pushes] if found.rows else []
    rows: list[tuple[Prose, ...]] = []
    for row, stage in zip(found.rows, found.stages, strict=True):
        changes = (Value(push.change) for push in row.pushes)
        rows.append((Node(row.name), Value(row.value), Value(row.derivative), *changes, verdict(row, stage)))
    heads: tuple[Prose, ...] = (
        "parameter",
        "value",
        "derivative",
        *(("pushed ", Value(step)) for step in steps),
        "why",
    )
    title = ("What each parameter does to ", Joined((Node(found.of), Value(found.value))))
    notes = here(found.graph, [name for name, node in found.graph.nodes.items() if node.formula is not None])
    if not rows:
        notes = ("The network has no parameters; name an input with --wrt.",)
    return Table(title, heads, tuple(rows), frozenset(range(1, 7)), notes)


def verdict(row: Wiggle, stage: Stage) -> Line:
    """What a derivative says of a parameter, and what pushes say besides."""
    return tuple(part for said in (reason(row, stage), *_crossings(row)) for part in ("; ", *said))[1:]


def reason(row: Wiggle, stage: Stage) -> Line:
    """What a derivative says of a parameter."""
    match row.verdict:
        case Verdict.ABSENT:
            return "no path leads to ", Node(stage.of)
        case Verdict.UNDEFINED:
            return ("the derivative is not finite",)
        case Verdict.CANCELS:
            space = PathSpace(stage.graph, row.name, stage.of)
            alive = space.alive(lambda link: stage.links[link] != 0.0)
            return (f"{counted(alive, 'live path')} cancel{'s' if alive == 1 else ''}",)
        case Verdict.CUT:
            return cut_prose(row.cut, stage)
        case Verdict.MOVES:
            return ("moves",)


def cut_prose(cut: Sequence[ZeroLink], stage: Stage) -> Line:
    """The links of a cut and why each is zero; of a long one the first."""
    told = tuple(
        part for zero in cut[:_MOST_NAMED] for part in (", ", Route(tuple(zero.link)), ": ", *cause(zero, stage))
    )
    more = f" and {len(cut) - _MOST_NAMED} more" if len(cut) > _MOST_NAMED else ""
    return ("cut at ", *told[1:], more)


def cause(zero: ZeroLink, stage: Stage) -> Line:
    """Why the local derivative on a link is zero."""
    factor, graph = zero.factors[0], stage.graph
    if isinstance(factor, Name):
        role = _ROLES.get(graph[factor.name].role, "")
        return (role, Joined((Node(factor.name), ZERO)), *_dead_source(factor.name, stage))
    found = _flat(factor, stage)
    if found is None:
        return (Joined((Formula(factor), ZERO)),)
    name, where = found
    return Node(zero.link.target), f" is {_state(name, graph.functions)}, ", Joined((Formula(factor), ZERO)), *where


def _flat(expr: Expr, stage: Stage) -> tuple[str, Line] | None:
    """For a derivative f'(s), the function f and where it is taken."""
    table = stage.graph.functions
    parent = table.parent(expr.function) if isinstance(expr, Call) else None
    if not isinstance(expr, Call) or parent is None:
        return None
    argument = expr.arguments[0]
    number = float(evaluate(argument, stage.values, table))
    return parent[0], (" at ", Joined((Formula(argument), Value(number))))


def _state(function: str, table: FunctionTable) -> str:
    """How a neuron is called whose function is flat: dead where the function has a kink, else saturated."""
    body = table.definition(function)
    inner = called(body) if body is not None else ()
    return "dead" if any(table[name].kink for name in (function, *inner)) else "saturated"


def _dead_source(name: str, stage: Stage) -> Line:
    """For a neuron whose output is zero, that it is dead."""
    formula = stage.graph[name].formula
    if not isinstance(formula, Call) or not isinstance(formula.arguments[0], Name):
        return ()
    before = formula.arguments[0].name
    if stage.links.get(Edge(before, name)) != 0.0:
        return ()
    return ", a dead neuron's output (", Joined((Node(before), Value(stage.values[before]))), ")"


def _crossings(row: Wiggle) -> list[Line]:
    """What pushes take to another branch; small ones do so at a kink only."""
    kinks = dict.fromkeys(name for push in row.pushes[1:3] for name in push.crossed)
    said: list[Line] = [("at a kink of ", *_listed(list(kinks)))] if kinks else []
    for push in (row.pushes[0], row.pushes[-1]):
        names = [name for name in push.crossed if name not in kinks]
        if names:
            flip = "flips" if len(names) == 1 else "flip"
            said.append(("pushed ", Value(push.by), ", ", *_listed(names), f" {flip}"))
    return said


def _listed(names: Sequence[str]) -> Line:
    told = tuple(part for name in names[:_MOST_NAMED] for part in (", ", Node(name)))[1:]
    return (*told, f" and {len(names) - _MOST_NAMED} more") if len(names) > _MOST_NAMED else told


def wiggle_data(found: Wiggles) -> dict[str, object]:
    """Wiggles as data that JSON can hold.

    Returns
    -------
    Keys `of`, `value` and `parameters`; each of these has `name`, `value`, `derivative`, `pushes` of `by`, `change`
    and `crossed`, `verdict`, `cut` as links of `link`, `local`, `zero` (its factors that are zero) and `cause`,
    `flips`, and the verdict in words as `why`. What is not finite is None.
    """
    words = AsciiWriter(Notation.of(_scalar_graph(found)))
    return {
        "of": found.of,
        "value": finite_data(found.value),
        "parameters": [
            {
                "name": row.name,
                "value": finite_data(row.value),
                "derivative": finite_data(row.derivative),
                "pushes": [
                    {"by": push.by, "change": finite_data(push.change), "crossed": list(push.crossed)}
                    for push in row.pushes
                ],
                "verdict": row.verdict.value,
                "cut": [_zero_data(zero, stage, words) for zero in row.cut],
                "flips": list(row.flips),
                "why": plain(verdict(row, stage), words),
            }
            for row, stage in zip(found.rows, found.stages, strict=True)
        ],
    }


def _zero_data(zero: ZeroLink, stage: Stage, words: Writer) -> dict[str, object]:
    table = stage.graph.functions
    return {
        "link": list(zero.link),
        "local": sympy_text(table, zero.local),
        "zero": [sympy_text(table, factor) for factor in zero.factors],
        "cause": plain(cause(zero, stage), words),
    }


def _dead_table(found: DeadShares) -> Table:
    shares = [
        (entry_name(name, at), 100 * float(share[at]))
        for name, share in found.shares.items()
        for at in np.ndindex(np.shape(share))
    ]
    title = f"Share of {found.objects:,} objects on which each neuron is dead"
    always = sum(share == 100 for _, share in shares)
    notes = (f"{always} of {len(shares):,} neurons are dead on every object.",)
    rows = tuple((Node(name), Value(share)) for name, share in shares)
    return Table(title, ("neuron", "dead, %"), rows, frozenset({1}), notes)


def dead_data(found: DeadShares) -> dict[str, object]:
    """Shares of dead neurons as data: keys `objects` and `dead`, the shares in the shape of each node."""
    return {
        "objects": found.objects,
        "dead": {name: finite_data(share) for name, share in found.shares.items()},
    }


def wiggle_note(found: Wiggles) -> str:
    """One line for under the picture: what the bars are."""
    zeros = {zero.link: (zero, stage) for row, stage in zip(found.rows, found.stages, strict=True) for zero in row.cut}
    if not zeros:
        return "no derivative is cut"
    words = UnicodeWriter(Notation.of(_scalar_graph(found)))
    if len(zeros) == 1:
        zero, stage = next(iter(zeros.values()))
        return plain(cut_prose([zero], stage), words)
    return f"the {len(zeros):,} barred links have a local derivative of zero: no change passes"
