"""How work grows with the network, and how derivation compares with SymPy's diff."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import sympy as sp
from measure import OWN, Row, rows, seconds
from networks import Dense

import backpropsym as bp
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.forms.programme import adjoints
from backpropsym.derive.local.links import LocalDerivatives
from backpropsym.graph.graph import Graph
from backpropsym.kernels.api.compile import compile_kernel

SHAPES = {1_000: (10, 10), 10_000: (25, 16), 100_000: (50, 40)}


def growth_rows(largest: int) -> list[Row]:
    """Load, count, backward programme and compile on fully connected networks; ratios are to a tenth of the size."""
    table: dict[str, list[Row]] = {}
    before: dict[str, float] = {}
    for links, (width, layers) in SHAPES.items():
        if links <= largest:
            times = _stages(Dense((width,) * (layers + 1) + (1,)), repeats=5 if links < 50_000 else 1)
            for stage, each in times.items():
                ratio = each / before[stage] if stage in before else float("nan")
                table.setdefault(stage, []).append(Row(f"growth: {stage}", f"{links:,} links", each, ratio))
            before = times
    return [row for stage in table.values() for row in stage]


def _stages(network: Dense, repeats: int) -> dict[str, float]:
    """The median time of each stage on a graph that knows nothing yet."""
    text = network.toml()
    graph = bp.loads(text).graph
    first = network.weights[0]
    return {
        "load": seconds(lambda: bp.loads(text), repeats),
        "count paths": seconds(lambda: Derivation(LocalDerivatives(replace(graph)), "loss", first).count, repeats),
        "backward programme": seconds(lambda: _backward(replace(graph)), repeats),
        "path analytics": seconds(lambda: _analytics(replace(graph), first, network), repeats),
        "100 strongest paths": seconds(lambda: _strongest(replace(graph), first, network), repeats),
        "compile kernel": seconds(lambda: compile_kernel(replace(graph)), repeats),
    }


def _backward(graph: Graph) -> None:
    """One adjoint equation a node, each with its right side."""
    adjoints(LocalDerivatives(graph), "loss").right_sides()


def _analytics(graph: Graph, wrt: str, network: Dense) -> None:
    """Count, sum, strongest path, entropy, lengths and the rest of the paths of one derivative."""
    Derivation(LocalDerivatives(graph), "loss", wrt).analytics(network.values())


def _strongest(graph: Graph, wrt: str, network: Dense) -> None:
    """The hundred strongest of up to 10**65 paths."""
    derivation = Derivation(LocalDerivatives(graph), "loss", wrt)
    numbers = derivation.numbers_at_one_object(network.values())
    list(itertools.islice(derivation.space.strongest(numbers.__getitem__), 100))


def derivation_rows(widths: tuple[int, ...]) -> list[Row]:
    """All gradients of a tanh network: a backward programme with SymPy factors, and SymPy's diff of the whole loss."""
    network = Dense(widths)
    net = bp.loads(network.toml())
    composed = _composed(network)
    times = {
        OWN: seconds(lambda: _programme(replace(net.graph)), repeats=5),
        "sympy.diff": seconds(lambda: [composed.diff(sp.Symbol(name, real=True)) for name in network.weights]),
    }
    name = "-".join(map(str, widths))
    return rows(f"derive all {len(network.weights)} gradients, {name} tanh", times, {OWN: "backward programme"})


def _programme(graph: Graph) -> list[Any]:
    """The equations of the backward programme, their factors in SymPy."""
    steps = adjoints(LocalDerivatives(graph), "loss")
    table = graph.functions
    return [
        [
            (steps.symbols[name], table.symbolic.expression(table.written(steps.local[link])))
            for name, link in each.parts
        ]
        for each in steps.equations
    ]


def _composed(network: Dense) -> sp.Expr:
    """The loss as one SymPy expression."""
    values = {name: sp.Symbol(name, real=True) for name in [*network.inputs, "y", *network.weights]}
    return network.loss({"tanh": sp.tanh}, values)
