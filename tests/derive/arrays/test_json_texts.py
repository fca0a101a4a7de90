"""The texts of `derive --json` in SymPy: each is parsed, evaluated and compared with the compiled gradient."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

import backpropsym as bp
from backpropsym.derive.array_derivation import TensorDerivation
from backpropsym.document.derivation.array_data import tensor_data
from backpropsym.evaluate.arithmetic import evaluate
from backpropsym.evaluate.array_evaluation import ArrayNetwork
from backpropsym.formula.tree import Call, Name
from backpropsym.graph.graph import Role
from backpropsym.ops.function_table import FunctionTable
from tests.derive.arrays.networks import NETWORKS, numbers

CHOSEN = (
    "perceptron",
    "convolutions",
    "plain image",
    "lecture convolution",
    "softmax by hand",
    "embedding",
    "attention",
    "attention, heads",
    "attention, causal",
    "attention, mask",
    "rnn",
    "gru, options",
    "lstm, options",
    "reductions",
    "bilinear",
)
MOST_PATHS = 12


class Reader:
    """Reads texts with nothing but SymPy, arrays and the registered functions."""

    def __init__(self, arrays: Mapping[str, Any], table: FunctionTable) -> None:
        self.arrays, self.table = arrays, table
        self.names = {
            name: sp.IndexedBase(name) if np.ndim(value) else sp.Symbol(name) for name, value in arrays.items()
        }

    def value(self, text: str, indices: Mapping[str, int]) -> float:
        letters = {letter: sp.Symbol(letter, integer=True) for letter in "ijklmnpqrstuvdefgh"}
        return self._at(sp.parse_expr(text, local_dict={**letters, **self.names}), dict(indices))

    def _at(self, expr: Any, env: dict[str, int]) -> Any:
        if isinstance(expr, sp.Symbol):
            return env[expr.name] if expr.name in env else float(self.arrays[expr.name])
        if isinstance(expr, sp.Indexed):
            place = tuple(int(self._at(each, env)) for each in expr.indices)
            assert all(0 <= at < size for at, size in zip(place, self.arrays[str(expr.base)].shape, strict=True))
            return self.arrays[str(expr.base)][place]
        if isinstance(expr, sp.Sum):
            return self._sum(expr, env)
        if isinstance(expr, sp.Piecewise):
            return next(self._at(kept, env) for kept, condition in expr.args if self._at(condition, env))
        if isinstance(expr, AppliedUndef):
            return self._called(expr, env)
        if not expr.args:
            return bool(expr) if expr in (sp.true, sp.false) else float(expr)
        parts = [self._at(part, env) for part in expr.args]
        match expr:
            case sp.Add():
                return sum(parts)
            case sp.Mul():
                return math.prod(parts)
            case sp.Max():
                return max(parts)
            case sp.Min():
                return min(parts)
            case sp.KroneckerDelta():
                return float(parts[0] == parts[1])
            case _:
                found = expr.func(*map(_number, parts))
                return bool(found) if found in (sp.true, sp.false) else float(found)

    def _sum(self, expr: sp.Sum, env: dict[str, int]) -> float:
        (index, low, high), *others = reversed(expr.limits)
        inner = expr.func(expr.function, *reversed(others)) if others else expr.function
        places = range(int(self._at(low, env)), int(self._at(high, env)) + 1)
        return sum(self._at(inner, {**env, index.name: place}) for place in places)

    def _called(self, expr: Any, env: dict[str, int]) -> Any:
        name, arguments = type(expr).__name__, expr.args
        if name == "where":
            return self._at(arguments[1 if self._at(arguments[0], env) else 2], env)
        known = {f"a{at}": self._at(each, env) for at, each in enumerate(arguments)}
        return float(evaluate(Call(name, tuple(map(Name, known))), known, self.table))


def _number(value: Any) -> Any:
    """`value` in SymPy, whole numbers as such."""
    if isinstance(value, bool):
        return value
    return sp.Integer(int(value)) if float(value).is_integer() else sp.Float(value)


@pytest.mark.parametrize("name", CHOSEN)
def test_every_text_has_the_value_of_the_compiled_gradient(name: str) -> None:
    net, of = bp.loads(NETWORKS[name][0]), NETWORKS[name][1]
    graph, random = net.graph, np.random.default_rng(5)
    given = numbers(graph, random)
    _, gradients = bp.compile(net)(**{each: value for each, value in given.items() if each not in graph.constants})
    network = ArrayNetwork(graph, {each: np.asarray(value, dtype=float) for each, value in given.items()}, None)
    network.forward(of)
    reader = Reader({each: value for each, value in network.values.items() if graph[each].named}, graph.functions)
    for wrt in graph.names(Role.PARAMETER):
        derivation = TensorDerivation(graph, of, wrt)
        if derivation.count > MOST_PATHS:
            continue
        data = tensor_data(derivation)
        place = tuple(int(random.integers(size)) for size in graph[wrt].shape)
        indices = dict(zip(data["indices"], place, strict=True))
        wanted = np.asarray(gradients[wrt])[place]
        assert reader.value(data["expression"], indices) == pytest.approx(wanted, rel=1e-9, abs=1e-12), wrt
        assert sum(_term(reader, term, indices) for term in data["terms"]) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
        for step, own in data["definitions"].items():
            at = tuple(int(random.integers(size)) for size in graph[step].shape)
            others = Reader({each: array for each, array in reader.arrays.items() if each != step}, graph.functions)
            found = others.value(own["expression"], dict(zip(own["indices"], at, strict=True)))
            assert found == pytest.approx(network.values[step][at], rel=1e-9, abs=1e-12), step


def _term(reader: Reader, term: dict[str, Any], indices: Mapping[str, int]) -> float:
    """A term from its product, its sums and its conditions."""
    ranges = [range(each[1]) if len(each) == 2 else range(int(each[1]), int(each[2]) + 1) for each in term["sums"]]
    total = 0.0
    for place in itertools.product(*ranges):
        env = {**indices, **{each[0]: at for each, at in zip(term["sums"], place, strict=True)}}
        bounds = [[reader.value(part, env) for part in condition] for condition in term["conditions"]]
        if all(low <= value <= high for low, value, high in bounds):
            total += reader.value(term["product"], env)
    return total


def test_steps_of_a_layer_are_defined_and_what_a_person_wrote_is_not() -> None:
    net = bp.loads(NETWORKS["attention"][0])
    data = tensor_data(TensorDerivation(net.graph, "a", "v"))
    assert data["definitions"]["z_a"]["indices"] == ["i", "j"]
    assert set(data["definitions"]) == {"z_a", "z_s"}
    assert tensor_data(TensorDerivation(bp.loads(NETWORKS["perceptron"][0]).graph, "loss", "W1"))["definitions"] == {}


_CALL = re.compile(r"[A-Za-z_]\w*(?=\()")


@pytest.mark.parametrize("name", CHOSEN)
def test_matrix_notation_is_read_with_its_words_as_functions(name: str) -> None:
    """No option, quote or slice is in the way, and what is read names nodes and adjoints alone."""
    net, of = bp.loads(NETWORKS[name][0]), NETWORKS[name][1]
    for wrt in net.graph.names(Role.PARAMETER):
        derivation = TensorDerivation(net.graph, of, wrt)
        if not derivation.count or derivation.count > MOST_PATHS:
            continue
        data = tensor_data(derivation, "matrix")
        symbols = {each["symbol"] for each in data["equations"]}
        for text in (data["expression"], *(each["expression"] for each in data["equations"])):
            nodes = {node: sp.IndexedBase(node) for node in {*net.graph.nodes, *symbols}}
            read = sp.parse_expr(text, local_dict={word: sp.Function(word) for word in _CALL.findall(text)} | nodes)
            known = {*map(str, nodes)} | _entries(read) | _bound(text)
            assert {str(each) for each in read.free_symbols} <= known, text
            assert '"' not in text
            assert "=" not in text.replace("<=", "")


def _entries(expr: Any) -> set[str]:
    """The entries that are read, which count as symbols of their own."""
    return {str(each) for each in expr.atoms(sp.Indexed)} | {"n", "m"}


def _bound(text: str) -> set[str]:
    """The indices of entries that are listed, as in (i, 0, 3)."""
    return set(re.findall(r"\((\w), 0, ", text))


def test_einsum_and_axes_are_spelled_as_numpy_has_them_without_names() -> None:
    text = bp.loads(NETWORKS["attention, heads"][0]).derive(wrt="v").expression("matrix")
    assert re.search(r"einsum\(.+, \(\d, \d, \d\), .+, \(\d, \d, \d\), \(\d, \d, \d\)\)", text)
