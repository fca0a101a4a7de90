"""Every comparison of a check rejects what is planted for it, and names it; a right network passes all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.checks.arrays.sample_points import ArrayPoint
from backpropsym.checks.comparison_result import Outcome
from backpropsym.checks.comparisons import kernels, suite
from backpropsym.checks.comparisons.expected import exactly
from backpropsym.checks.comparisons.registry import Comparison, Pair, compare
from backpropsym.checks.comparisons.subject import Subject
from backpropsym.checks.plan import Plan
from backpropsym.document.reports import printed_comparisons
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.evaluate.number_systems import Switching
from backpropsym.kernels.api.derivative_products import Products
from backpropsym.kernels.backends.registry import BACKENDS
from tests.checks.array_networks import points_of
from tests.checks.kernel_plants import ARRAY_CHANGES, Change, in_entry, in_gradient, in_value, plant, rows_swapped

SMALL = bp.loads(
    """
inputs = {x = [3], u = [2]}
parameters = {W = [2, 3], b = [2]}
output = "a"

[nodes]
s = "W @ x + b*u"
z = "tanh(s)"
a = "sum(z*z) + exp(z[0])"
"""
)
SCALARS = bp.loads(
    """
inputs = ["x"]
parameters = ["v", "w"]
output = "a"

[nodes]
z = "tanh(w*x + v)"
a = "z*v + exp(w)"
"""
)


def subject_of(net: bp.Network, **options: Any) -> Subject:
    graph, points = points_of(net.graph, 3)
    return Subject(graph, points, np.random.default_rng(0), Plan(**options))


EVERY = {each.name: each for each in (*suite.BEFORE, *suite.FIRST, *suite.LAST) if not each.thorough}
BY_KERNEL = {name: each for name, each in EVERY.items() if each not in suite.BEFORE and name != "reference"}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("net", [SMALL, SCALARS], ids=["arrays", "scalars"])
def test_right_networks_agree(net: bp.Network, name: str) -> None:
    found, faults = compare(EVERY[name], subject_of(net))
    assert not faults
    assert not found.left
    scalars_only = "forward" in name or "paths" in name
    nothing = name == "finite" or (scalars_only and net is SMALL) or (name == "shared inputs" and net is SCALARS)
    assert found.outcome is (Outcome.ABSENT if nothing else Outcome.AGREES)


METHODS: dict[str, tuple[str, Callable[[Change], Change], str]] = {
    "gradients": ("gradients", lambda change: in_gradient("u", change), "da/du"),
    "per_object": ("per_object", lambda change: in_gradient("W", change), "da/dW"),
    "intermediates": ("intermediates", lambda change: in_entry("z", change), "z"),
    "vjp": ("vjp", lambda change: in_entry("b", change), "by b"),
    "jvp": ("jvp", lambda change: in_entry("z", change), "jvp of z"),
    "hvp": ("hvp", lambda change: in_entry("b", change), "by b"),
    "jacobian": ("jacobian", lambda change: change, "jacobian of z"),
}


def test_every_product_of_kernels_has_a_plant() -> None:
    methods = {name for name, method in vars(Products).items() if not name.startswith("_") and callable(method)}
    assert set(METHODS) == methods <= set(EVERY)


@pytest.mark.parametrize("change", ARRAY_CHANGES)
@pytest.mark.parametrize("name", METHODS)
def test_a_wrong_product_is_named(name: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if (name, change) == ("hvp", "off by a billionth"):
        return  # its truth is a difference of gradients
    method, within, place = METHODS[name]
    plant(monkeypatch, method, within(ARRAY_CHANGES[change]))
    found, faults = compare(EVERY[name], subject_of(SMALL))
    assert found.outcome is Outcome.DIFFERS
    assert faults[0].place.startswith(f"{name}: ") or faults[0].place == name
    assert place in faults[0].place or faults[0].place == name


@pytest.mark.parametrize("name", ["gradients", "per_object", "intermediates", "jvp", "jacobian"])
def test_two_objects_in_each_others_places_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, within, _ = METHODS[name]
    plant(monkeypatch, method, within(rows_swapped) if name != "jacobian" else rows_swapped)
    _, faults = compare(EVERY[name], subject_of(SMALL))
    assert faults[0].place.startswith(f"{name}: ")


CALLED = [name for name in BY_KERNEL if name not in METHODS and "module" not in name]


@pytest.mark.parametrize("change", ["scaled", "negated", "no number"])
@pytest.mark.parametrize("name", CALLED)
def test_a_wrong_value_of_a_kernel_is_named(name: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "call", in_value(ARRAY_CHANGES[change]))
    net = SCALARS if "forward" in name or "paths" in name else SMALL
    found, faults = compare(EVERY[name], subject_of(net))
    assert found.outcome is Outcome.DIFFERS
    assert faults[0].place.startswith(f"{name}: a")


@pytest.mark.parametrize("change", ["scaled", "off by a billionth", "no number"])
@pytest.mark.parametrize("name", [name for name in CALLED if "single" not in name])
def test_a_wrong_gradient_of_a_kernel_is_named(name: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, leaf = (SCALARS, "w") if "forward" in name or "paths" in name else (SMALL, "W")
    plant(monkeypatch, "call", in_gradient(leaf, ARRAY_CHANGES[change]))
    _, faults = compare(EVERY[name], subject_of(net))
    assert faults[0].place.startswith(f"{name}: da/d{leaf}")


def test_gradients_of_batches_alone_that_are_scaled_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right for one object, and twice as large for several."""
    compare_batches, right = EVERY["batches"], subject_of(SMALL)
    kernel = right.kernel()

    def wrong(**values: Any) -> Any:
        value, found = kernel(**values)
        return value, {name: each * (2 if np.ndim(values["x"]) > 1 else 1) for name, each in found.items()}

    monkeypatch.setattr(right, "kernel", lambda *_, **__: wrong)
    found, faults = compare(compare_batches, right)
    assert found.outcome is Outcome.DIFFERS
    assert faults[0].place.startswith("batches: da/dW, batch of 1")
    assert not compare(EVERY["kernel reverse (default accuracy)"], right)[1]


def test_a_saved_module_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "source", lambda text: text.replace("tanh", "sin"))
    _, faults = compare(EVERY["saved module"], subject_of(SMALL))
    assert faults and faults[0].place.startswith("saved module: ")


@pytest.mark.parametrize("change", ["scaled", "negated", "no number", "off by a billionth"])
@pytest.mark.parametrize("node", ["s", "z", "a"])
def test_a_wrong_value_of_a_node_is_named(node: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ArrayNetwork.apply

    def wrong(self: ArrayNetwork, name: str) -> Any:
        value = right(self, name)
        return ARRAY_CHANGES[change](value) if name == node else value

    monkeypatch.setattr(ArrayNetwork, "apply", wrong)
    graph, leaves = SMALL.graph, {name: np.ones(node.shape) for name, node in SMALL.graph.nodes.items() if not node.op}
    point = ArrayPoint(graph, leaves, Switching(graph.functions))
    _, faults = compare(EVERY["values"], Subject(graph, [point], np.random.default_rng(0)))
    assert faults[0].place.startswith(f"values: {node}")


def test_a_gradient_that_only_the_reference_can_tell_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ArrayNetwork.reverse

    def wrong(self: ArrayNetwork, of: str, seed: Any, magnitudes: bool = False) -> dict[str, Any]:
        found = right(self, of, seed, magnitudes)
        return found if magnitudes else {**found, "b": found["b"] * (1 + 1e-9)}

    monkeypatch.setattr(ArrayNetwork, "reverse", wrong)
    _, faults = compare(EVERY["reference"], subject_of(SMALL))
    assert faults[0].place.startswith("reference: da/db[")


def test_a_local_derivative_that_is_lost_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is infinite at the beginning of a root is not lost; what a branch that is not taken makes is."""
    text = 'parameters = {x = [3]}\noutput = "y"\n[nodes]\ny = "sum(sqrt(x))"\n[values]\nx = [0.0, 1.0, 4.0]'
    report = bp.loads(text).check()
    assert report.passed
    assert report.rows[0].verdict == "UNDEFINED"
    right = ArrayNetwork._pull

    def wrong(self: ArrayNetwork, node: Any, adjoint: Any) -> list[tuple[str, Any]]:
        lost = np.array([1.0, np.nan, 1.0])
        return [(name, part * lost if name == "x" else part) for name, part in right(self, node, adjoint)]

    monkeypatch.setattr(ArrayNetwork, "_pull", wrong)
    graph, points = points_of(bp.loads(text).graph, 1)
    (fault,) = compare(EVERY["finite"], Subject(graph, points, np.random.default_rng(0)))[1]
    assert fault.place == "finite: x[1] -> elementwise in y"
    assert fault.numeric == pytest.approx(0.5)


def test_a_value_that_is_lost_at_given_numbers_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ArrayNetwork.apply

    def wrong(self: ArrayNetwork, name: str) -> Any:
        found = right(self, name)
        return found * np.nan if name == "z" and np.all(self.values.get("x") == 7.0) else found

    monkeypatch.setattr(ArrayNetwork, "apply", wrong)
    report = SMALL.check(1, at={"x": [7.0, 7.0, 7.0], "u": [1.0, 2.0], "W": np.ones((2, 3)), "b": [0.0, 1.0]})
    assert not report.passed
    assert any(fault.place.startswith("values: z[") for fault in report.faults)


def test_what_the_time_does_not_reach_is_named_and_never_passed() -> None:
    report = SMALL.check(seconds=0.0)
    assert report.passed
    assert not report.complete
    assert {each.outcome for each in report.comparisons} <= {Outcome.UNREACHED, Outcome.AGREES, Outcome.ABSENT}
    assert {row.verdict for row in report.rows} == {"UNREACHED"}
    assert not any(row.passed for row in report.rows)
    assert "NOT COMPLETE" in report.summary
    assert "not reached: " in str(report)
    assert bp.example("lecture").check().complete


def test_a_crash_and_a_refusal_are_faults() -> None:
    def crash(subject: Subject) -> Iterator[Pair]:
        raise ZeroDivisionError("of all things")
        yield

    def refuse(subject: Subject) -> Iterator[Pair]:
        raise bp.BackpropsymError("not this one")
        yield

    subject = subject_of(SMALL)
    assert "ZeroDivisionError: of all things" in str(compare(Comparison("it", "", crash), subject)[1][0])
    assert "not this one" in str(compare(Comparison("it", "", refuse), subject)[1][0])


def test_nothing_is_compared_with_what_is_wrong() -> None:
    report = replace(SMALL.check(), comparisons=())
    assert not report.complete
    results, faults = suite.run(suite.FIRST, subject_of(SMALL), wrong=True)
    assert not faults
    assert {each.outcome for each in results} == {Outcome.UNREACHED}


PRINTED_PLANTS: dict[str, Callable[[str], str]] = {
    "scaled": lambda text: f"2*({text})",
    "negated": lambda text: f"-({text})",
    "a stale number": lambda text: f"{text} + 0.001",
    "a missing broadcast": lambda text: f"sum({text})",
}


@pytest.mark.parametrize("change", PRINTED_PLANTS)
def test_a_wrong_printed_form_is_named(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = printed_comparisons.tensor_data

    def wrong(derivation: Any, form: str) -> dict[str, Any]:
        found = right(derivation, form)
        changed = PRINTED_PLANTS[change](found["expression"])
        return {**found, "expression": changed} if form == "matrix" else found

    (printed,) = printed_comparisons.PRINTED
    assert not compare(printed, subject_of(SMALL))[1]
    monkeypatch.setattr(printed_comparisons, "tensor_data", wrong)
    (fault,) = compare(printed, subject_of(SMALL))[1]
    assert "as matrix, expression" in fault.place or "shape" in str(fault)


def test_printed_forms_are_a_part_of_every_check() -> None:
    names = {each.name: each for each in SCALARS.check().comparisons}
    assert names["printed"].outcome is Outcome.AGREES
    assert not names["printed"].left


@pytest.mark.parametrize("comparison", kernels.OTHERS, ids=lambda each: each.name)
def test_arrays_are_not_compared_with_kernels_for_numbers(comparison: Comparison) -> None:
    compared, faults = compare(comparison, subject_of(SMALL))
    assert not faults
    assert compared.outcome in (Outcome.AGREES, Outcome.ABSENT)


@pytest.mark.parametrize("comparison", kernels.other_engines(), ids=lambda each: each.name)
def test_arrays_are_compared_with_the_engines_that_have_them_and_are_installed(comparison: Comparison) -> None:
    (backend,) = (each for each in BACKENDS.values() if f"engine {each.name})" in comparison.name)
    compared, faults = compare(comparison, subject_of(SMALL))
    assert not faults
    if not backend.arrays:
        assert compared.outcome is Outcome.ABSENT
    elif all(find_spec(package.module) for package in backend.needs):
        assert compared.outcome is Outcome.AGREES
    else:
        assert compared.outcome is Outcome.UNREACHED and "is not installed" in compared.left


def test_what_is_too_long_to_be_read_back_is_told() -> None:
    terms = " + ".join(f"tanh({k}*w*x)" for k in range(1, 26))
    net = bp.loads(f'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n[nodes]\na = "b/25"\nb = "{terms}"\n')
    many = net.at_level("ops")
    (printed,) = (each for each in many.check().comparisons if each.name == "printed")
    assert "25 paths" in printed.left


POSITIONS = """
inputs = {x = [3], q = [], t = [3]}
parameters = {w = [5], E = [4, 3]}
output = "a"
[nodes]
"""


@pytest.mark.parametrize("nodes", [
    '"y[i]" = "w[i + q]*x[t[i]]"\na = "sum(y*y) + sum(E)"',
    '"y[i]" = "sum(w[i + j]*E[t[i] + 1, j], (j, 0, 2))"\na = "sum(y*y)"',
    '"y[i]" = "w[q - i + 2]*E[t[i], i]*E[3 - t[i], q]"\na = "sum(y*y)"',
])  # fmt: skip
def test_positions_that_are_read_from_arrays_pass(nodes: str) -> None:
    bp.loads(POSITIONS + nodes).check(samples=2).raise_for_failure()


def test_numbers_without_a_truth_are_not_counted() -> None:
    def run(subject: Subject) -> Iterator[Pair]:
        nothing = np.full(3, np.nan)
        yield Pair("three", np.zeros(3), replace(exactly(0.0), right=nothing, size=nothing))

    compared, faults = compare(Comparison("planted", "nothing", run), subject_of(SMALL))
    assert (compared.numbers, compared.outcome, faults) == (0, Outcome.UNREACHED, ())
    assert compared.left.startswith("3 numbers: ")


def test_of_a_large_network_matrix_notation_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    large = bp.parse("x[90] -> dense(80, tanh) -> dense(3) -> mse")
    right = printed_comparisons.tensor_data

    def without_factor(derivation: Any, form: str) -> dict[str, Any]:
        found = right(derivation, form)
        return {**found, "expression": found["expression"].replace("transpose(W2)", "transpose(2*W2)")}

    (printed,) = printed_comparisons.PRINTED
    compared, faults = compare(printed, subject_of(large))
    assert (compared.outcome, faults) == (Outcome.AGREES, ())
    assert "only matrix notation" in compared.left
    monkeypatch.setattr(printed_comparisons, "tensor_data", without_factor)
    (fault,) = compare(printed, subject_of(large))[1]
    assert "as matrix, expression" in fault.place
