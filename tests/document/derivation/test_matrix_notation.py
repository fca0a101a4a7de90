"""The signs of papers: what they say in numbers, and that no product of arrays has the sign of numbers."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import backpropsym as bp
from backpropsym.derive.forms.adjoint_programme import matrix_programme
from backpropsym.document.derivation.matrix_notation import MatrixNotation
from backpropsym.document.derivation.report import report
from backpropsym.document.writers.tree_writer import ONES
from backpropsym.formula.tree import Add, Call, Div, Expr, MatMul, Mul, Name, Neg, Number, Text

SOURCES = (
    "x[4] -> dense(8, gelu) -> layer_norm -> dense(3) -> softmax -> mse",
    "x[3,4] -> dense(2) -> softmax -> mse",
    "x[3,4] -> layer_norm -> dense(2, tanh) -> mse",
    "x[5] -> dense(3, tanh) -> dense(2) -> cross_entropy",
)


def programme(source: str) -> tuple[dict[str, Any], list[tuple[str, Expr]]]:
    """The values of the nodes and adjoints of a network, and each adjoint's formula as papers write it."""
    net = bp.parse(source)
    draw = np.random.default_rng(2)
    values: dict[str, Any] = {**net.init(seed=1)}
    values |= {name: draw.normal(size=shape) for name, shape in net.inputs.items()}
    values |= {name: draw.normal(size=shape) if shape else 1 for name, shape in net.targets.items()}
    steps = matrix_programme(net.graph, "loss", list(net.parameters))
    told = net.trace(values)
    known = {**values, **{step.node: step.value for step in told.forward}}
    known |= {step.symbol: step.adjoint for step in told.backward}
    notation = MatrixNotation(net.graph, {each.symbol: each.node for each in steps})
    return known, [(each.symbol, notation.written(each.right)) for each in steps]


FUNCTIONS: dict[str, Any] = {
    "tanh_prime": lambda x: 1 - np.tanh(x) ** 2,
    "gelu_prime": lambda x: (erf(x + 1e-6) * (x + 1e-6) - erf(x - 1e-6) * (x - 1e-6)) / 4e-6 + 0.5,
    "sqrt": np.sqrt,
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "onehot": lambda y, count: np.eye(int(count))[int(y)],
    "transpose": np.transpose,
    "outer": np.outer,
}
erf = np.vectorize(lambda x: math.erf(x / math.sqrt(2)))


def value(expr: Expr, known: Mapping[str, Any]) -> Any:
    """A formula as its signs say: sums by vectors of ones, arrays multiplied entry by entry by no sign of numbers."""
    match expr:
        case Number(number):
            return float(number)
        case Name(name):
            return known[name]
        case Add(terms):
            return functools.reduce(np.add, (value(term, known) for term in terms))
        case Neg(operand):
            return -value(operand, known)
        case Div(above, below):
            return value(above, known) / value(below, known)
        case MatMul(left, right):
            return value(left, known) @ value(right, known)
        case Mul(factors) | Call("entrywise", factors):
            values = [value(factor, known) for factor in factors]
            arrays = sum(np.size(each) > 1 for each in values)
            assert arrays == len(values) if isinstance(expr, Call) else arrays < 2
            return functools.reduce(np.multiply, values)
        case Call("sum", (array,), options) if isinstance(side := dict(options).get(ONES), Text):
            return summed(np.asarray(value(array, known)), side.value)
        case Call("mean" | "var" as name, (array,), options):
            axis = dict(options).get("axis")
            at = int(axis.value) if isinstance(axis, Number) else None
            return getattr(np, name)(value(array, known), axis=at, keepdims=at is not None)
        case Call(function, arguments, ()):
            return FUNCTIONS[function](*(value(argument, known) for argument in arguments))
    raise AssertionError(expr)


def summed(array: np.ndarray[Any, Any], side: str) -> Any:
    """An array times vectors of ones."""
    rows, columns = (np.ones((array.shape[at], 1)) if array.ndim == 2 else None for at in (0, -1))
    match side:
        case "left" if array.ndim == 1:
            return np.ones(len(array)) @ array
        case "left":
            return rows.T @ array
        case "left stretched":
            return rows @ rows.T @ array
        case "right":
            return array @ columns
        case "right stretched":
            return array @ columns @ columns.T
        case "transposed":
            return (array.T @ rows)[:, 0]
        case _:
            return (rows.T @ array @ columns)[0, 0]


@pytest.mark.parametrize("source", SOURCES)
def test_every_adjoint_is_what_its_formula_says_in_the_signs_of_papers(source: str) -> None:
    known, pairs = programme(source)
    for symbol, written in pairs:
        got = np.broadcast_to(value(written, known), np.shape(known[symbol]))
        np.testing.assert_allclose(got, known[symbol], rtol=1e-6, atol=1e-9, err_msg=symbol)


def test_ones_at_the_wrong_side_are_seen() -> None:
    """The planted error."""
    known, pairs = programme(SOURCES[1])
    symbol, written = next((symbol, tree) for symbol, tree in pairs if symbol == "delta_b1")
    assert isinstance(written, Call)
    wrong = Call("sum", written.arguments, (("axis", Number(Fraction(0))), (ONES, Text("right"))))
    with pytest.raises((AssertionError, ValueError)):
        np.testing.assert_allclose(np.broadcast_to(value(wrong, known), (2,)), known[symbol])


def test_sums_of_papers_in_each_medium() -> None:
    derivation = bp.parse(SOURCES[1]).derive("loss", wrt="b1")
    assert "(δ_softmax₁ − (δ_softmax₁ ⊙ softmax₁) 1 1ᵀ) ⊙ softmax₁" in report(derivation, "matrix")
    assert "δ_s₁ᵀ 1" in report(derivation, "matrix")
    latex = report(derivation, "matrix", "latex")
    assert r"\delta_{s_{1}}^{\top} \mathbf{1}" in latex and r"\odot" in latex and r"\circ" not in latex
    assert "bold(1)" in report(derivation, "matrix", "typst")
    plain = report(derivation, "matrix", ascii=True)
    assert "sum(delta_s1, axis=0)" in plain and "axis=1, keepdims=1" in plain
    assert "keeps the axis" not in latex + plain


def test_data_for_scripts_keep_their_words() -> None:
    data = json.loads(report(bp.parse(SOURCES[1]).derive("loss", wrt="b1"), "matrix", "json"))
    assert data["expression"].startswith("sum(entrywise(")
    assert ONES not in data["expression"]


def test_a_sum_over_one_place_is_that_place() -> None:
    told = report(bp.parse("x[2] -> dense(3, tanh) -> dense(1) -> mse").derive("loss", wrt="W1"), "index")
    assert "x[j] · tanh′(s₁[i]) · W₂[0,i] · 2 · (s₂[0] − y[0])" in told
    assert "∑" not in told


def test_what_a_function_is_stands_below_the_terms_that_call_it() -> None:
    net = bp.loads(
        'inputs = ["x"]\nparameters = ["w"]\noutput = "a"\n'
        '[nodes]\ns = "w*x"\nh = "tanh(s)"\nk = "gelu(s)"\na = "h + k"\n'
    )
    assert {"tanh′(x) =", "gelu′(x) ="} <= set(re.findall(r"\w+′\(x\) =", report(net.derive(wrt="w"))))
    assert re.findall(r"\w+′\(x\) =", report(net.derive(wrt="w"), limit=1)) == ["tanh′(x) ="]
