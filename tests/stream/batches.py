"""Random networks beside themselves: batches and their objects, parts and wholes, copies in another process."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

import backpropsym as bp
from tests.objects import PRODUCTS, Batch
from tests.stream.compare import BATCHES, Found, comparison, drawn_batch, inner_node, shared_sets
from tests.stream.truth import Truth

OF_NUMBA = 16
"""One of so many networks of numbers is compiled by Numba too, which takes seconds for each."""


@comparison(tolerance=1e-9)
def batches_of_all_products(truth: Truth) -> Found:
    """Every product of a batch is that of its objects, some inputs shared or not."""
    yield from _objects(truth, None, BATCHES)


@comparison(cheap=True, tolerance=1e-9)
def parts(truth: Truth) -> Found:
    """The same for a batch that is worked two objects at a time, the last one alone."""
    yield from _objects(truth, 2, BATCHES[2:])


def _objects(truth: Truth, part: int | None, counts: tuple[int, ...]) -> Found:
    case = truth.case
    alone, kernel = bp.compile(case.net), bp.compile(case.net, objects_at_once=part)
    nodes = list(dict.fromkeys([inner_node(truth), case.output]))
    for count in counts:
        for shared in shared_sets(case, count):
            values, _ = drawn_batch(case, count, shared)
            batch = Batch(case.net, values, count, shared, truth.leaves, nodes)
            for compared in PRODUCTS:
                for what, got, expected in compared(batch, kernel, alone):
                    yield f"{what}, {count} beside {sorted(shared)}, parts {part}", got, expected


@comparison(tolerance=1e-7)
def batches_of_other_kernels(truth: Truth) -> Found:
    """A saved module, full accuracy, and for numbers the other modes and a compiled loop."""
    case, default = truth.case, bp.compile(truth.case.net)
    kernels: dict[str, Any] = {"full": bp.compile(case.net, accuracy="full"), "saved": _saved(default.source)}
    if case.net.graph.scalar:
        kernels |= {mode: bp.compile(case.net, mode=mode) for mode in ("forward", "paths")}
        kernels |= {"forward, saved": _saved(kernels["forward"].source)}
        compiled = case.seed % OF_NUMBA == 1 and find_spec("numba") is not None
        kernels |= {"numba": bp.compile(case.net, engine="numba")} if compiled else {}
    for count in BATCHES:
        for shared in shared_sets(case, count):
            values, _ = drawn_batch(case, count, shared)
            value, gradients = default(**values)
            for which, kernel in kernels.items():
                got, slopes = kernel(**values)
                yield f"value, {which}, {count} beside {sorted(shared)}", got, value
                for name, expected in gradients.items():
                    yield f"by {name}, {which}, {count} beside {sorted(shared)}", slopes[name], expected


def _saved(source: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "saved"}
    exec(compile(source, "<saved>", "exec"), namespace)
    return namespace["kernel"]


@cache
def _worker() -> ProcessPoolExecutor:
    """One process for all that is sent, which shares nothing with this one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


@comparison(tolerance=0.0)
def sent_to_a_process(truth: Truth) -> Found:
    """A kernel after a call, its products, and a derivation give there what they give here."""
    case, kernel = truth.case, bp.compile(truth.case.net)
    kernel(**case.values)
    tasks: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {"kernel": (kernel, (), dict(case.values))}
    if truth.leaves:
        moved = {name: case.values[name] for name in truth.leaves}
        kernel.hvp(case.values, moved)
        tasks["hvp"] = kernel.hvp, (case.values, moved, truth.leaves), {}
        derivation = case.net.derive(case.output, wrt=truth.leaves[0])
        tasks["evaluated"] = derivation.evaluate, (), dict(case.values)
    answers = {what: _worker().submit(task, *given, **named) for what, (task, given, named) in tasks.items()}
    for what, (task, given, named) in tasks.items():
        for at, (got, expected) in enumerate(
            zip(_flat(answers[what].result()), _flat(task(*given, **named)), strict=True)
        ):
            yield f"{what}, result {at}", got, expected


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return list(found.values())
    return [found[0], *found[1].values()] if isinstance(found, tuple) else [found]
