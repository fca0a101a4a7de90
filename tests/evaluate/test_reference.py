"""The plain truth against numbers worked out by hand, NumPy and itself in other number systems."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.errors import AbstractFunctionError, ValuesError
from backpropsym.evaluate.differences import ExactPoint, complex_step, exact_differences
from backpropsym.evaluate.number_systems import Spread, SpreadArithmetic
from backpropsym.evaluate.reference import Reference
from backpropsym.graph.graph import Role
from tests.derive.arrays.networks import NETWORKS, numbers

BY_HAND = {
    "x + y": ([[11.0, 22.0], [13.0, 24.0]], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "sum(x, axis=0) - y": ([-6.0, -14.0], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "max(x, axis=1)*min(x)": ([2.0, 4.0], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [0.0, 0.0]}),
    "var(x, axis=1) + mean(y)": ([15.25, 15.25], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "x @ y": ([50.0, 110.0], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "transpose(x)[1] + y[::-1]": ([22.0, 14.0], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "pad(y, (1, 0))[0:2] + concat(y, y)[2:4]": ([10.0, 30.0], {"x": [[0.0, 0.0], [0.0, 0.0]], "y": [10.0, 20.0]}),
    'einsum("ii,i->i", x, y)': ([10.0, 80.0], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "max_pool1d(x, 2) + sum(y)": ([[32.0], [34.0]], {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [10.0, 20.0]}),
    "where(y > 15, log(y), y)": ([10.0, np.log(20.0)], {"x": [[0.0, 0.0], [0.0, 0.0]], "y": [10.0, 20.0]}),
}


@pytest.mark.parametrize("formula", BY_HAND)
def test_entries_are_what_a_person_works_out(formula: str) -> None:
    expected, leaves = BY_HAND[formula]
    quoted = f"'{formula}'" if '"' in formula else f'"{formula}"'
    net = bp.loads(f'inputs = {{x = [2, 2], y = [2]}}\noutput = "a"\n[nodes]\na = {quoted}\n')
    np.testing.assert_allclose(Reference(net.graph, leaves).array("a"), expected, rtol=1e-15)


@pytest.mark.parametrize("name", NETWORKS)
def test_derivatives_agree_between_number_systems(name: str) -> None:
    """The complex step takes branches and stable spellings, differences in many digits only definitions."""
    text, of = NETWORKS[name]
    graph = bp.loads(text).graph
    leaves = numbers(graph, np.random.default_rng(0))
    wrt = [parameter for parameter in graph.names(Role.PARAMETER) if parameter in graph.ancestors(of)][:2]
    wrt = wrt or [name for name in graph.names(Role.INPUT) if name in graph.ancestors(of)][:1]
    assert wrt
    stepped = complex_step(graph, leaves, of, wrt)
    exact = exact_differences(graph, leaves, of, wrt)
    for leaf in wrt:
        np.testing.assert_allclose(stepped[leaf], exact[leaf], rtol=1e-10, atol=1e-12)


def test_a_jacobian_has_the_axes_of_the_node_first() -> None:
    net = bp.loads('inputs = {x = [3]}\nparameters = {W = [2, 3]}\noutput = "a"\n[nodes]\na = "W @ x"\n')
    leaves = {"x": np.array([1.0, 2.0, 3.0]), "W": np.zeros((2, 3))}
    slopes = complex_step(net.graph, leaves, "a", ["W", "x"])
    np.testing.assert_array_equal(slopes["W"], np.einsum("oi,k->oik", np.eye(2), leaves["x"]))
    np.testing.assert_array_equal(slopes["x"], np.zeros((2, 3)))


def test_slopes_on_both_sides_of_a_kink() -> None:
    net = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "max(x, 0) - 2*max(-x, 0)"\n')
    left, right = ExactPoint(net.graph, {"x": 0.0}).one_sided_slopes("a", "x")
    assert (float(left), float(right)) == (2.0, 1.0)


@pytest.mark.parametrize(("w", "slope"), [(1e-18, 1.0), (-1e-18, 0.0), (1e-22, 0.505), (0.0, 0.5), (-1e-22, 0.495)])
def test_a_kink_is_only_seen_within_a_step_of_a_third_of_the_digits(w: float, slope: float) -> None:
    """In sixty digits the step is 1e-20; there the difference is the mean of the slopes over both sides."""
    graph = bp.loads('parameters = ["w"]\noutput = "a"\n[nodes]\na = "relu(w)"\n').graph
    assert exact_differences(graph, {"w": w}, "a", ["w"], digits=60)["w"] == pytest.approx(slope, rel=1e-12)


def test_second_slopes() -> None:
    net = bp.loads('inputs = {x = [2]}\noutput = "a"\n[nodes]\na = "x[0]**3*x[1]**2"\n')
    point = ExactPoint(net.graph, {"x": [2.0, 3.0]})
    hessian = [[float(point.second_slope("a", ("x", (i,)), ("x", (j,)))) for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_allclose(hessian, [[108.0, 72.0], [72.0, 16.0]], rtol=1e-12)


def test_a_branch_that_is_not_taken_is_not_computed() -> None:
    net = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "where(x > 0, log(x), x)"\n')
    assert complex_step(net.graph, {"x": -1.0}, "a", ["x"])["x"] == 1.0


def test_mistakes_are_errors_of_ours() -> None:
    net = bp.loads('inputs = {x = [3]}\ntargets = ["k"]\noutput = "a"\n[nodes]\na = "x[k]"\n')
    with pytest.raises(ValuesError, match="x has no entry"):
        Reference(net.graph, {"x": [1.0, 2.0, 3.0], "k": 3.0}).array("a")
    with pytest.raises(ValuesError, match="k has no numbers"):
        Reference(net.graph, {"x": [1.0, 2.0, 3.0]}).array("a")
    symbolic = bp.loads('inputs = {x = ["n"]}\noutput = "a"\n[nodes]\na = "sum(x)"\n')
    with pytest.raises(ValuesError, match="size n is no number"):
        Reference(symbolic.graph, {"x": [1.0]}).array("a")
    abstract = bp.loads('inputs = ["x"]\noutput = "a"\n[nodes]\na = "f(x)"\n[functions]\nf = "abstract"\n')
    with pytest.raises(AbstractFunctionError, match="f is abstract"):
        Reference(abstract.graph, {"x": 1.0}).array("a")


def test_magnitudes_are_the_sum_of_the_absolute_path_products() -> None:
    """The number system of magnitudes: what bounds the rounding of a derivative, as an explicit sum over paths."""
    net = bp.example("lecture")
    leaves = {name: Spread(np.float64(value), 0.0) for name, value in net.graph.values.items()}
    leaves["w11"] = Spread(leaves["w11"].value, 1.0)
    arrays = {name: np.array(value, object) for name, value in leaves.items()}
    output = Reference(net.graph, arrays, SpreadArithmetic()).array("a")[()]
    terms = net.derive("a", wrt="w11").numeric()
    assert output.spread == sum(abs(term.value) for term in terms) > 0
