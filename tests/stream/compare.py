"""Comparisons of everything a network gives with the plain truth. Each is one entry, and names what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import backpropsym as bp
from backpropsym.errors import LimitError
from tests.stream.generate import Case
from tests.stream.truth import Truth

Array = Any
BATCHES = (1, 2, 5)
LIMIT = "is beyond a documented limit"
LOOSE = 1e-5
"""For second derivatives, whose truth is a difference."""


@dataclass(frozen=True)
class Difference:
    """What a comparison got, and what it should have got."""

    comparison: str
    what: str
    got: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.comparison}: {self.what}\n  got      {_text(self.got)}\n  expected {_text(self.expected)}"


def _text(value: Any) -> str:
    return np.array2string(np.asarray(value), max_line_width=110, threshold=40).replace("\n", "\n           ")


Found = Iterator[tuple[str, Any, Any]]
Compare = Callable[[Truth], Found]


@dataclass(frozen=True)
class Comparison:
    """One comparison. Those that are not cheap run on fewer networks."""

    name: str
    run: Compare
    cheap: bool
    tolerance: float


COMPARISONS: dict[str, Comparison] = {}


def comparison(*, cheap: bool = False, tolerance: float = 1e-8) -> Callable[[Compare], Compare]:
    """Register a comparison: it yields what, got and expected."""

    def register(run: Compare) -> Compare:
        name = run.__name__.replace("_", " ")
        COMPARISONS[name] = Comparison(name, run, cheap, tolerance)
        return run

    return register


def differences(truth: Truth, names: Iterable[str]) -> list[Difference]:
    """What differs in a network, by these comparisons; an exception is a difference too."""
    return [difference for name in names for difference in _compared(COMPARISONS[name], truth)]


def _compared(entry: Comparison, truth: Truth) -> Iterator[Difference]:
    try:
        for what, got, expected in entry.run(truth):
            if not agrees(got, expected, entry.tolerance):
                yield Difference(entry.name, what, got, expected)
    except LimitError as error:
        yield Difference(entry.name, LIMIT, str(error), "a number")
    except bp.BackpropsymError as error:
        yield Difference(entry.name, "refused", str(error), "a number")
    except Exception as error:  # whatever comes is what this test looks for
        yield Difference(entry.name, "crashed", f"{type(error).__name__}: {error}", "a number")


def agrees(got: Any, expected: Any, tolerance: float) -> bool:
    """Whether two arrays have one shape and the same entries, up to a share of the largest."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape or got.dtype.kind not in "fiu":
        return False
    scale = 1.0 + np.max(np.abs(expected), initial=0.0)
    return bool(np.all(np.abs(got - expected) <= tolerance * scale))


def _grouped(got: Mapping[str, Any], expected: Mapping[str, Any], what: str) -> Found:
    for name in expected:
        yield f"{what} by {name}", got[name], expected[name]


@comparison(cheap=True)
def values(truth: Truth) -> Found:
    """The reference's own values with those of NumPy, which know the text and nothing of our graph."""
    case = truth.case
    for name, expected in case.expected.items():
        yield name, truth.value(case.values, name), expected


@comparison(cheap=True)
def one_object(truth: Truth) -> Found:
    """Value and gradients of a kernel."""
    yield from _one_object(truth, bp.compile(truth.case.net))


def _one_object(truth: Truth, kernel: Any) -> Found:
    case = truth.case
    value, gradients = kernel(**case.values)
    yield "value", value, truth.value(case.values)
    expected = truth.gradients(case.values)
    for name, gradient in gradients.items():
        zero = np.zeros(np.shape(case.values[name]))
        yield f"gradient by {name}", gradient, expected.get(name, zero)


@comparison(cheap=True)
def batches(truth: Truth) -> Found:
    """Means over batches, in which some inputs are shared."""
    kernel = bp.compile(truth.case.net)
    for count in BATCHES:
        for shared in shared_sets(truth.case, count):
            batch, objects = drawn_batch(truth.case, count, shared)
            value, gradients = kernel(**batch)
            label = f"batch of {count}" + (f" beside one {', '.join(sorted(shared))}" if shared else "")
            yield f"value, {label}", value, np.mean([truth.value(leaves) for leaves in objects])
            each = [truth.gradients(leaves) for leaves in objects]
            for name, gradient in gradients.items():
                zero = np.zeros(np.shape(truth.case.values[name]))
                mean = np.mean([slopes.get(name, zero) for slopes in each], axis=0)
                yield f"gradient by {name}, {label}", gradient, mean


def shared_sets(case: Case, count: int) -> list[frozenset[str]]:
    """No input shared, and where there are several, one or the other."""
    varying = [leaf.name for leaf in case.leaves if leaf.role in ("input", "target")]
    alone = [frozenset([name]) for name in varying[:2]] if len(varying) > 1 and count > 1 else []
    return [frozenset(), *alone]


def drawn_batch(case: Case, count: int, shared: frozenset[str]) -> tuple[dict[str, Array], list[dict[str, Array]]]:
    """Arrays of a batch, and the same object by object."""
    objects = [
        {name: case.values[name] if name in shared else value for name, value in leaves.items()}
        for leaves in case.objects(count)
    ]
    batch = {
        leaf.name: case.values[leaf.name]
        if leaf.role == "parameter" or leaf.name in shared
        else np.stack([leaves[leaf.name] for leaves in objects])
        for leaf in case.leaves
        if leaf.name in case.values
    }
    return batch, objects


@comparison(cheap=True)
def derivations(truth: Truth) -> Found:
    """The derivation of the output by each leaf, evaluated."""
    case = truth.case
    expected = truth.gradients(case.values)
    for name in truth.leaves:
        yield f"by {name}", case.net.derive(case.output, wrt=name).evaluate(**case.values), expected[name]


@comparison()
def derivations_of_batches(truth: Truth) -> Found:
    """Derivations evaluated on batches: the mean over objects, also beside shared inputs."""
    case = truth.case
    for count in BATCHES[:2]:
        for shared in shared_sets(case, count):
            batch, objects = drawn_batch(case, count, shared)
            each = [truth.gradients(leaves) for leaves in objects]
            for name in truth.leaves:
                got = case.net.derive(case.output, wrt=name).evaluate(**batch)
                expected = np.mean([slopes[name] for slopes in each], axis=0)
                yield f"by {name}, {count} beside {sorted(shared)}", got, expected


@comparison()
def derivations_of_inner_nodes(truth: Truth) -> Found:
    """A node with axes by a leaf, the node's axes first; and the output by that node, which stands for a leaf."""
    case, node = truth.case, inner_node(truth)
    slopes = truth.gradients(case.values, node)
    for name in [name for name in truth.leaves if name in truth.graph.ancestors(node)][:2]:
        yield f"{node} by {name}", case.net.derive(node, wrt=name).evaluate(**case.values), slopes[name]
    expected = truth.gradient_by_node(case.values, node)
    yield f"by {node}", case.net.derive(case.output, wrt=node).evaluate(**case.values), expected


@comparison(tolerance=1e-7)
def full_accuracy(truth: Truth) -> Found:
    """A kernel that computes every derivative to full accuracy."""
    yield from _one_object(truth, bp.compile(truth.case.net, accuracy="full"))


@comparison(tolerance=2e-4)
def single_precision(truth: Truth) -> Found:
    """A kernel on single-precision arrays gives single-precision gradients, near the truth."""
    case = truth.case
    singles = {
        name: np.asarray(value, None if np.asarray(value).dtype.kind == "i" else np.float32)
        for name, value in case.values.items()
    }
    value, gradients = bp.compile(case.net)(**singles)
    yield "value", value, truth.value(case.values)
    expected = truth.gradients(case.values)
    for name, gradient in gradients.items():
        yield f"gradient by {name}", gradient, expected.get(name, np.zeros(np.shape(case.values[name])))


@comparison()
def calls_apart(truth: Truth) -> Found:
    """What one call gave stays as it was after another, arrays of any layout are read, and none is written to."""
    kernel, case = bp.compile(truth.case.net), truth.case
    given = {name: _backwards(value) for name, value in case.values.items()}
    before = {name: np.copy(value) for name, value in given.items()}
    value, gradients = kernel(**given)
    batch, _ = drawn_batch(case, 2, frozenset())
    kernel(**batch)
    kernel(**{name: np.asarray(array) * 0 for name, array in given.items()})
    yield "value", value, truth.value(case.values)
    expected = truth.gradients(case.values)
    for name, gradient in gradients.items():
        yield f"gradient by {name}", gradient, expected.get(name, np.zeros(np.shape(case.values[name])))
        yield f"{name} as it was given", given[name], before[name]


def _backwards(value: Array) -> Array:
    """The same array with its axes in memory in reverse order, and read-only."""
    array = np.asfortranarray(np.asarray(value)[::-1])[::-1] if np.ndim(value) else np.asarray(value)
    array.setflags(write=False)
    return array


@comparison()
def saved_module(truth: Truth) -> Found:
    """The text of a kernel, run as a module of its own."""
    namespace: dict[str, Any] = {"__name__": "saved"}
    exec(compile(bp.compile(truth.case.net).source, "<saved>", "exec"), namespace)
    yield from _one_object(truth, namespace["kernel"])


@comparison()
def gradients_by_every_leaf(truth: Truth) -> Found:
    """The mean's gradients by inputs and targets too, in batches and for one object."""
    kernel, case = bp.compile(truth.case.net), truth.case
    value, gradients = kernel.gradients(case.values, truth.leaves)
    yield "value", value, truth.value(case.values)
    yield from _grouped(gradients, truth.gradients(case.values), "one object,")
    for count in BATCHES[1:]:
        for shared in shared_sets(case, count):
            batch, objects = drawn_batch(case, count, shared)
            value, gradients = kernel.gradients(batch, truth.leaves)
            each = [truth.gradients(leaves) for leaves in objects]
            yield f"value of {count}", value, np.mean([truth.value(leaves) for leaves in objects])
            for name in truth.leaves:
                rows = np.stack([slopes[name] for slopes in each])
                expected = rows / count if _varies(case, name, shared) else rows.mean(axis=0)
                yield f"by {name}, batch of {count} beside {sorted(shared)}", gradients[name], expected


def _varies(case: Case, name: str, shared: frozenset[str] = frozenset()) -> bool:
    role = next(leaf.role for leaf in case.leaves if leaf.name == name)
    return role != "parameter" and name not in shared


@comparison()
def per_object(truth: Truth) -> Found:
    """One row an object of value and gradients."""
    kernel, case = bp.compile(truth.case.net), truth.case
    for count in BATCHES:
        for shared in shared_sets(case, count):
            batch, objects = drawn_batch(case, count, shared)
            value, gradients = kernel.per_object(batch, truth.leaves)
            yield f"values of {count} beside {sorted(shared)}", value, [truth.value(leaves) for leaves in objects]
            each = [truth.gradients(leaves) for leaves in objects]
            for name in truth.leaves:
                yield f"by {name}, {count} beside {sorted(shared)}", gradients[name], [rows[name] for rows in each]


@comparison()
def intermediates(truth: Truth) -> Found:
    """Values of nodes, one row an object where they depend on one."""
    kernel, case = bp.compile(truth.case.net), truth.case
    for name, value in kernel.intermediates(case.values).items():
        yield name, value, truth.value(case.values, name)
    for count in BATCHES:
        batch, objects = drawn_batch(case, count, frozenset())
        for name, value in kernel.intermediates(batch).items():
            rows = [truth.value(leaves, name) for leaves in objects]
            expected = rows if name in truth.graph.batched else rows[0]
            yield f"{name}, batch of {count}", value, expected


@comparison()
def products_with_vectors(truth: Truth) -> Found:
    """Pull-backs of cotangents and push-forwards of tangents, of one object and of batches."""
    if not truth.leaves:
        return
    kernel, case = bp.compile(truth.case.net), truth.case
    node = inner_node(truth)
    random = np.random.default_rng(case.seed)
    cotangent = random.normal(size=truth.graph[node].shape)
    direction = {name: random.normal(size=np.shape(case.values[name])) for name in truth.leaves}
    slopes = truth.gradients(case.values, node)
    rank = np.ndim(cotangent)
    leaves = [name for name in truth.leaves if name in truth.graph.ancestors(node)]
    pulled = kernel.vjp(case.values, {node: cotangent}, leaves)
    for name in leaves:
        yield f"vjp of {node} by {name}", pulled[name], np.tensordot(cotangent, slopes[name], rank)
    pushed = kernel.jvp(case.values, direction, node)[node]
    terms = [np.tensordot(slopes[name], direction[name], np.ndim(direction[name])) for name in truth.leaves]
    yield f"jvp of {node}", pushed, sum(terms, np.zeros(np.shape(cotangent)))
    for name in leaves[:2]:
        yield f"jacobian of {node} by {name}", kernel.jacobian(case.values, node, name), slopes[name]
        batch, objects = drawn_batch(case, 2, frozenset())
        rows = [truth.gradients(each, node, [name])[name] for each in objects]
        expected = rows if node in truth.graph.batched else rows[0]
        yield f"jacobian of {node} by {name}, batch of 2", kernel.jacobian(batch, node, name), expected


def inner_node(truth: Truth) -> str:
    """The first node with axes, else the output: what is pulled back from and pushed forward to."""
    needed = truth.graph.ancestors(truth.case.output)
    names = [key.partition("[")[0] for key, _ in truth.case.nodes]
    inner = [name for name in names if name in needed and truth.graph[name].shape]
    smooth = [name for name in inner if set(truth.leaves) & truth.graph.ancestors(name)]
    return smooth[-1] if smooth else truth.case.output


@comparison(tolerance=LOOSE)
def second_derivatives(truth: Truth) -> Found:
    """The Hessian times a direction, of one object and of a batch."""
    kernel, case = bp.compile(truth.case.net), truth.case
    random = np.random.default_rng(case.seed + 1)
    direction = {name: random.normal(size=np.shape(case.values[name])) for name in truth.leaves}
    if not direction:
        return
    product = kernel.hvp(case.values, direction, truth.leaves)
    yield from _grouped(product, truth.hessian_product(case.values, direction), "hvp, one object,")
    parameters = {name: each for name, each in direction.items() if not _varies(case, name)}
    if parameters:
        batch, objects = drawn_batch(case, 2, frozenset())
        product = kernel.hvp(batch, parameters, list(parameters))
        each = [truth.hessian_product(leaves, parameters) for leaves in objects]
        for name in parameters:
            yield f"hvp by {name}, batch of 2", product[name], np.mean([rows[name] for rows in each], axis=0)


@comparison()
def other_modes(truth: Truth) -> Found:
    """Networks of numbers by tangents and by the explicit sum over paths."""
    case = truth.case
    if not case.net.graph.scalar:
        return
    yield from _one_object(truth, bp.compile(case.net, mode="forward"))
    yield from _one_object(truth, bp.compile(case.net, mode="paths"))


@comparison()
def entries(truth: Truth) -> Found:
    """Single entries of nodes by single entries of leaves, as explicit sums over paths."""
    case, random = truth.case, np.random.default_rng(truth.case.seed + 2)
    node = inner_node(truth)
    slopes = truth.gradients(case.values, node)
    for name in [name for name in truth.leaves if name in truth.graph.ancestors(node)][:2]:
        place = tuple(int(random.integers(size)) for size in truth.graph[node].shape)
        entry = tuple(int(random.integers(size)) for size in np.shape(case.values[name]))
        of, wrt = _entry(node, place), _entry(name, entry)
        net = case.net if not case.sizes else bp.Network(graph=truth.graph)
        yield f"{of} by {wrt}", net.derive(of, wrt=wrt).evaluate(**case.values), slopes[name][place + entry]


def _entry(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, place))}]" if place else name


@comparison(tolerance=LOOSE)
def second_derivatives_by_paths(truth: Truth) -> Found:
    """The output by two entries in turn, at numbers given in the call."""
    case = truth.case
    if not truth.leaves or case.sizes:
        return
    random = np.random.default_rng(case.seed + 3)
    name = truth.leaves[0]
    shape = np.shape(case.values[name])
    first, second = (tuple(int(random.integers(size)) for size in shape) for _ in range(2))
    direction = np.zeros(shape)
    direction[second] = 1.0
    expected = truth.hessian_product(case.values, {name: direction})[name][first]
    derivation = case.net.derive(case.output, wrt=[_entry(name, first), _entry(name, second)])
    yield f"by {_entry(name, first)} and {_entry(name, second)}", derivation.evaluate(**case.values), expected
