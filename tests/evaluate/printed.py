"""Every form of a network's derivatives as it is printed, against the reference interpreter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.derive.derivation import Derivation
from backpropsym.derive.entry_derivation import EntryDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.data import data
from backpropsym.errors import LimitError, PrintedError
from backpropsym.evaluate.differences import complex_step
from backpropsym.evaluate.leaf_arrays import choices
from backpropsym.evaluate.printed_data import PrintedData
from backpropsym.evaluate.reference import Reference
from backpropsym.graph.graph import Graph, Role

MOST_PATHS = 12
MOST_PLACES = 4
OF_ARRAYS = ("index", "matrix")
OF_ENTRIES = ("paths", "factored", "expanded", "backward", "forward")
Truth = Mapping[str, Any]


def random_leaves(graph: Graph, seed: int) -> dict[str, Any]:
    """Numbers for every leaf, away from zero; whole ones where they choose entries."""
    random, chosen = np.random.default_rng(seed), choices(graph)
    found: dict[str, Any] = {}
    for name, node in graph.nodes.items():
        if node.role in (Role.VALUE, Role.CONSTANT):
            continue
        if name in chosen:
            found[name] = random.integers(*chosen[name].drawn(name), size=node.shape).astype(float)
        else:
            found[name] = random.uniform(0.2, 1.5, size=node.shape) * random.choice([-1.0, 1.0], size=node.shape)
    return found


def steps_of_layers(graph: Graph) -> set[str]:
    """The nodes that no person named: printed texts must define them."""
    return set(graph.layer_steps)


def differences(graph: Graph, seed: int = 0, wrt: Sequence[str] | None = None) -> list[str]:
    """Where a printed form has another value than the derivative, or none, each as a line."""
    leaves = random_leaves(graph, seed)
    reference = Reference(graph, leaves)
    values = {name: reference.array(name) for name, node in graph.nodes.items() if node.named}
    of = graph.objective
    names = [name for name in wrt or graph.names(Role.PARAMETER) if TensorDerivation(graph, of, name).count]
    truth = complex_step(graph, leaves, of, names)
    random = np.random.default_rng(seed)
    return [line for name in names for line in _of_one(graph, of, name, values, truth[name], random)]


def spread(shape: Sequence[Any], most: int = MOST_PLACES) -> list[tuple[int, ...]]:
    """Positions spread over an array, the first and the last among them."""
    places = list(np.ndindex(*shape))
    chosen = np.linspace(0, len(places) - 1, min(most, len(places)), dtype=int)
    return [places[at] for at in chosen]


def _of_one(graph: Graph, of: str, wrt: str, values: Truth, right: Any, random: np.random.Generator) -> Iterator[str]:
    derivation = TensorDerivation(graph, of, wrt)
    if derivation.count <= MOST_PATHS:
        for form in OF_ARRAYS if not graph[of].shape else OF_ARRAYS[:1]:
            yield from compared(tensor_data(derivation, form), graph, values, right)
    of_at, wrt_at = (tuple(int(random.integers(size)) for size in graph[name].shape) for name in (of, wrt))
    entry = EntryDerivation(graph, (of, of_at), (wrt, wrt_at)) if not graph.scalar else None
    for form in OF_ENTRIES if entry is not None else ():
        yield from _of_entry(entry, form, graph, values, right[(*of_at, *wrt_at)])


def _of_entry(derivation: Derivation | None, form: str, graph: Graph, values: Truth, right: Any) -> Iterator[str]:
    assert derivation is not None
    if derivation.count > MOST_PATHS:
        return
    try:
        printed = data(derivation, form)
    except LimitError:
        return
    yield from compared(printed, graph, values, right)


def compared(printed: Mapping[str, Any], graph: Graph, values: Truth, right: Any) -> Iterator[str]:
    """The statements of printed data, and its definitions, that differ."""
    place = f"d{printed['of']}/d{printed['wrt']}, form {printed['form']}"
    unknown = steps_of_layers(graph)
    reader = PrintedData(printed, {k: v for k, v in values.items() if k not in unknown}, graph.functions)
    right = np.asarray(right)
    size = 1e-8 * max(1.0, float(np.max(np.abs(right), initial=0.0)))
    try:
        for name, array in reader.define({name: np.shape(value) for name, value in values.items()}).items():
            if not np.allclose(array, values[name], rtol=1e-9, atol=1e-12):
                yield f"{place}: the definition of {name} is {array}, and not {values[name]}"
        places = spread(right.shape)
        wanted = np.array([right[at] for at in places])
        for statement, value in reader.statements(right.shape, places):
            if not np.allclose(value, wanted, rtol=1e-8, atol=size):
                yield f"{place}: its {statement} is {value} at {places}, and not {wanted}"
    except PrintedError as error:
        yield f"{place}: {error}"
