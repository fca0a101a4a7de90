"""A trace as tables: the forward pass, the backward pass, and the step of descent."""

from __future__ import annotations

from collections.abc import Iterator

from backpropsym.derive.analyses.trace import BackwardStep, Descent, Trace
from backpropsym.derive.forms.sympy_text import sympy_text
from backpropsym.derive.local.links import Edge
from backpropsym.document.derivation.conventions import facts
from backpropsym.document.formats.markdown import markdown_text
from backpropsym.document.notation.names import Notation
from backpropsym.document.writers.json_text import json_text
from backpropsym.document.writers.kinks import MARK, kink_data, kink_text
from backpropsym.document.writers.latex import LatexWriter
from backpropsym.document.writers.numbers import finite_data, put_in, shown
from backpropsym.document.writers.tables import PACKAGES, WIDTH, Table, latex_tables, markdown_tables, text_tables
from backpropsym.document.writers.tree_writer import Writer
from backpropsym.document.writers.unicode import AsciiWriter, TextWriter, UnicodeWriter
from backpropsym.errors import UnknownNameError
from backpropsym.formula.text import to_text
from backpropsym.formula.tree import Index


def trace_report(
    trace: Trace, medium: str = "text", limit: int | None = None, ascii: bool = False, width: int = WIDTH
) -> str:
    """`trace` written for `medium`.

    Parameters
    ----------
    medium : text, latex, markdown or json.
    limit : the most rows of a table; JSON lists all.
    ascii : whether text is ASCII only.
    width : columns of the terminal.

    Raises
    ------
    UnknownNameError : no such medium.
    """
    notation = Notation.of(trace.graph)
    title = trace.graph.title
    match medium:
        case "json":
            return json_text(trace_data(trace))
        case "text":
            writer: Writer = (AsciiWriter if ascii else UnicodeWriter)(notation)
            return text_tables(trace_tables(trace, writer, limit), width)
        case "markdown":
            head = f"## {markdown_text(title)}\n\n" if title else ""
            return head + markdown_tables(trace_tables(trace, LatexWriter(notation), limit))
        case "latex":
            packages = " ".join(rf"\usepackage{{{package}}}" for package in PACKAGES)
            return f"% In the preamble: {packages}\n" + latex_tables(trace_tables(trace, LatexWriter(notation), limit))
        case _:
            fix = "choose text, latex, markdown or json"
            raise UnknownNameError(f"nothing is written as {medium!r}", fix=fix)


def trace_tables(trace: Trace, writer: Writer, limit: int | None = None) -> list[Table]:
    """The forward pass, the backward pass and, where there are parameters, the step of descent."""
    tables = [_forward(trace, writer), _backward(trace, writer)]
    if trace.descent is not None:
        tables.append(_descent(trace, trace.descent, writer))
    return [table.cut(limit, "rows") for table in tables]


def _forward(trace: Trace, writer: Writer) -> Table:
    scalar = trace.graph.scalar
    rows = []
    for step in trace.forward:
        numbers = (writer.write(put_in(step.formula, step.inputs)),) if scalar else ()
        rows.append((writer.write(step.left), writer.write(step.formula), *numbers, shown(step.value, writer)))
    heads = ("node", "formula", "numbers put in", "value") if scalar else ("node", "formula", "value")
    right = frozenset({3}) if scalar else frozenset[int]()
    notes = tuple(facts(trace.graph, [step.node for step in trace.forward], _plain(trace, writer)))
    return Table("Forward pass", heads, tuple(rows), right, notes=("Here " + ", ".join(notes) + ".",) if notes else ())


def _backward(trace: Trace, writer: Writer) -> Table:
    title = f"Backward pass, from {trace.of} to the parameters"
    notes = tuple(
        f"d{trace.of}/d{name}: {kink_text(kink, _plain(trace, writer))}." for name, kink in trace.kinks.items()
    )
    if trace.graph.scalar:
        marks = tuple(
            f"The local derivative of {link.target} by {link.source} {MARK}." for link in sorted(trace.resting)
        )
        rows = tuple(row for step in trace.backward for row in _bricks(trace, step, writer))
        heads = ("node", "reuses", "its value", "local derivative", "its value", "product", "adjoint")
        return Table(title, heads, rows, frozenset({2, 4, 5, 6}), notes=(*marks, *notes))
    symbols = {step.node: f"delta_{step.node}" for step in trace.backward}
    rows = tuple(
        (writer.name(symbols[step.node]), writer.write(step.right), shown(step.adjoint, writer))
        for step in trace.backward
    )
    below = f"delta of a node is the derivative of {trace.of} by it, in its shape."
    return Table(title, ("adjoint", "formula", "value"), rows, notes=(below, *notes))


def _plain(trace: Trace, writer: Writer) -> TextWriter:
    """A writer of plain text, as notes are in every medium."""
    return writer if isinstance(writer, TextWriter) else AsciiWriter(Notation.of(trace.graph))


def _bricks(trace: Trace, step: BackwardStep, writer: Writer) -> Iterator[tuple[str, ...]]:
    """One row for each consumer of a node; the last one has the adjoint, which is the sum of their products."""
    adjoint = writer.measured(float(step.adjoint))
    if not step.bricks:
        yield (writer.name(step.node), "", "", "", "", "", adjoint)
    for at, brick in enumerate(step.bricks):
        last = at == len(step.bricks) - 1
        yield (
            "" if at else writer.name(step.node),
            writer.derivative(trace.of, brick.user),
            writer.measured(brick.adjoint),
            writer.write(brick.local),
            writer.measured(brick.factor),
            writer.measured(brick.product) if len(step.bricks) > 1 else "",
            adjoint if last else "",
        )


def _descent(trace: Trace, step: Descent, writer: Writer) -> Table:
    rows = tuple(
        (
            writer.name(name),
            shown(step.before[name], writer),
            shown(step.gradient[name], writer),
            shown(step.after[name], writer),
        )
        for name in step.gradient
    )
    before, after = (f"{value:.6g}" for value in (step.value_before, step.value_after))
    verdict = f"{trace.of} was {before} and is {after} after the step."
    if step.value_after > step.value_before:
        verdict += " It has grown: the step is longer than the slope holds; try a smaller rate."
    right = frozenset({1, 2, 3}) if trace.graph.scalar else frozenset[int]()
    title = f"One step of gradient descent, rate {step.rate:g}"
    return Table(title, ("parameter", "before", "gradient", "after"), rows, right, notes=(verdict,))


def trace_data(trace: Trace) -> dict[str, object]:
    """`trace` as data that JSON can hold.

    Returns
    -------
    Keys `of`; `values`, the numbers of the leaves; `forward`, rows of node, formula, inputs and value; `backward`,
    rows of node, formula and adjoint, and for scalars symbol and `bricks` of user, adjoint, local, factor and
    product; `step`, None without parameters, else rate, before and after (of `of`) and `parameters`, each with
    before, gradient and after; `conventions`; `kinks`, for each parameter, or entry of one, whose derivative a
    convention at a kink decides, `value`, `left`, `right` and `neither`. A brick tells whether its factor rests on a
    `convention`. What is not finite is None.
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
    found: dict[str, object] = {"node": step.node, "formula": sympy_text(table, step.right)}
    if trace.graph.scalar:
        found["symbol"] = trace.symbols[step.node]
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
