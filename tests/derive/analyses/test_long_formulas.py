"""Second derivatives where formulas written out entry by entry would be long: numbers always, formulas up to a size."""

from __future__ import annotations

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.document.reports.matrices import MatrixReport
from backpropsym.errors import LimitError
from backpropsym.formula.tree import size
from backpropsym.ops.differentiate import partials, partials_size

NESTED = """
inputs = {{}}
parameters = {{x = [{size}]}}
output = "loss"

[nodes]
p = "softmax(x)"
q = "{q}"
loss = "sum(tanh(q))"
"""


AT = np.linspace(-1.0, 0.5, 10)


def test_a_reduction_of_a_reduction_has_a_hessian_in_numbers() -> None:
    long = bp.loads(NESTED.format(size=10, q="layer_norm(p, eps=0.1)"))
    gradient, step = long.compile(), 1e-5
    slopes = [
        (gradient(x=AT + step * unit)[1]["x"] - gradient(x=AT - step * unit)[1]["x"]) / (2 * step)
        for unit in np.eye(10)
    ]
    assert np.allclose(long.hessian("loss", "x").evaluate(x=AT), slopes, rtol=1e-6, atol=1e-8)
    product = long.hessian("loss", "x").times({"x": np.ones(10)}, x=AT)
    assert np.allclose(list(product.values()), np.sum(slopes, axis=0), rtol=1e-6, atol=1e-8)


def test_its_formulas_are_refused_with_the_way_around_and_its_numbers_are_listed() -> None:
    long = bp.loads(NESTED.format(size=10, q="layer_norm(p)"))
    found = long.hessian("loss", "x")
    with pytest.raises(LimitError, match=r"written out entry by entry .* parts") as caught:
        found["x[0]", "x[1]"]
    assert "names of their own" in str(caught.value.problems[0].fix)
    data = MatrixReport(found, {"x": AT}, limit=2).data()
    first, second = data["entries"]
    assert (first["of"], first["count"], first["expression"]) == ("dloss_dx[0]", None, None)
    assert [first["value"], second["value"]] == data["matrix"][0][:2]
    with pytest.raises(LimitError):
        MatrixReport(found).data()


def test_the_size_of_derivatives_is_known_before_they_are_derived() -> None:
    for formula in ("tanh(a*b) + c", "a*b*(a + b*c)/(1 + c**2)", "exp(a)/(exp(a) + exp(b) + exp(c))", "a + b + c"):
        net = bp.loads(f'inputs = ["a", "b", "c"]\noutput = "y"\n[nodes]\ny = "{formula}"\n')
        tree = net.graph["y"].formula
        parts = sum(map(size, partials(tree, net.graph.functions).values()))
        assert parts / 4 <= partials_size(tree) <= 4 * parts


def test_with_its_steps_named_the_same_network_has_a_hessian() -> None:
    inline, named = (
        bp.loads(NESTED.format(size=3, q=q))
        for q in ("layer_norm(p, eps=0.1)", '(p - mean(p))/sqrt(v + 0.1)"\nv = "mean((p - m)**2)"\nm = "mean(p)')
    )
    at = np.array([0.3, -0.2, 0.5])
    assert np.allclose(named.hessian("loss", "x").evaluate(x=at), inline.hessian("loss", "x").evaluate(x=at))


def test_entries_of_a_listed_hessian_are_those_of_its_matrix() -> None:
    net = bp.loads(NESTED.format(size=3, q="p*p"))
    data = MatrixReport(net.hessian("loss", "x"), {"x": np.array([0.3, -0.2, 0.5])}).data()
    matrix, names = data["matrix"], data["names"]
    entries = {entry["wrt"]: entry["value"] for entry in data["entries"][:3]}
    assert entries == dict(zip(names, matrix[0], strict=True))
    part = net.hessian("loss", "x")[names[0], names[1]]
    assert matrix[0][1] == pytest.approx(part.evaluate(x=np.array([0.3, -0.2, 0.5])), rel=1e-12)
