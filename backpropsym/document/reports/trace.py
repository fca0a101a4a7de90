"""A trace as tables: the forward pass, the backward pass, and the step of descent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backpropsym.derive.analyses.trace import BackwardStep, Descent, ForwardStep, Trace
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.local.links import Edge
from backpropsym.document.derivation.adjoint_sums import adjoint_sum, needs_entries
from backpropsym.document.derivation.conventions import facts, here
from backpropsym.document.derivation.matrix_notation import MatrixNotation
from backpropsym.document.formulas import Entries, Formula, IndexSum, Node, Prose, Quotient, Value
from backpropsym.document.model import Page, Table
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.kinks import MARK, kink_data, kink_prose
from backpropsym.document.writers.numbers import finite_data, put_in
from backpropsym.document.writers.tree_writer import DIGITS
from backpropsym.document.writers.unicode import AsciiWriter
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Index
from backpropsym.graph.unroll import of_numbers


def trace_page(trace: Trace, limit: int | None = None, digits: int | None = None) -> Page:
    """`trace` as a page.

    Parameters
    ----------
    limit : the most rows of a table; data list all.
    digits : of the numbers that are put into formulas.
    """

    def tables() -> tuple[Table, ...]:
        made = [_forward(trace, digits or DIGITS), _backward(trace)]
        if trace.descent is not None:
            made.append(_descent(trace, trace.descent))
        return tuple(table.cut(limit, "rows") for table in made)

    return Page(Notation.of(trace.graph), tables, lambda: trace_data(trace), trace.graph.title)


def _forward(trace: Trace, digits: int) -> Table:
    of_numbers = all(map(_of_numbers, trace.forward))
    rows = []
    for step in trace.forward:
        numbers = (Formula(put_in(step.formula, step.inputs, digits)),) if of_numbers else ()
        rows.append((Formula(step.left), Formula(step.formula), *numbers, Entries(step.value)))
    heads = ("node", "formula", *(("numbers put in",) if of_numbers else ()), "value")
    right = frozenset({len(heads) - 1}) if of_numbers else frozenset[int]()
    notes = here(trace.graph, [step.node for step in trace.forward])
    return Table("Forward pass", heads, tuple(rows), right, notes)


def _of_numbers(step: ForwardStep) -> bool:
    """Whether a step computes a number from numbers, which can be put into its formula."""
    return not any(np.ndim(value) for value in (step.value, *step.inputs.values()))


def _backward(trace: Trace) -> Table:
    title = f"Backward pass, from {trace.of} to the parameters"
    notes = tuple((f"d{trace.of}/d{name}: ", *kink_prose(kink), ".") for name, kink in trace.kinks.items())
    if of_numbers(trace.graph, trace.of):
        marks = tuple(
            f"The local derivative of {link.target} by {link.source} {MARK}." for link in sorted(trace.resting)
        )
        rows = tuple(row for step in trace.backward for row in _bricks(trace, step))
        heads = ("node", "reuses", "its value", "local derivative", "its value", "product", "adjoint")
        return Table(title, heads, rows, frozenset({2, 4, 5, 6}), (*marks, *notes))
    sums = _entry_by_entry(trace)
    matrices = MatrixNotation(trace.graph, {step.symbol: step.node for step in trace.backward})
    rows = tuple(
        (*sums.get(step.node, (Node(step.symbol), Formula(matrices.written(step.right)))), Entries(step.adjoint))
        for step in trace.backward
    )
    below = f"delta of a node is the derivative of {trace.of} by it, in its shape."
    return Table(title, ("adjoint", "formula", "value"), rows, notes=(below, *notes))


def _entry_by_entry(trace: Trace) -> dict[str, tuple[Formula, IndexSum]]:
    """By node, both sides of the adjoints that matrix notation can only compute, as the einsum of a convolution."""
    if not any(needs_entries(step.right) for step in trace.backward):
        return {}
    programme = matrix_programme(trace.graph, trace.of, [step.node for step in trace.backward])
    sums = {each.node: adjoint_sum(trace.graph, each, programme) for each in programme}
    return {node: (Formula(found.left), found.right) for node, found in sums.items() if found}


def _bricks(trace: Trace, step: BackwardStep) -> Iterator[tuple[Prose, ...]]:
    """One row for each consumer of a node; the last one has the adjoint, which is the sum of their products."""
    adjoint = Value(float(step.adjoint))
    if not step.bricks:
        yield (Node(step.node), "", "", "", "", "", adjoint)
    for at, brick in enumerate(step.bricks):
        last = at == len(step.bricks) - 1
        yield (
            "" if at else Node(step.node),
            Quotient(trace.of, brick.user),
            Value(brick.adjoint),
            Formula(brick.local),
            Value(brick.factor),
            Value(brick.product) if len(step.bricks) > 1 else "",
            adjoint if last else "",
        )


def _descent(trace: Trace, step: Descent) -> Table:
    rows = tuple(
        (Node(name), Entries(step.before[name]), Entries(step.gradient[name]), Entries(step.after[name]))
        for name in step.gradient
    )
    before, after = Value(step.value_before), Value(step.value_after)
    grown = step.value_after > step.value_before
    hint = " It has grown: the step is longer than the slope holds; try a smaller rate." if grown else ""
    verdict = (f"{trace.of} was ", before, " and is ", after, f" after the step.{hint}")
    of_numbers = not any(np.ndim(value) for value in step.before.values())
    right = frozenset({1, 2, 3}) if of_numbers else frozenset[int]()
    title = f"One step of gradient descent, rate {step.rate:g}"
    return Table(title, ("parameter", "before", "gradient", "after"), rows, right, (verdict,))


def trace_data(trace: Trace) -> dict[str, object]:
    """`trace` as data that JSON can hold.

    Returns
    -------
    Keys `of`; `values`, the numbers of the leaves; `forward`, rows of node, formula, inputs and value; `backward`,
    rows of node, symbol, formula and adjoint, and between numbers `bricks` of user, adjoint, local, factor and product;
    `step`, None without parameters, else rate, before and after (of `of`) and `parameters`, each with before, gradient
    and after; `conventions`; `kinks`, for each parameter, or entry of one, whose derivative a convention at a kink
    decides, `value`, `left`, `right` and `neither`. A brick tells whether its factor rests on a `convention`. What is
    not finite is None.
    """
    graph = trace.graph
    plain = AsciiWriter(Notation.of(graph))
    return {
        "of": trace.of,
        "values": {name: finite_data(value) for name, value in trace.leaves.items()},
        "forward": [
            {
                "node": step.node,
                **({"entry": to_text(step.left)} if isinstance(step.left, Index) else {}),
                "formula": to_text(step.formula),
                "inputs": {name: finite_data(value) for name, value in step.inputs.items()},
                "value": finite_data(step.value),
            }
            for step in trace.forward
        ],
        "backward": [_backward_data(trace, step) for step in trace.backward],
        "step": _descent_data(trace.descent) if trace.descent else None,
        "conventions": facts(graph, [step.node for step in trace.forward], plain),
        "kinks": {name: kink_data(kink) for name, kink in trace.kinks.items()},
    }


def _backward_data(trace: Trace, step: BackwardStep) -> dict[str, object]:
    table = trace.graph.functions
    formula = sympy_text(table, step.right)
    found: dict[str, object] = {"node": step.node, "formula": formula, "symbol": step.symbol}
    if of_numbers(trace.graph, trace.of):
        found["bricks"] = [
            {
                "user": brick.user,
                "adjoint": finite_data(brick.adjoint),
                "local": sympy_text(table, brick.local),
                "factor": finite_data(brick.factor),
                "product": finite_data(brick.product),
                "convention": Edge(step.node, brick.user) in trace.resting,
            }
            for brick in step.bricks
        ]
    return found | {"adjoint": finite_data(step.adjoint)}


def _descent_data(step: Descent) -> dict[str, object]:
    parameters = {
        name: {
            "before": finite_data(step.before[name]),
            "gradient": finite_data(step.gradient[name]),
            "after": finite_data(step.after[name]),
        }
        for name in step.gradient
    }
    return {
        "rate": step.rate,
        "before": finite_data(step.value_before),
        "after": finite_data(step.value_after),
        "parameters": parameters,
    }
