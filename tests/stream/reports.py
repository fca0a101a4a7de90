"""Reports of numbers, read back as they are printed, in text and in JSON, against the plain truth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import backpropsym as bp
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.derive.forms.sympy_text import with_clear_names
from backpropsym.document.derivation.adjoint_sums import adjoint_sum
from backpropsym.document.derivation.report import report
from backpropsym.document.registry import Layout, write
from backpropsym.document.reports.matrices import MatrixReport
from backpropsym.document.reports.paths import PathsView, path_data, paths_page
from backpropsym.document.reports.sensitivity import wiggle_page
from backpropsym.document.reports.trace import trace_page
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.graph.graph import Role
from backpropsym.graph.unroll import entry_name
from backpropsym.network import Network
from tests.stream.compare import LOOSE, Found, comparison, inner_node
from tests.stream.printed import node_values
from tests.stream.truth import Truth

Array = Any
WIDE = 100_000
PRINTED = 5e-4
"""Arrays are printed to four digits, single numbers to six."""

RATE = 0.1
SMALL, FINITE = 1e-3, 1.0
_NUMBER = re.compile(r"[-−]?(?:\d+(?:\.\d+)?(?:e[-−+]?\d+)?|inf|nan)")


def _net(truth: Truth) -> Network:
    """The network with numbers for its sizes, of which entries have names."""
    return truth.case.net if not truth.case.sizes else bp.Network(graph=truth.graph)


def _read(text: str) -> list[float]:
    """The numbers of a text, in order."""
    return [float(found.replace("−", "-")) for found in _NUMBER.findall(text)]


def _named(truth: Truth) -> list[str]:
    """The named nodes that the output depends on and that have a formula."""
    needed = truth.graph.ancestors(truth.case.output)
    return [name for name in truth.graph.named.order if name in needed and truth.graph[name].op is not None]


@comparison()
def traces(truth: Truth) -> Found:
    """Both passes and the step of descent, in JSON."""
    case = truth.case
    data = json.loads(write(trace_page(_net(truth).trace(case.values, case.output, RATE)), "json"))
    values = {step["node"]: step["value"] for step in data["forward"]}
    for name in _named(truth):
        yield f"value of {name}", values[name], truth.value(case.values, name)
    gradients = truth.gradients(case.values)
    adjoints = {step["node"]: step["adjoint"] for step in data["backward"]}
    for name, number in adjoints.items():
        if truth.graph[name].op is not None and name in truth.graph.named.nodes:
            yield f"adjoint of {name}", number, truth.gradient_by_node(case.values, name)
    step = data["step"]
    moved = dict(case.values)
    for name, row in (step["parameters"] if step else {}).items():
        if name in gradients:
            yield f"gradient by {name}", row["gradient"], gradients[name]
            moved[name] = case.values[name] - RATE * gradients[name]
            yield f"{name} after the step", row["after"], moved[name]
    if step:
        yield "value before the step", step["before"], truth.value(case.values)
        yield "value after the step", step["after"], truth.value(moved)


@comparison()
def adjoint_sums(truth: Truth) -> Found:
    """The adjoints of a trace that are told entry by entry, over the values and adjoints that stand beside them."""
    case, graph = truth.case, _net(truth).graph
    roots = [name for name in graph.names(Role.PARAMETER, Role.INPUT) if name in graph.ancestors(case.output)]
    programme = matrix_programme(graph, case.output, roots)
    known = {case.output: 1.0} | {each.node: truth.gradient_by_node(case.values, each.node) for each in programme}
    for equation in programme:
        told = adjoint_sum(graph, equation, programme)
        if told:
            symbols = {each.symbol: known[each.node] for each in programme}
            tree = told.term.tree
            text, renamed = with_clear_names(graph.functions, lambda texts, tree=tree: texts.text(tree))
            values = {**node_values(truth), **symbols}
            others = {other: values[name] for name, other in renamed.items() if name in values}
            reader = PrintedFormulas({**values, **others}, graph.functions)
            shape = np.shape(known[equation.node])
            yield f"{equation.symbol} = {text}", reader.entries(text, told.indices, shape), known[equation.node]


@comparison(tolerance=PRINTED)
def printed_traces(truth: Truth) -> Found:
    """The last column of the tables of a trace, where arrays are printed whole."""
    case = truth.case
    text = write(trace_page(_net(truth).trace(case.values, case.output, RATE)), "text", Layout(width=WIDE))
    forward, _, rest = text.partition("Backward pass")
    for name, cell in _cells(forward):
        if name in truth.graph.named.nodes and truth.graph[name].op is not None:
            yield from _printed(f"printed value of {name}", cell, truth.value(case.values, name))
    _, _, step = rest.partition("One step of gradient descent")
    gradients = truth.gradients(case.values)
    for name, *cells in _rows(step):
        if name in gradients and len(cells) == 3:
            yield from _printed(f"printed gradient by {name}", cells[1], gradients[name])


def _rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        cells = [cell for cell in re.split(r" {3,}", line.strip()) if cell]
        if len(cells) > 1:
            yield cells


def _cells(text: str) -> Iterator[tuple[str, str]]:
    """The first and the last cell of each row."""
    yield from ((cells[0], cells[-1]) for cells in _rows(text))


def _printed(what: str, cell: str, truth: Array) -> Found:
    numbers = np.asarray(truth)
    if " of norm " in cell:
        yield f"norm, {what}", _read(cell.partition(" of norm ")[2])[0], np.linalg.norm(numbers.ravel())
    else:
        yield what, np.array(_read(cell)).reshape(numbers.shape), numbers


@comparison(tolerance=1e-7)
def wiggles(truth: Truth) -> Found:
    """The derivative by an entry, and what pushes of it change."""
    case, net = truth.case, _net(truth)
    if not truth.leaves:
        return
    random = np.random.default_rng(case.seed + 4)
    name = truth.leaves[int(random.integers(len(truth.leaves)))]
    place = tuple(int(random.integers(size)) for size in np.shape(case.values[name]))
    found = net.wiggle(case.values, case.output, entry_name(name, place))
    data = json.loads(write(wiggle_page(found), "json"))
    [row] = data["parameters"]
    value = truth.value(case.values)
    yield "value", data["value"], value
    yield f"derivative by {row['name']}", row["derivative"], truth.gradients(case.values)[name][place]
    for push in row["pushes"]:
        moved = np.array(case.values[name], float)
        moved[place] += push["by"]
        after = truth.value({**case.values, name: moved})
        if np.isfinite(after):
            # A change is a difference: it is right to the digits of what is subtracted.
            yield f"value after {push['by']}", push["change"] + value, after


@comparison()
def numeric_forms(truth: Truth) -> Found:
    """The numbers of terms and of paths, in JSON and in text, of an entry by an entry."""
    case, net = truth.case, _net(truth)
    node = inner_node(truth)
    random = np.random.default_rng(case.seed + 5)
    for name in [name for name in truth.leaves if name in truth.graph.ancestors(node)][:2]:
        place = tuple(int(random.integers(size)) for size in truth.graph[node].shape)
        entry = tuple(int(random.integers(size)) for size in np.shape(case.values[name]))
        derivation = net.derive(entry_name(node, place), wrt=entry_name(name, entry))
        expected = truth.gradients(case.values, node)[name][place + entry]
        if derivation.count > 500 or derivation.between_arrays:
            continue
        what = f"{entry_name(node, place)} by {entry_name(name, entry)}"
        data = json.loads(report(derivation, "numeric", "json", case.values))
        yield f"{what}, value", data["value"], expected
        terms = data["terms"]
        yield f"{what}, sum of terms", sum(term["value"] for term in terms), expected
        products = [np.prod(term["numbers"]) for term in terms]
        yield f"{what}, products", products, [term["value"] for term in terms]
        if derivation.count and derivation.of != derivation.wrt:
            head = report(derivation, "numeric", "text", case.values, 500).partition(", sum over")[0]
            yield f"{what}, printed", _read(head.rpartition("=")[2])[0], float(f"{expected:.6g}")
            view = PathsView(case.values, limit=500)
            paths = path_data(derivation, view)
            yield f"{what}, paths", [path["value"] for path in paths["paths"]], [term["value"] for term in terms]
            text = write(paths_page(derivation, view), "text").partition(";")[2].partition(";")[0]
            yield f"{what}, printed by paths", _read(text.rpartition("=")[2])[0], float(f"{expected:.6g}")


@comparison()
def matrices(truth: Truth) -> Found:
    """The matrix of a Jacobian, and its numbers as they are printed."""
    case, net = truth.case, _net(truth)
    node = inner_node(truth)
    names = [name for name in truth.leaves if name in truth.graph.ancestors(node)][:2]
    if not names:
        return
    found = MatrixReport(net.jacobian(node, names), case.values)
    expected = truth.gradients(case.values, node)
    rows = max(1, int(np.prod(truth.graph[node].shape, dtype=int)))
    blocks = [np.reshape(expected[name], (rows, -1)) for name in names]
    yield f"{node} by {names}", json.loads(write(found.page(), "json"))["matrix"], np.hstack(blocks)


@comparison(tolerance=LOOSE)
def hessians(truth: Truth) -> Found:
    """The matrix of second derivatives by the entries of one leaf, in JSON."""
    case, net = truth.case, _net(truth)
    names = [name for name in truth.leaves if np.size(case.values[name]) <= 6][:1]
    for name in names:
        found = MatrixReport(net.hessian(case.output, name), case.values)
        columns = []
        for place in np.ndindex(np.shape(case.values[name])):
            direction = np.zeros(np.shape(case.values[name]))
            direction[place] = 1.0
            columns.append(np.ravel(truth.hessian_product(case.values, {name: direction})[name]))
        yield f"second derivatives by {name}", json.loads(write(found.page(), "json"))["matrix"], np.array(columns)
