"""Every form of a derivative as it is printed, read back as text: its value is the derivative, its shape too."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import sympy as sp

import backpropsym as bp
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.document.derivation.data import data
from backpropsym.document.derivation.report import report
from backpropsym.errors import PrintedError
from backpropsym.evaluate.printed_data import PrintedData
from backpropsym.evaluate.printed_formulas import PrintedFormulas
from backpropsym.evaluate.printed_words import words
from backpropsym.evaluate.reference import Reference
from backpropsym.ops.function_table import FunctionTable
from tests.derive.arrays.networks import NETWORKS
from tests.evaluate.printed import compared, differences, random_leaves

LONG = ("gru, options", "lstm, options", "two layers", "attention, bias", "attention, mask", "multi-head attention")


def network(nodes: dict[str, str], parameters: dict[str, list[int]], inputs: dict[str, list[int]] | None = None) -> str:
    """A network file whose output, and what is derived, is the number `l`."""
    shapes = [", ".join(f"{name} = {size}" for name, size in each.items()) for each in (inputs or {}, parameters)]
    lines = [f"inputs = {{{shapes[0]}}}", f"parameters = {{{shapes[1]}}}", 'output = "l"', "[nodes]"]
    return "\n".join([*lines, *(f"{name} = '{formula}'" for name, formula in nodes.items())])


SMALL = {
    "broadcast adjoint": network(
        {"s": "x @ transpose(W) + b", "l": "sum(s*z)"}, {"W": [2, 3], "b": [2], "z": [2]}, {"x": [4, 3]}
    ),
    "broadcast adjoint in one formula": network(
        {"l": "sum((x @ transpose(W) + b)*z)"}, {"W": [2, 3], "b": [2], "z": [2]}, {"x": [4, 3]}
    ),
    "letters of one operand": network({"h": 'einsum("ij,kl->ik", A, B)', "l": "sum(h*h)"}, {"A": [2, 3], "B": [2, 4]}),
    "letters of one operand in one formula": network(
        {"l": 'sum(einsum("ij,kl->ik", A, B))'}, {"A": [2, 3], "B": [2, 4]}
    ),
    "diagonal": network({"h": 'einsum("ii,ij->j", A, B)', "l": "sum(h*h)"}, {"A": [3, 3], "B": [3, 2]}),
    "reversal": network({"h": "w[::-1][0:2]", "l": "sum(h*h*v)"}, {"w": [4], "v": [2]}),
    "strides": network({"h": "w[3:0:-2, 1:]*v", "l": "sum(h*h)"}, {"w": [4, 3], "v": [2]}),
    "pad": network({"h": "pad(w, (1, 2))*v", "l": "sum(h*h)"}, {"w": [2], "v": [5]}),
    "pad in one formula": network({"l": "sum(square(pad(w, (1, 2))*v))"}, {"w": [2], "v": [5]}),
    "upsample": network({"h": "upsample(w, 2)", "l": "sum(h*h*h)"}, {"w": [2, 3]}),
    "concat": network({"h": "concat(a, b, axis=1)", "l": "sum(h*h*h)"}, {"a": [2, 1], "b": [2, 3]}),
    "concat in one formula": network(
        {"l": "sum(square(concat(a, b, axis=1)) @ v)"}, {"a": [2, 1], "b": [2, 3], "v": [4]}
    ),
    "stack": network({"h": "stack(a, b, axis=1) @ c", "l": "sum(h*h)"}, {"a": [3], "b": [3], "c": [2]}),
    "stack of scalars": network({"a": "L[0]**2", "l": "logsumexp(stack(a, a*L[1]))"}, {"L": [2]}),
    "an axis of one": network({"h": "w*v", "l": "sum(h*h*h)"}, {"w": [3, 1], "v": [3, 4]}),
    "a vector of one": network({"h": "w*v", "l": "sum(h*h*h)"}, {"w": [1], "v": [4]}),
    "reduction that keeps nothing": network({"l": "sum((w - mean(w))*v) + var(w)"}, {"w": [1, 3], "v": [4, 3]}),
    "crossed reductions": network({"l": "sum(logsumexp(W, axis=0)*logsumexp(Z, axis=1))"}, {"W": [3, 3], "Z": [3, 3]}),
    "gather by data": network({"h": "gather(T, y)", "l": "sum(h*h*h)"}, {"T": [4, 2]}, {"y": [3]}),
    "a row by data": network({"h": "T[y]", "l": "sum(h*h*h) + T[y, 1]"}, {"T": [4, 2]}, {"y": []}),
    "one array twice in a row": network(
        {
            "u": 'concat(einsum("ij,ij,ik->kj", w, w, y), einsum("ij,ij,ik->kj", w, w, y), axis=1)',
            "l": "sum(tanh(u))",
        },
        {"w": [2, 4], "y": [2, 3]},
    ),
    "a divisor outside of a sum": network({"h": "(x + b)/7", "l": "sum(h*h)"}, {"b": [3]}, {"x": [2, 3]}),
    "a sum that cancels": network({"l": "sum((W + b - W)*b) + sum(W - W)"}, {"W": [2, 3], "b": [3]}),
    "moved axes": network(
        {"h": "transpose(reshape(W, 2, 3, 2), axes=(1, 0, 2))", "l": "sum(mean(h, axis=1)*v)"},
        {"W": [3, 4], "v": [3, 2]},
    ),
    "largest of a product": network({"l": "max(W @ x)"}, {"W": [2, 3], "x": [3]}),
    "extremes over axes": network(
        {"h": "max(W, axis=(0, 2))*v", "l": "sum(h) + sum(min(W, axis=1))"}, {"W": [2, 3, 2], "v": [3]}
    ),
    "index definition": network(
        {'"h[i, j]"': "sum(A[i, k]*B[k, j + 1], (k, 0, 1)) + A[j, i]", "l": "sum(h*h)"}, {"A": [2, 2], "B": [2, 3]}
    ),
    "nodes called like adjoints": network({"delta_s": "2*w", "s": "w*delta_s", "l": "sum(s*s)"}, {"w": [3]}),
}


@pytest.mark.parametrize("name", SMALL)
def test_printed_forms_of_small_networks_have_the_value_of_the_derivative(name: str) -> None:
    assert differences(bp.loads(SMALL[name]).graph) == []


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in LONG])
def test_printed_forms_of_every_op_have_the_value_of_the_derivative(name: str) -> None:
    graph = bp.loads(NETWORKS[name][0]).graph
    if not graph.symbols:
        assert differences(graph) == []


PERCEPTRON = """
inputs = {x = [3, 2]}
parameters = {W = [4, 2], b = [4], v = [4]}
output = "l"
[nodes]
s = "x @ transpose(W) + b"
z = "tanh(s)"
l = "sum(z*v)"
"""

PLANTS: dict[str, tuple[str, str, str, str]] = {
    "a broadcast is missing": ("W", "matrix", "delta_z", "entrywise(v, ones(z)) -> v"),
    "a sum over a wrong axis": ("b", "matrix", "delta_b", "sum(delta_s, axes(0)) -> sum(delta_s, axes(1))"),
    "a missing sum": ("b", "matrix", "delta_b", "sum(delta_s, axes(0)) -> delta_s"),
    "a kept axis": ("b", "matrix", "delta_b", "sum(delta_s, axes(0)) -> sum(delta_s, axes(0), 1)"),
    "a missing factor": ("W", "matrix", "delta_s", "entrywise(delta_z, 1 - tanh(s)**2) -> delta_z"),
    "a factor in place of another": ("W", "matrix", "delta_s", "1 - tanh(s)**2 -> 1 - tanh(s)"),
    "a missing transpose": ("W", "matrix", "delta_W", "transpose(delta_s) -> delta_s"),
    "a wrong operand": ("W", "matrix", "delta_W", ", x) -> , 2*x)"),
}


def _planted(printed: dict[str, Any], symbol: str, change: str) -> dict[str, Any]:
    """The data with one equation changed."""
    old, new = change.split(" -> ")
    for equation in printed["equations"]:
        if equation["symbol"] == symbol:
            assert old in equation["expression"], equation["expression"]
            equation["expression"] = equation["expression"].replace(old, new)
            return printed
    raise AssertionError(symbol)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_wrong_matrix_form_is_rejected(plant: str) -> None:
    wrt, form, symbol, change = PLANTS[plant]
    graph = bp.loads(PERCEPTRON).graph
    leaves = random_leaves(graph, 3)
    values = {name: Reference(graph, leaves).array(name) for name in graph.named.nodes}
    right = TensorDerivation(graph, "l", wrt).evaluate(**leaves)
    printed = tensor_data(TensorDerivation(graph, "l", wrt), form)
    assert list(compared(printed, graph, values, right)) == []
    assert list(compared(_planted(printed, symbol, change), graph, values, right))


INDEX_PLANTS = ("(k, 0, 2) -> (k, 0, 1)", "x[k,j] -> x[j,k]", "v[i] -> v[j]", "*v[i] -> ", "(k, 0, 2) -> (k, 0, 3)")


@pytest.mark.parametrize("change", INDEX_PLANTS)
def test_a_wrong_index_form_is_rejected(change: str) -> None:
    graph = bp.loads(PERCEPTRON).graph
    leaves = random_leaves(graph, 3)
    values = {name: Reference(graph, leaves).array(name) for name in graph.named.nodes}
    derivation = TensorDerivation(graph, "l", "W")
    printed = tensor_data(derivation, "index")
    old, new = change.split(" -> ")
    assert old in printed["expression"]
    printed["expression"] = printed["expression"].replace(old, new)
    assert list(compared(printed, graph, values, derivation.evaluate(**leaves)))


@pytest.mark.parametrize("wrong", [False, True])
def test_the_two_derivatives_about_the_output_have_the_product_that_is_derived(wrong: bool) -> None:
    """dloss/dw11 as dloss/da * da/dw11; a wrong one of the two is rejected."""
    net = bp.example("lecture")
    values = {name: Reference(net.graph, net.values).array(name) for name in net.graph.named.nodes}
    derivation = net.derive("loss", wrt="w11")
    printed = data(derivation, "paths")
    if wrong:
        printed["outer"][0]["expression"] += " + 1"
    told = list(compared(printed, net.graph, values, derivation.evaluate(**net.values)))
    assert ["its outer is" in line for line in told] == [True] * wrong


def test_a_factor_is_read_outside_of_its_array_only_beside_one_that_is_zero() -> None:
    term = {"product": "0", "factors": ["w", "x[3]"]}
    printed = {"form": "index", "expression": None, "terms": [term], "count": 1}

    def statements(w: float) -> dict[str, Any]:
        return dict(PrintedData(printed, {"w": w, "x": np.ones(3)}, FunctionTable()).statements(()))

    assert statements(0.0)["factors"] == 0.0
    with pytest.raises(PrintedError, match="out of bounds"):
        statements(2.0)


REFUSED = {
    "x + w": "broadcast",
    "matmul(x, w)": "matmul",
    "x[2]": "out of bounds",
    "x[-1]": "read at",
    "x[1/2]": "no position",
    "y": "names y",
    "scale(x)": "calls scale",
    "x +": "cannot be read",
    "outer(x, M)": "two vectors",
    "[x]": "no part",
    "slices(x, (0, 4, 1))": "on an axis of 2",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_not_fit_as_it_is_written_is_refused(text: str) -> None:
    values = {"x": np.ones(2), "w": np.ones(3), "M": np.ones((2, 2))}
    with pytest.raises(PrintedError, match=REFUSED[text]):
        PrintedFormulas(values, FunctionTable()).value(text)


def test_a_value_of_another_shape_is_refused() -> None:
    formulas = PrintedFormulas({"x": np.ones((1, 2))}, FunctionTable())
    with pytest.raises(PrintedError, match=r"the shape \(1, 2\), expected \(2,\)"):
        formulas.array("2*x", (2,))


@pytest.mark.parametrize("word", words())
def test_every_word_has_an_example_that_sympy_reads_and_that_has_a_value(word: str) -> None:
    example = words()[word].example
    functions = {each: sp.Function(each) for each in re.findall(r"[A-Za-z_]+(?=\()", example)}
    sympy_has = ("Sum", "Piecewise", "And", "KroneckerDelta", "floor", "Mod")
    nodes = {each: sp.IndexedBase(each) for each in "xd"}
    local = {key: value for key, value in functions.items() if key not in sympy_has} | nodes
    assert sp.parse_expr(example, local_dict=local | {each: sp.Symbol(each) for each in "ic"}) is not None
    square = np.arange(1.0, 17.0).reshape(4, 4)
    values = {"A": square, "B": square, "W": square, "x": square, "y": 1.0, "a": square[0], "b": square[1]}
    if word in ("array", "scatter", "Sum"):
        values |= {"x": np.arange(8.0), "d": np.arange(4.0), "i": np.array([0.0, 2.0])}
    if word in ("permute", "reshape", "reshape_like", "entrywise", "concat"):
        values |= {"x": np.arange(12.0).reshape(2, 3, 2), "y": np.ones((3, 4)), "a": square, "b": square}
    values |= {"gather": {"i": np.array([0.0, 2.0])}}.get(word, {"i": 1.0, "j": 1.0, "c": 1.0, "e": 2.0})
    assert np.isfinite(np.asarray(PrintedFormulas(values, FunctionTable()).value(example), float)).all()


WORD_NAMES = (
    "Sum",
    "Piecewise",
    "And",
    "Mod",
    "floor",
    "oo",
    "KroneckerDelta",
    "exp",
    "step",
    "where",
    "axes",
    "E",
    "I",
    "N",
)


@pytest.mark.parametrize("form", ["index", "matrix"])
def test_nodes_may_be_called_like_words_of_the_texts(form: str) -> None:
    """Each text is read by SymPy with the names of the nodes as symbols; `renamed` says how those are called in it."""
    nodes = {name: f"relu({before} + w)" for before, name in zip(("w", *WORD_NAMES), WORD_NAMES, strict=False)}
    last = WORD_NAMES[-1]
    text = network(
        {**nodes, "h": f"pad({last}, (1, 1))", "l": "logsumexp(h) + max(h[::-1]) + sum(Sum*exp)"}, {"w": [3]}
    )
    graph = bp.loads(text).graph
    assert differences(graph) == []
    printed = tensor_data(TensorDerivation(graph, "l", "w"), form)
    assert printed["renamed"]["oo"] == "oo_"
    assert set(printed["renamed"]) <= set(WORD_NAMES)
    symbols = {printed["renamed"].get(name, name): sp.IndexedBase(name) for name in graph.named.nodes}
    symbols |= {equation["symbol"]: sp.IndexedBase(equation["symbol"]) for equation in printed.get("equations", ())}
    symbols |= {letter: sp.Symbol(letter, integer=True) for letter in "ijklm"}
    words = {word: sp.Function(word) for word in ("axes", "scatter", "array", "slices", "entrywise", "where", "step")}
    found = sp.parse_expr(printed["expression"], local_dict={**words, **symbols})
    assert symbols["oo_"] in found.atoms(sp.IndexedBase) or form == "matrix"


def test_pages_keep_the_names_of_people() -> None:
    graph = bp.loads(network({"Sum": "exp*w", "l": "logsumexp(Sum)"}, {"w": [3], "exp": [3]})).graph
    page = report(TensorDerivation(graph, "l", "w"), "index", ascii=True)
    assert "      exp[i] * exp(Sum[i] - l)\n" in page


@pytest.mark.parametrize("formula", ["max(W @ x)", "min(exp(W) @ x)", "sum(max(W*x, axis=1))"])
def test_the_entry_that_wins_does_not_hang_on_a_rounding(formula: str) -> None:
    """Entries that the text writes out again are compared with one another, not with the extreme as it was stored."""
    graph = bp.loads(network({"l": formula}, {"W": [3, 9], "x": [9]})).graph
    assert [seed for seed in range(12) if differences(graph, seed)] == []
