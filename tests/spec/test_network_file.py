"""What a network file may say: sections in any order, values, constants, names that mean something elsewhere."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import sympy as sp

from backpropsym.errors import NetworkError, UnknownNameError
from backpropsym.graph.graph import Role
from backpropsym.network import Network, example, load, loads
from backpropsym.spec.source import examples
from backpropsym.spec.toml import parse_network

LECTURE = {
    "title": 'title = "One neuron"',
    "inputs": 'inputs = ["x1", "x2"]',
    "targets": 'targets = ["y"]',
    "parameters": 'parameters = ["w1", "w2"]',
    "output": 'output = "a"',
    "loss": 'loss = "(a - y)**2"',
}
SECTIONS = {
    "nodes": '[nodes]\na = "f(s)"\ns = "w1*x1 + c*w2*x2"',
    "functions": '[functions]\nf = "tanh"',
    "values": "[values]\nx1 = 1.0\nw2 = -2",
    "constants": "[constants]\nc = 0.5",
}


def _check(network: Network) -> None:
    graph = network.graph
    assert graph.title == "One neuron"
    assert graph.names(Role.INPUT) == ("x1", "x2")
    assert graph.names(Role.TARGET) == ("y",)
    assert graph.names(Role.PARAMETER) == ("w1", "w2")
    assert graph.names(Role.CONSTANT) == ("c",)
    assert graph.names(Role.VALUE) == ("a", "s", "loss")
    assert graph.output == "a"
    assert graph.loss == graph.objective == "loss"
    assert dict(graph.values) == {"x1": 1.0, "w2": -2.0}
    assert dict(graph.constants) == {"c": 0.5}
    assert graph["s"].parents == ("w1", "x1", "c", "w2", "x2")
    assert graph.order.index("s") < graph.order.index("a") < graph.order.index("loss")
    assert graph.warnings == ()
    value = network.derive("a", wrt="w1").evaluate(x1=3.0, x2=0.25, w1=0.1)
    assert value == pytest.approx((1 - math.tanh(0.3 - 0.25) ** 2) * 3)


def test_all_sections_in_any_order() -> None:
    for order in itertools.permutations(SECTIONS):
        _check(loads("\n".join([*LECTURE.values(), *(SECTIONS[name] for name in order)])))
    for keys in list(itertools.permutations(LECTURE))[::41]:
        _check(loads("\n".join([*(LECTURE[key] for key in keys), *SECTIONS.values()])))


NAMES = ("E", "I", "S", "N", "Q", "O", "C", "beta", "gamma", "zeta", "pi", "np", "math", "print", "self", "sympy", "x")
WORDS = ("cls", "values", "nodes", "output", "title", "type", "list", "dict", "exec", "Symbol", "Function", "loc", "of")


@pytest.mark.parametrize("name", [*NAMES, *WORDS])
def test_words_of_python_sympy_and_numpy_are_ordinary_names(name: str) -> None:
    network = loads(f'inputs = ["{name}"]\nparameters = ["w0"]\noutput = "a0"\n[nodes]\na0 = "w0**2*{name}"')
    derivation = network.derive(wrt="w0")
    assert derivation.expression() == f"2*{name}*w0"
    symbols = {each: sp.Symbol(each, real=True) for each in ("w0", name)}
    assert sp.parse_expr(derivation.expression(), local_dict=symbols) == 2 * symbols["w0"] * symbols[name]
    assert derivation.evaluate(**{name: 3.0, "w0": 0.5}) == 3.0


@pytest.mark.parametrize("name", [*NAMES, *WORDS, "loss"])
def test_they_may_be_nodes_parameters_and_outputs_too(name: str) -> None:
    network = loads(f'inputs = ["x0"]\nparameters = ["w0"]\noutput = "{name}"\n[nodes]\n{name} = "tanh(w0*x0)"')
    assert network.derive(wrt="w0").expression("expanded") == "(1 - tanh(w0*x0)**2)*x0"
    network = loads(f'inputs = ["x0"]\nparameters = ["{name}"]\noutput = "a0"\n[nodes]\na0 = "tanh({name}*x0)"')
    assert network.derive(wrt=name).evaluate(**{name: 0.0, "x0": 2.0}) == 2.0


def test_a_network_may_have_no_inputs_and_no_parameters() -> None:
    network = loads('output = "a"\n[nodes]\na = "2"')
    assert network.inputs == network.parameters == {}
    assert loads('inputs = {}\nparameters = []\noutput = "a"\n[nodes]\na = "2"').graph.order == ("a",)


def test_the_target_of_a_network_without_loss_may_stay_unused() -> None:
    text = 'inputs = ["x"]\ntargets = ["y"]\noutput = "a"\n[nodes]\na = "2*x"'
    assert loads(text).graph.warnings == ()


WARNED = """\
inputs = ["x", "x9"]
targets = ["y"]
parameters = ["w", "w9"]
output = "a"
loss = "a**2"
[nodes]
a = "w*x"
b = "w*x"
[constants]
c9 = 1
"""


def test_what_nothing_uses_is_a_warning_with_its_place() -> None:
    warnings = parse_network(WARNED, "net.toml").warnings
    assert [(each.kind, each.where.line, each.message) for each in warnings if each.where] == [
        ("warning", 1, "input x9 is not used by a or loss"),
        ("warning", 2, "target y is not used by a or loss"),
        ("warning", 3, "parameter w9 is not used by a or loss"),
        ("warning", 10, "constant c9 is not used by a or loss"),
        ("warning", 8, "node b is not used by a or loss"),
    ]
    assert str(warnings[0]) == (
        "warning: input x9 is not used by a or loss\n"
        '  net.toml:1   inputs = ["x", "x9"]\n'
        "                               ^^\n"
        "  fix: remove it, or use it"
    )


def test_what_only_the_loss_uses_is_used() -> None:
    text = (
        'inputs = ["x"]\ntargets = ["y"]\nparameters = ["w", "decay"]\noutput = "a"\nloss = "(a - y)**2 + decay*w**2"\n'
    )
    assert loads(text + '[nodes]\na = "w*x"').graph.warnings == ()


@pytest.mark.parametrize("name", examples())
def test_every_bundled_example_is_a_network_without_warnings(name: str) -> None:
    assert example(name).graph.warnings == ()


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text('output = "a"\n[nodes]\na = "x"', encoding="utf-8")
    with pytest.raises(NetworkError) as caught:
        load(path)
    assert f"{path}:3" in str(caught.value)
    path.write_text('inputs = ["x"]\noutput = "a"\n[nodes]\na = "x"', encoding="utf-8")
    assert load(str(path)).graph.output == "a"


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes('\ufeffinputs = ["x"]\r\noutput = "a"\r\n[nodes]\r\na = "x"\r\n'.encode())
    assert load(path).graph.output == "a"


def test_files_that_cannot_be_read_are_errors_of_ours(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'title = "\xe9"\n')
    for source, message in {
        str(latin): "is not UTF-8 text",
        str(tmp_path): "there is no network file",
        str(tmp_path / "none.toml"): "there is no network file",
        "lectur": "no example of that name",
        "../lecture": "no example of that name",
        "a\0b": "there is no network file",
        "x[2] -> " + "dense(2) -> " * 400 + "(": "",
    }.items():
        with pytest.raises(NetworkError) as caught:
            load(source)
        assert message in str(caught.value)


def test_a_near_example_is_offered() -> None:
    with pytest.raises(NetworkError, match="did you mean lecture"):
        load("lectur")
    with pytest.raises(UnknownNameError, match="did you mean lecture"):
        example("lectur")
